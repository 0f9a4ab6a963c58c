"""How far witnesses have followed the log, and what the health page makes of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger import sequencer_sql as queries
from ledger.checkpoint import parse_and_verify
from ledger.cosignature import cosign, cosignatures
from ledger.encoding import log_id
from ledger.health import Check, checks, forks
from ledger.history import inclusion, progress
from ledger.models import Contact, Inspection
from ledger.note import COSIGNATURE_TYPE
from ledger.policy import Group, Party, Policy, format_policy, k_of_n
from ledger.proofs import verify_inclusion
from ledger.served_log import SiteLog
from ledger.site import log_signer, origin
from ledger.tasks import inspect_log
from ledger.verifier_key import VerifierKey
from ledger.witnessed import Standing, standing, witnessed_checkpoint
from ledger.witnessing.evidence import keep
from ledger.witnessing.table_store import TableWitnessStore
from ledger.witnessing.watching import watch_logs
from ledger.witnessing.witness import Seen
from tests.ledger.serving import served
from tests.ledger.test_comparing import Shown
from tests.ledger.test_sequencer import replay
from tests.ledger.test_witness import Log, seen_at, text_of
from tests.ledger.values import signer
from tests.ledger.world import World

NOW = 1_790_000_000


@dataclass(frozen=True)
class Cosigner:
    """A witness of this log, by a number; two may share the name of their key."""

    number: int
    key_name: str = ""

    @property
    def name(self) -> str:
        return self.key_name or f"w{self.number}.example/witness"

    @property
    def party(self) -> Party:
        public_key = signer(100 + self.number).public_key
        key = VerifierKey(self.name, public_key, COSIGNATURE_TYPE)
        return Party(f"w{self.number}", key)

    def cosign(self, world: World, size: int) -> None:
        """Its cosignature arrives, kept as the sequencer's login keeps it."""
        ((note,),) = world.rows(
            f"SELECT note FROM ledger.checkpoint WHERE size = {size}"
        )
        key = signer(100 + self.number)
        line = cosign(text_of(note), name=self.name, signer=key, time=NOW)
        row = [log_id(origin()), size, self.name, self.party.key.key_id, NOW, line]
        with world.connect("sequencer") as login:
            login.execute(queries.COSIGN, row)


A, B, C = Cosigner(1), Cosigner(2), Cosigner(3)
STRANGER = Cosigner(9)


@pytest.fixture(autouse=True)
def policy_file(settings, tmp_path) -> Path:
    """Where this test's policy is, if it has one."""
    path: Path = tmp_path / "policy"
    settings.LEDGER_POLICY = path
    return path


@pytest.fixture
def two_of_three(policy_file: Path) -> Policy:
    policy = k_of_n((), (A.party, B.party, C.party), 2)
    policy_file.write_text(format_policy(policy))
    return policy


def state_of(statement_id: bytes) -> tuple[str, int, int]:
    known = progress([statement_id])[statement_id]
    return known.state, known.witnesses, known.of


# A statement's way


def test_a_statement_is_accepted_sequenced_then_witnessed(world: World, two_of_three):
    (first,) = world.queue()
    assert state_of(first) == ("accepted", 0, 0)
    world.sequence()
    assert state_of(first) == ("sequenced", 0, 3)
    B.cosign(world, 1)
    assert state_of(first) == ("sequenced", 1, 3)
    A.cosign(world, 1)
    assert state_of(first) == ("witnessed", 2, 3)
    C.cosign(world, 1)
    assert state_of(first) == ("witnessed", 3, 3)


def test_a_cosignature_covers_what_was_there_alone(world: World, two_of_three):
    (first,) = world.queue()
    world.sequence()
    (second,) = world.queue()
    world.sequence()
    for each in (A, B):
        each.cosign(world, 1)
    assert state_of(first) == ("witnessed", 2, 3)
    assert state_of(second) == ("sequenced", 0, 3)
    for each in (B, C):
        each.cosign(world, 2)
    assert state_of(first) == ("witnessed", 3, 3)
    assert state_of(second) == ("witnessed", 2, 3)


