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
    author_key_id = models.BinaryField()
    subject_tag = models.BinaryField()
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
