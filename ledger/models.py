"""The ledger's rows, as the migration's SQL lays them down."""

from datetime import UTC, datetime

from django.db import models


class Inbox(models.Model):
    """A statement that waits for its place in the log."""

    id = models.BigIntegerField(primary_key=True)
    log_id = models.BinaryField()
    statement_id = models.BinaryField(unique=True)
    statement = models.BinaryField()
    signature = models.BinaryField()
    queued_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"ledger"."inbox"'

    def __str__(self) -> str:
        return f"statement {bytes(self.statement_id).hex()}"


class Refused(models.Model):
    """A queued statement that the sequencer could not enter, with its reason."""

    id = models.BigIntegerField(primary_key=True)
    statement_id = models.BinaryField()
    statement = models.BinaryField()
    signature = models.BinaryField()
    reason = models.TextField()
    refused_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"ledger"."refused"'

    def __str__(self) -> str:
        return f"statement {bytes(self.statement_id).hex()}: {self.reason}"


class Entry(models.Model):
    """A row of the log: the bytes that were hashed, with columns to find them by."""

    seq = models.BigIntegerField(primary_key=True)
    bytes = models.BinaryField()
    previous_hash = models.BinaryField()
    leaf_hash = models.BinaryField()
    ts_ms = models.BigIntegerField()
    statement_id = models.BinaryField(unique=True)
    tenant = models.IntegerField()
    kind = models.SmallIntegerField()
    cid = models.BinaryField()

    class Meta:
        managed = False
        db_table = '"ledger"."entry"'

    def __str__(self) -> str:
        return f"entry {self.seq}"

    @property
    def sequenced_at(self) -> datetime:
        """When the sequencer entered it, by the sequencer's clock."""
        return datetime.fromtimestamp(self.ts_ms / 1000, tz=UTC)


class Checkpoint(models.Model):
    """A signed root; there is one for a size, ever."""

    pk = models.CompositePrimaryKey("log_id", "size")
    log_id = models.BinaryField()
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"ledger"."checkpoint"'

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"


class Tile(models.Model):
    """256 hashes of one level of the tree, with the root over them."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField()
    root = models.BinaryField()

    class Meta:
        managed = False
        db_table = '"ledger"."tile"'

    def __str__(self) -> str:
        return f"tile {self.level}/{self.index}"


class Cosignature(models.Model):
    """What a witness said about one checkpoint of this log."""

    pk = models.CompositePrimaryKey("log_id", "size", "witness", "key_id")
    log_id = models.BinaryField()
    size = models.BigIntegerField()
    witness = models.TextField()
    key_id = models.BinaryField()
    cosigned_at = models.BigIntegerField()
    line = models.TextField()

    class Meta:
        managed = False
        db_table = '"ledger"."cosignature"'

    def __str__(self) -> str:
        return f"{self.witness} at {self.size}"


class Contact(models.Model):
    """How asking a witness went the last time."""

    witness = models.TextField(primary_key=True)  # its key's name+id
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    trouble = models.TextField()

    class Meta:
        managed = False
        db_table = '"ledger"."contact"'

    def __str__(self) -> str:
        return f"{self.witness}: {self.trouble or 'fine'}"


class WitnessState(models.Model):
    """The last checkpoint of a foreign log that this site has cosigned."""

    origin = models.TextField(primary_key=True)
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    seen_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"ledger"."witness_state"'

    def __str__(self) -> str:
        return f"{self.origin} at {self.size}"


class Evidence(models.Model):
    """Two notes that one log has signed and that cannot both be true."""

    id = models.BigIntegerField(primary_key=True)
    origin = models.TextField()
    first_size = models.BigIntegerField()
    second_size = models.BigIntegerField()
    first_note = models.TextField()
    second_note = models.TextField()
    told_by = models.TextField()
    found_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"ledger"."witness_evidence"'

    def __str__(self) -> str:
        return f"{self.origin} at {self.first_size} and {self.second_size}"


class Anchor(models.Model):
    """A foreign log's checkpoint that is an entry of this one."""

    statement_id = models.BinaryField(primary_key=True)
    origin = models.TextField()
    size = models.BigIntegerField()
    note = models.TextField()
    anchored_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"ledger"."anchor"'

    def __str__(self) -> str:
        return f"{self.origin} at {self.size}"


class Inspection(models.Model):
    """One nightly look at the whole log, done in slices."""

    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    certified = models.BigIntegerField(default=0)
    checkpoints = models.BigIntegerField(default=0)
    bodies = models.IntegerField(default=0)
    first_bad = models.BigIntegerField(null=True, blank=True)
    trouble = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"inspection of {self.started_at:%Y-%m-%d}: {self.trouble or 'intact'}"