def test_strangers_cosign_for_nobody(world: World, two_of_three):
    (first,) = world.queue()
    world.sequence()
    same_name_other_key = Cosigner(8, key_name=A.name)
    for each in (A, STRANGER, same_name_other_key):
        each.cosign(world, 1)
    assert state_of(first) == ("sequenced", 1, 3)


def test_two_keys_of_one_name_are_two_witnesses(world: World, policy_file: Path):
    one, two = Cosigner(1, "shared.example"), Cosigner(2, "shared.example")
    policy_file.write_text(format_policy(k_of_n((), (one.party, two.party), 2)))
    (first,) = world.queue()
    world.sequence()
    one.cosign(world, 1)
    assert state_of(first) == ("sequenced", 1, 2)
    assert witnessed_checkpoint(standing()) is None
    two.cosign(world, 1)
    assert state_of(first) == ("witnessed", 2, 2)
    assert len(cosignatures(inclusion(0).checkpoint, [one.party.key])) == 1
    assert len(cosignatures(inclusion(0).checkpoint, [two.party.key])) == 1


def test_groups_count_as_the_policy_says(world: World, policy_file: Path):
    """Two of A and B, or of C and a fourth, however many are there in all."""
    fourth = Cosigner(4)
    groups = {
        "ab": Group(2, ("w1", "w2")),
        "cd": Group(2, ("w3", "w4")),
        "either": Group(1, ("ab", "cd")),
    }
    witnesses = tuple(each.party for each in (A, B, C, fourth))
    policy_file.write_text(format_policy(Policy((), witnesses, groups, "either")))
    (first,) = world.queue()
    world.sequence()
    for each, state in ((A, "sequenced"), (C, "sequenced"), (fourth, "witnessed")):
        each.cosign(world, 1)
        assert state_of(first)[0] == state
    assert state_of(first) == ("witnessed", 3, 4)


def test_without_a_quorum_nothing_is_ever_witnessed(world: World, policy_file: Path):
    policy_file.write_text(format_policy(k_of_n((), (A.party, B.party), 0)))
    (first,) = world.queue()
    world.sequence()
    for each in (A, B):
        each.cosign(world, 1)
    assert state_of(first) == ("sequenced", 2, 2)
    assert witnessed_checkpoint(standing()) is None


def test_how_far_takes_three_queries_for_any_number(world: World, two_of_three):
    ids = world.queue(30)
    world.sequence()
    for each in (A, B):
        each.cosign(world, 30)
    with CaptureQueriesContext(connection) as asked:
        known = progress(ids)
    assert {found.state for found in known.values()} == {"witnessed"}
    assert len(asked) == 3


# The proof


def signed_size(note: str) -> int:
    public_key = log_signer().public_key
    return parse_and_verify(note, origin=origin(), public_key=public_key).size


def test_a_proof_leads_to_a_checkpoint_that_meets_the_quorum(
    world: World, two_of_three: Policy
):
    world.sequence(3, 2, 4)
    for each, size in ((A, 3), (B, 3), (C, 3), (A, 5), (B, 9)):
        each.cosign(world, size)
    for seq in range(3):
        proof = inclusion(seq)
        assert (proof.size, signed_size(proof.checkpoint)) == (3, 3)
        said = cosignatures(proof.checkpoint, two_of_three.witness_keys)
        assert {one.name for one in said} == {A.name, B.name, C.name}
        assert two_of_three.is_met({one.identity for one in said})
        verify_inclusion(
            index=seq,
            size=3,
            leaf_hash=proof.leaf_hash,
            path=proof.path,
            root=proof.root,
        )
    for seq in range(3, 9):
        proof = inclusion(seq)
        assert (proof.size, signed_size(proof.checkpoint)) == (9, 9)
        (said_by_b,) = cosignatures(proof.checkpoint, two_of_three.witness_keys)
        assert said_by_b.name == B.name
    C.cosign(world, 5)
    assert [inclusion(seq).size for seq in range(9)] == [5] * 5 + [9] * 4
    A.cosign(world, 9)
    assert {inclusion(seq).size for seq in range(9)} == {9}


def test_what_is_served_as_the_checkpoint_carries_every_cosignature(
    world: World, two_of_three: Policy
):
    world.sequence(3)
    for each in (C, STRANGER, A):
        each.cosign(world, 3)
    note = SiteLog().checkpoint()
    assert note is not None
    assert signed_size(note) == 3
    keys = [each.party.key for each in (A, B, C, STRANGER)]
    assert {said.name for said in cosignatures(note, keys)} == {
        A.name,
        C.name,
        STRANGER.name,
    }


