"""Foreign checkpoints become entries here, so that a fork of one must fork them all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from ledger import tasks
from ledger.body_checks import BodyReport, sample_bodies
from ledger.checkpoint import parse_and_verify
from ledger.cosignature import cosignatures
from ledger.encoding import (
    ZERO32,
    Entry,
    decode_entry,
    encode_statement,
    log_id,
    signed_bytes,
)
from ledger.events import Event
from ledger.history import progress
from ledger.models import Anchor, WitnessState
from ledger.note import COSIGNATURE_TYPE
from ledger.policy import Party, format_policy, k_of_n
from ledger.served_log import SiteLog, site_tiles
from ledger.signing import is_signed_by
from ledger.site import log_signer, origin, policy, witness_name, witness_signer
from ledger.tiles import consistency_path
from ledger.verifier_key import VerifierKey
from ledger.views import site_witness
from ledger.witnessing.anchoring import anchor_logs, cid_of
from tests.conftest import TEMPLATE, clone_of, connected_to, head_of
from tests.ledger.test_witness import Log, asks
from tests.ledger.values import signer
from tests.ledger.world import World

HOUR, NEVER_RESTS = timedelta(hours=1), timedelta(0)
LOG = Log("log.example/2026")
OTHER = Log("other.example/2026", signer=signer(41)).forked(0)


@pytest.fixture(autouse=True)
def known(settings, tmp_path) -> Callable[..., None]:
    """Writes this site's policy: whose logs it watches."""
    path: Path = tmp_path / "policy"
    settings.LEDGER_POLICY = path

    def written(*logs: Log) -> None:
        parties = tuple(Party(log.origin, log.key) for log in logs)
        path.write_text(format_policy(k_of_n(parties, (), 0)))

    written(LOG, OTHER)
    return written


def cosigned(log: Log, *sizes: int) -> None:
    """A foreign log has this site cosign one size after another."""
    seen = WitnessState.objects.filter(origin=log.origin).first()
    old = seen.size if seen else 0
    for size in sizes:
        assert site_witness().add_checkpoint(log.asks(old, size)).status == 200
        old = size


def anchored() -> list[tuple[str, int]]:
    return list(Anchor.objects.order_by("anchored_at").values_list("origin", "size"))


def entries(world: World) -> list[Entry]:
    rows = world.rows("SELECT bytes FROM ledger.entry ORDER BY seq")
    return [decode_entry(data) for (data,) in rows]


# What is entered


def test_a_foreign_checkpoint_becomes_an_entry(world: World):
    cosigned(LOG, 5)
    assert anchor_logs(every=HOUR) == 1
    world.sequence()
    (entry,) = entries(world)
    statement, note = entry.statement, WitnessState.objects.get().note
    assert (statement.kind, statement.tenant) == (Event.LOG_ANCHORED, 0)
    assert statement.cid == b"\x01\x55\x12\x20" + sha256(note.encode()).digest()
    assert statement.author_key_id == log_signer().key_id
    assert is_signed_by(
        log_signer().public_key,
        message=signed_bytes(log_id(origin()), encode_statement(statement)),
        signature=entry.signature,
    )
    for field in ("subject_tag", "wraps_hash", "key_commit", "meta_commit"):
        assert getattr(statement, field) == ZERO32
    assert progress([statement.statement_id])[statement.statement_id].seq == 0


def test_the_note_is_kept_whole_beside_the_entry(world: World):
    cosigned(LOG, 5)
    anchor_logs(every=HOUR)
    anchor = Anchor.objects.get()
    assert (anchor.origin, anchor.size) == (LOG.origin, 5)
    key = LOG.signer.public_key
    assert parse_and_verify(
        anchor.note, origin=LOG.origin, public_key=key
    ) == LOG.checkpoint(5)
    own = VerifierKey(witness_name(), witness_signer().public_key, COSIGNATURE_TYPE)
    assert len(cosignatures(anchor.note, [own])) == 1
    ((queued,),) = world.rows("SELECT statement_id FROM ledger.inbox")
    assert queued == bytes(anchor.statement_id)