@pytest.mark.parametrize(
    "attack",
    [
        (
            "UPDATE ledger.cosignature SET line = (SELECT line FROM ledger.cosignature"
            " WHERE size = 3 AND starts_with(witness, 'w2')) WHERE size = 5"
        ),
        "UPDATE ledger.cosignature SET line = overlay(line placing 'AAAA' from 40)",
    ],
)
def test_a_cosignature_changed_in_the_table_vouches_for_nothing(
    world: World, two_of_three, attack: str
):
    world.sequence(3, 2)
    for each, size in ((A, 3), (B, 3), (A, 5), (B, 5)):
        each.cosign(world, size)
    assert standing().is_witnessed(1)
    world.attack(attack)
    assert not standing().is_witnessed(1)
    # The rest of the note is as good as it was, for whoever reads it.
    proof = inclusion(1)
    assert proof.size == 5
    assert cosignatures(proof.checkpoint, two_of_three.witness_keys) == []


# The policy file


def nothing_is_witnessed(world: World) -> None:
    """Whatever there is to say of the log is said as if there were no witness."""
    (first,) = world.queue()
    world.sequence()
    A.cosign(world, 1)
    assert standing() == Standing()
    assert state_of(first) == ("sequenced", 0, 0)
    assert inclusion(0).size == 1


def test_without_a_policy_nothing_is_witnessed(world: World, policy_file: Path):
    assert not policy_file.exists()
    nothing_is_witnessed(world)
    assert check("Quorum") == Check(
        "Quorum",
        "attention",
        "No witness is named, so this ledger is vouched for by this site alone.",
    )


@pytest.mark.parametrize("text", ["quorum none\n", "# nobody\nquorum none\n"])
def test_a_policy_that_names_nobody_is_like_none(
    world: World, policy_file: Path, text: str
):
    policy_file.write_text(text)
    nothing_is_witnessed(world)
    assert check("Quorum").state == "attention"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quorum none\nnonsense\nmore nonsense\n", "Line 2 of the policy: "),
        ("# a comment\n\nquorum nobody\n", "Line 3 of the policy: "),
        ("quorum none\x00\n", "Line 1 of the policy: there is a control character."),
        ("witness a b\n", "Line 1 of the policy: "),
    ],
)
def test_a_policy_that_cannot_be_read_breaks_nothing_and_is_said(
    world: World, policy_file: Path, text: str, words: str
):
    policy_file.write_text(text)
    nothing_is_witnessed(world)
    found = check("Quorum")
    assert found.state == "wrong"
    assert words in found.sentence


@contextmanager
def unreadable(policy_file: Path) -> Iterator[None]:
    policy_file.mkdir()
    yield
    policy_file.rmdir()


@contextmanager
def not_utf_8(policy_file: Path) -> Iterator[None]:
    policy_file.write_bytes(b"nonsense \xff\nquorum none\n")
    yield


@pytest.mark.parametrize("made", [unreadable, not_utf_8])
def test_a_policy_that_is_no_text_file_breaks_nothing_and_is_said(
    world: World, policy_file: Path, made
):
    with made(policy_file):
        nothing_is_witnessed(world)
        assert check("Quorum").state == "wrong"


def test_a_policy_s_comments_may_be_in_any_encoding(
    world: World, policy_file: Path, two_of_three: Policy
):
    policy_file.write_bytes(b"# caf\xe9\n" + policy_file.read_bytes())
    assert standing().policy == two_of_three


# In words, for whoever looks after the site


def check(name: str) -> Check:
    (found,) = (each for each in checks() if each.name == name)
    return found


def test_the_quorum_is_said_in_numbers(world: World, two_of_three):
    assert check("Quorum") == Check("Quorum", "fine", "2 of 3 witnesses must cosign.")


def told(world: World, cosigner: Cosigner, trouble: str) -> None:
    with world.connect("sequencer") as login:
        login.execute(
            "INSERT INTO ledger.contact VALUES (%s, now(), now(), %s)"
            " ON CONFLICT (witness) DO UPDATE SET trouble = EXCLUDED.trouble",
            [cosigner.party.key.label, trouble],
        )


def test_every_witness_is_said_with_how_far_it_has_come(world: World, two_of_three):
    world.sequence(5, 4)
    A.cosign(world, 5)
    told(world, A, "")
    told(world, B, "http://w2.example does not answer (ConnectionError).")
    answered_at = Contact.objects.get(witness=A.party.key.label).answered_at
    assert check(A.name) == Check(
        A.name, "fine", "Has cosigned the first 5 entries.", answered_at
    )
    trouble = check(B.name)
    assert trouble.state == "attention"
    assert trouble.sentence == "http://w2.example does not answer (ConnectionError)."
    assert check(C.name) == Check(C.name, "waiting", "Has not cosigned anything yet.")
    told(world, B, "")
    assert check(B.name).state == "waiting"
    B.cosign(world, 9)
    assert check(B.name).sentence == "Has cosigned the first 9 entries."


def test_a_witness_in_trouble_is_in_trouble_whatever_it_cosigned(
    world: World, two_of_three
):
    world.sequence(5)
    A.cosign(world, 5)
    told(world, A, f"{A.name} refuses (422): No.")
    assert check(A.name).state == "attention"


def test_two_histories_are_the_first_thing_said(world: World):
    assert forks() == []
    log = Log("log.example/2026")
    other = log.forked(3)
    keep(log.origin, seen_at(log, 5), seen_at(other, 9), told_by="w1.example")
    keep(log.origin, seen_at(log, 6), seen_at(other, 6), told_by="w2.example")
    latest, first, *rest = checks()
    for found, sizes, told_by in (
        (first, "5 and 9 entries", "shown by w1.example"),
        (latest, "6 and 6 entries", "shown by w2.example"),
    ):
        assert (found.name, found.state) == (log.origin, "wrong")
        assert sizes in found.sentence
        assert told_by in found.sentence
        assert found.at is not None
    assert log.origin not in {each.name for each in rest}
    assert forks() == [log.origin]


def test_what_waits_in_the_queue_is_said_after_half_a_minute(world: World):
    assert check("Recording").state == "fine"
    world.queue(2)
    assert check("Recording").state == "fine"
    waits(world, seconds=29)
    assert check("Recording").state == "fine"
    waits(world, seconds=31)
    stuck = check("Recording")
    assert stuck.state == "attention"
    assert stuck.at is not None
    since = timezone.localtime(stuck.at).strftime("%H:%M")
    assert f"accepted but not entered since {since}" in stuck.sentence
    world.sequence()
    entered = check("Recording")
    assert entered.state == "fine"
    assert entered.sentence.startswith("2 entries are signed")
    assert entered.at is not None


def waits(world: World, *, seconds: int) -> None:
    """Let time pass for the oldest that is queued."""
    with world.superuser() as superuser:
        superuser.execute(
            "UPDATE ledger.inbox SET queued_at = now() - %s::interval"
            " WHERE id = (SELECT min(id) FROM ledger.inbox)",
            [f"{seconds} seconds"],
        )


def test_one_entry_is_one_entry(world: World):
    world.sequence(1)
    assert check("Recording").sentence.startswith("1 entry is signed")


INSPECTION = "Nightly inspection"


def test_before_the_first_night_the_inspection_is_to_come(world: World):
    assert check(INSPECTION).state == "waiting"
    Inspection.objects.create()
    assert check(INSPECTION).state == "waiting"


def test_an_intact_log_was_found_intact(world: World, two_of_three):
    world.sequence(5)
    A.cosign(world, 5)
    inspect_log()
    found = check(INSPECTION)
    assert found.state == "fine"
    assert found.sentence.startswith("5 entries and 0 sealed contents were read")
    assert found.at == Inspection.objects.get().finished_at