def test_each_log_is_entered_on_its_own(world: World):
    cosigned(LOG, 5)
    cosigned(OTHER, 3)
    assert anchor_logs(every=HOUR) == 2
    assert sorted(anchored()) == [(LOG.origin, 5), (OTHER.origin, 3)]
    cosigned(OTHER, 9)
    assert anchor_logs(every=NEVER_RESTS) == 1
    assert anchored()[-1] == (OTHER.origin, 9)
    assert world.count("inbox") == 3


def test_what_nobody_knows_or_has_cosigned_is_not_entered(world: World, known):
    assert anchor_logs(every=HOUR) == 0
    cosigned(LOG, 0)
    assert anchor_logs(every=HOUR) == 0
    cosigned(LOG, 5)
    cosigned(OTHER, 5)
    known(OTHER)
    assert anchor_logs(every=HOUR) == 1
    assert anchored() == [(OTHER.origin, 5)]
    known()
    assert anchor_logs(every=NEVER_RESTS) == 0


def test_this_log_is_not_entered_in_itself(world: World, known):
    own = Log(origin(), signer=log_signer())  # type: ignore[arg-type] # the same kind
    known(LOG, own)
    with world.connect("web") as web:
        root, note = own.checkpoint(5).root, own.note(5)
        web.execute(
            "SELECT ledger.advance_witness(%s, 0, 5, %s, %s)", [origin(), root, note]
        )
    assert anchor_logs(every=NEVER_RESTS) == 0


# How often


def test_a_log_that_has_not_grown_is_not_entered_again(world: World):
    cosigned(LOG, 5)
    assert anchor_logs(every=NEVER_RESTS) == 1
    assert anchor_logs(every=NEVER_RESTS) == 0
    cosigned(LOG, 5)  # cosigned again, later
    assert anchor_logs(every=NEVER_RESTS) == 0
    cosigned(LOG, 6)
    assert anchor_logs(every=NEVER_RESTS) == 1
    assert anchored() == [(LOG.origin, 5), (LOG.origin, 6)]


def test_a_log_that_grows_is_entered_once_in_an_interval(world: World):
    cosigned(LOG, 5)
    assert anchor_logs(every=HOUR) == 1
    for size in range(6, 12):
        cosigned(LOG, size)
        assert anchor_logs(every=HOUR) == 0
    time_passes(world, minutes=59)
    assert anchor_logs(every=HOUR) == 0
    time_passes(world, minutes=2)
    assert anchor_logs(every=HOUR) == 1
    assert anchored() == [(LOG.origin, 5), (LOG.origin, 11)]
    cosigned(LOG, 20)
    assert anchor_logs(every=HOUR) == 0


def time_passes(world: World, *, minutes: int) -> None:
    superuser_does(
        world,
        "UPDATE ledger.anchor SET anchored_at = anchored_at"
        f" - interval '{minutes} minutes'",
    )


def superuser_does(world: World, *statements: str) -> None:
    with world.superuser() as superuser:
        superuser.execute("ALTER TABLE ledger.anchor DISABLE TRIGGER ALL")
        for statement in statements:
            superuser.execute(statement)
        superuser.execute(
            "ALTER TABLE ledger.anchor ENABLE ALWAYS TRIGGER anchor_is_append_only"
        )


def test_the_settings_say_how_often(world: World, settings):
    cosigned(LOG, 5)
    assert tasks.anchor_logs() == 1
    cosigned(LOG, 6)
    assert tasks.anchor_logs() == 0
    settings.LEDGER_ANCHOR_MINUTES = 0
    assert tasks.anchor_logs() == 1


# All or nothing


def test_entry_and_note_go_together(world: World):
    cosigned(LOG, 5)
    with transaction.atomic():
        assert anchor_logs(every=HOUR) == 1
        transaction.set_rollback(True)
    assert (world.count("inbox"), world.count("anchor")) == (0, 0)
    assert anchor_logs(every=HOUR) == 1
    assert (world.count("inbox"), world.count("anchor")) == (1, 1)