def test_what_was_found_wrong_stays_wrong_until_a_later_inspection(world: World):
    world.sequence(5)
    with world.superuser() as superuser:
        superuser.execute("ALTER TABLE ledger.entry DISABLE TRIGGER ALL")
        superuser.execute("CREATE TABLE safe AS SELECT * FROM ledger.entry")
        superuser.execute("DELETE FROM ledger.entry WHERE seq = 3")
    inspect_log()
    found = check(INSPECTION)
    assert found.state == "wrong"
    assert "3" in found.sentence
    assert Inspection.objects.get().first_bad == 3
    with world.superuser() as superuser:
        superuser.execute(
            "INSERT INTO ledger.entry (seq, bytes) SELECT seq, bytes FROM safe"
            " WHERE seq = 3"
        )
    inspect_log()
    assert check(INSPECTION).state == "fine"


def test_an_inspection_of_the_night_before_last_is_old(world: World):
    world.sequence(1)
    inspect_log()
    for hours, state in ((35, "fine"), (37, "attention")):
        started_at = timezone.now() - timedelta(hours=hours)
        Inspection.objects.update(started_at=started_at)
        assert check(INSPECTION).state == state
    inspect_log()
    assert check(INSPECTION).state == "fine"


def test_a_policy_that_cannot_be_read_does_not_keep_the_log_from_inspection(
    world: World, policy_file: Path
):
    world.sequence(1)
    policy_file.write_text("nonsense\n")
    inspect_log()
    assert check(INSPECTION).state == "fine"
    assert "Line 1 of the policy" in check("Quorum").sentence


def test_the_logs_that_this_site_watches_are_said(world: World):
    log = Log("log.example/2026")
    seen: Seen = seen_at(log, 5)
    assert TableWitnessStore("here").advance(log.origin, old_size=0, seen=seen)
    found = check(log.origin)
    assert (found.state, found.sentence) == (
        "fine",
        "Witnessed by this site up to 5 entries.",
    )
    assert found.at is not None


# What an admin has to know besides


def test_what_was_set_aside_this_week_is_said(world: World):
    assert not [each for each in checks() if each.name == "Set aside"]
    world.sequence(1)
    replay(world)
    world.sequence()
    assert check("Set aside").sentence.startswith("1 statement could not be entered")
    with world.superuser() as superuser:
        superuser.execute("ALTER TABLE ledger.refused DISABLE TRIGGER ALL")
        superuser.execute(
            "UPDATE ledger.refused SET refused_at = now() - interval '8 days'"
        )
    assert not [each for each in checks() if each.name == "Set aside"]


def test_both_notes_of_a_fork_are_there_to_be_shown(world: World):
    log = Log("log.example/2026")
    one, other = seen_at(log, 5), seen_at(log.forked(3), 5)
    keep(log.origin, one, other, told_by="w1.example")
    assert set(check(log.origin).notes) == {one.note, other.note}


def test_a_log_that_does_not_show_its_growth_is_said_until_it_does(
    world: World, policy_file: Path
):
    log = Log("log.example/2026")
    nowhere = Party(log.origin, log.key, "http://127.0.0.1:9")
    policy_file.write_text(format_policy(k_of_n((nowhere,), (), 0)))
    assert watch_logs() == 0
    first = check(log.origin)
    assert first.state == "attention"
    assert "could not be shown since" in first.sentence
    assert "does not answer" in first.sentence
    watch_logs()
    assert check(log.origin).at == first.at
    with served(Shown(log, 5)) as url:
        policy_file.write_text(
            format_policy(k_of_n((Party(log.origin, log.key, url),), (), 0))
        )
        watch_logs()
    assert log.origin not in {each.name for each in checks()}


def test_a_witness_that_lags_behind_is_said(world: World, two_of_three):
    world.sequence(3)
    for each in (A, B, C):
        each.cosign(world, 3)
    assert check(A.name).state == "fine"
    world.sequence(2)
    assert check(A.name).state == "fine"  # it has just been signed
    world.attack(
        "UPDATE ledger.checkpoint SET signed_at = now() - interval '1 minute'"
        " WHERE size = 5"
    )
    assert check(A.name).state == "attention"
    assert "the first 3 entries only" in check(A.name).sentence


def test_the_worst_is_said_first(world: World, two_of_three):
    world.sequence(1)
    log = Log("log.example/2026")
    keep(log.origin, seen_at(log, 5), seen_at(log.forked(3), 5), told_by="w1.example")
    states = [each.state for each in checks()]
    assert states == sorted(states, key=["wrong", "attention", "waiting", "fine"].index)
    assert len(set(states)) >= 3