@pytest.mark.parametrize("table", ["anchor", "inbox"])
def test_where_one_cannot_be_written_neither_is(world: World, table: str):
    cosigned(LOG, 5)
    with world.superuser() as superuser:
        superuser.execute(f"ALTER TABLE ledger.{table} ADD CONSTRAINT no CHECK (false)")
    with pytest.raises(DatabaseError):
        anchor_logs(every=HOUR)
    assert (world.count("inbox"), world.count("anchor")) == (0, 0)


# What an entry names is checked


def test_the_note_that_an_entry_names_is_looked_at(world: World):
    cosigned(LOG, 5)
    cosigned(OTHER, 7)
    anchor_logs(every=HOUR)
    world.sequence()
    assert sample_bodies(20) == BodyReport(2, 0, ())
    # The next note leaves the older one where it is.
    cosigned(LOG, 9)
    anchor_logs(every=NEVER_RESTS)
    world.sequence()
    assert sample_bodies(20) == BodyReport(3, 0, ())
    assert sample_bodies(1).checked == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE ledger.anchor SET note = note || ' '", "is not the one recorded"),
        ("UPDATE ledger.anchor SET note = ''", "is not the one recorded"),
        (
            (
                "UPDATE ledger.anchor AS a SET note = (SELECT note FROM ledger.anchor AS b"
                " WHERE b.statement_id <> a.statement_id)"
            ),
            "is not the one recorded",
        ),
    ],
)
def test_a_note_that_was_changed_is_found(world: World, change: str, sentence: str):
    world.sequence(1)  # an entry that names nothing
    cosigned(LOG, 5)
    cosigned(OTHER, 7)
    anchor_logs(every=HOUR)
    world.sequence()
    with world.superuser() as superuser:
        superuser.execute("ALTER TABLE ledger.anchor DISABLE TRIGGER ALL")
        superuser.execute(
            "ALTER TABLE ledger.anchor DROP CONSTRAINT anchor_statement_id_check"
        )
        superuser.execute(change)
    report = sample_bodies(20)
    assert report.checked == 2
    assert [fault.seq for fault in report.faults] == [1, 2]
    for fault in report.faults:
        assert fault.sentence.startswith(f"What entry {fault.seq} names: ")
        assert sentence in fault.sentence


def test_the_nightly_inspection_finds_it(world: World):
    cosigned(LOG, 5)
    anchor_logs(every=HOUR)
    world.sequence()
    superuser_does(world, "UPDATE ledger.anchor SET note = ''")
    tasks.inspect_log()
    ((first_bad, trouble),) = world.rows(
        "SELECT first_bad, trouble FROM ledger_inspection"
    )
    assert first_bad == 0
    assert "not the one recorded" in trouble


def test_the_logins_never_change_an_anchor(world: World):
    cosigned(LOG, 5)
    anchor_logs(every=HOUR)
    for change in (
        Anchor.objects.all().delete,
        lambda: Anchor.objects.update(note=""),
    ):
        with pytest.raises(DatabaseError):
            change()
    assert Anchor.objects.get().note


def test_a_note_s_cid_is_its_own():
    assert cid_of("a") == b"\x01\x55\x12\x20" + sha256(b"a").digest()
    assert cid_of(LOG.note(5)) != cid_of(LOG.note(6))


# Two sites that watch each other


@dataclass(frozen=True)
class Site:
    """A whole site: a log under a name of its own on a database of its own."""

    origin: str
    world: World
    policy: Path

    @contextmanager
    def open(self) -> Iterator[None]:
        """Be this site."""
        given = {"LEDGER_ORIGIN": self.origin, "LEDGER_POLICY": self.policy}
        with connected_to(self.world.database), override_settings(**given):
            yield

    def key(self) -> VerifierKey:
        with self.open():
            return VerifierKey(origin(), log_signer().public_key)

    def submission(self, old: int) -> bytes:
        """Its latest checkpoint, shown to continue an older one."""
        with self.open():
            log = SiteLog()
            size, note = log.size(), log.checkpoint()
            assert note is not None
            path = (
                consistency_path(old, size, site_tiles().read) if 0 < old < size else ()
            )
            return asks(old, note, path)

    def witnesses(self, other: "Site") -> None:
        """Cosign what the other one has signed last."""
        with self.open():
            seen = WitnessState.objects.filter(origin=other.origin).first()
            old = seen.size if seen else 0
        body = other.submission(old)
        with self.open():
            assert site_witness().add_checkpoint(body).status == 200

    def anchors(self, every: timedelta) -> int:
        with self.open():
            found = anchor_logs(every=every)
            self.world.sequence()
            return found


@pytest.fixture
def two_sites(django_db_setup, django_db_blocker, tmp_path) -> Iterator[list[Site]]:
    """Two sites that have each other's log in their policies."""
    with (
        clone_of(TEMPLATE) as first,
        clone_of(TEMPLATE) as second,
        django_db_blocker.unblock(),
    ):
        sites = [
            Site(f"{name}.example/ledger", World(database), tmp_path / name)
            for name, database in (("one", first), ("two", second))
        ]
        for site in sites:
            rename(site)
        for site, other in zip(sites, sites[::-1], strict=True):
            log = Party(other.origin, other.key())
            site.policy.write_text(format_policy(k_of_n((log,), (), 0)))
        for site in sites:
            with site.open():
                site.world.sequence(2)
        yield sites
        connection.close()


def rename(site: Site) -> None:
    """Give an empty log another name, as its first migration would have."""
    with site.world.superuser() as superuser:
        superuser.execute(
            "CREATE OR REPLACE FUNCTION ledger.origin() RETURNS text LANGUAGE sql"
            f" IMMUTABLE PARALLEL SAFE AS $$ SELECT '{site.origin}'::text $$"
        )
        # Where the migration has written the log's id out, it is the old one.
        superuser.execute(
            "ALTER DOMAIN ledger.this_log DROP CONSTRAINT inbox_of_this_log"
        )


def go_round(sites: list[Site], every: timedelta) -> int:
    """Each watches the other, then enters what it has seen."""
    entered = 0
    for site, other in zip(sites, sites[::-1], strict=True):
        site.witnesses(other)
        entered += site.anchors(every)
    return entered


def sizes(sites: list[Site]) -> list[int]:
    found = []
    for site in sites:
        with site.open():
            found.append(SiteLog().size())
    return found


@pytest.mark.slow
def test_two_logs_that_anchor_each_other_come_to_rest(two_sites: list[Site]):
    assert go_round(two_sites, HOUR) == 2
    assert sizes(two_sites) == [3, 3]
    for _ in range(4):
        assert go_round(two_sites, HOUR) == 0
    assert sizes(two_sites) == [3, 3]
    for site in two_sites:
        time_passes(site.world, minutes=61)
    assert go_round(two_sites, HOUR) == 2
    assert go_round(two_sites, HOUR) == 0
    assert sizes(two_sites) == [4, 4]


@pytest.mark.slow
def test_a_log_that_anchors_another_vouches_for_what_it_had_seen(
    two_sites: list[Site],
):
    one, two = two_sites
    go_round(two_sites, HOUR)
    with one.open():
        (*_, entry) = entries(one.world)
        note = Anchor.objects.get().note
        assert cid_of(note) == entry.statement.cid
        log = policy().log(two.origin)
        assert log is not None
    seen = parse_and_verify(note, origin=two.origin, public_key=log.key.public_key)
    with two.open():
        ((root,),) = two.world.rows(
            f"SELECT root FROM ledger.checkpoint WHERE size = {seen.size}"
        )
    assert seen.root == root


def test_the_two_sites_of_these_tests_are_two(two_sites: list[Site]):
    for site in two_sites:
        with site.open():
            assert site.world.rows("SELECT ledger.origin()") == [(site.origin,)]
            logs = {entry.log_id for entry in entries(site.world)}
        assert logs == {log_id(site.origin)}
        assert head_of(site.world.database).exists()
