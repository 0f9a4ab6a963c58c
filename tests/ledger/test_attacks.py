"""Every attack that the ledger's design names: prevented, or found by name and number.

Where the attacker is the database's superuser, every trigger and check is off.
"""

import importlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import errors

from ledger.certifying import Promise
from ledger.checkpoint import Checkpoint, parse_and_verify, sign
from ledger.errors import LedgerBehind, LedgerDamaged
from ledger.models import Checkpoint as CheckpointRow
from ledger.models import Evidence
from ledger.policy import Party, format_policy, k_of_n
from ledger.proofs import verify_consistency
from ledger.served_log import site_tiles
from ledger.site import log_signer, origin, policy, site_certifier
from ledger.tiles import consistency_path
from ledger.tlog_proof import base64_lines
from ledger.verifier_key import VerifierKey
from ledger.witnessing.asking import Asker, promises
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.watching import watch_logs
from ledger.witnessing.wsgi import WitnessApp
from tests.ledger.forging import (
    change_tenant,
    forge_guard,
    roll_back,
    seal_anew,
    sign_anew,
)
from tests.ledger.serving import served
from tests.ledger.values import hash32
from tests.ledger.world import FREEZE, World

ROWS = """
edited row                    here      an_edited_row_is_named
removed middle row            here      a_removed_middle_row_is_named
removed tail                  here      a_removed_tail_is_named
TRUNCATE                      here      truncating_is_refused_and_found
two rows swapped              here      two_swapped_rows_are_named
body changed, columns kept    here      a_body_changed_with_its_columns_kept_is_named
re-sealed from the edit on    here      a_log_sealed_anew_is_found_by_what_was_signed
re-sealed and re-signed       here      a_log_signed_anew_is_found_by_guard_and_witnesses
restored backup               here      a_restored_backup_is_not_appended_to
restored with its guard       here      a_backup_restored_with_its_guard_is_found
split view to two witnesses   here      two_histories_shown_to_two_witnesses_are_evidence
concurrent add-checkpoint     here      one_of_many_submissions_at_once_moves_the_witness
concurrent writers            sequencer two_sequencers_and_many_writers_leave_no_gap_and_no_fork
sequencer killed at any step  sequencer killed_before_any_statement_it_sends_it_takes_up_where_it_was
sequencer killed under load   service   killed_again_and_again_under_load_it_loses_nothing
statement replayed            sequencer a_replayed_statement_is_set_aside_without_stopping_the_log
entry offered for another     proofs    a_proof_for_one_entry_is_not_a_proof_for_the_entry_the_reader_holds
record offered for another    documents an_altered_row_is_refused_and_the_page_says_why
wrap moved to another record  wrapping  a_wrap_moved_to_another_record_is_refused
two plaintexts under one CID  wrapping  one_ciphertext_with_two_plaintexts_is_detected
"""
FILES = {
    "here": __name__,
    "documents": "tests.records.test_documents",
    "wrapping": "tests.records.encryption.test_wrapping",
}


@pytest.mark.parametrize("row", ROWS.strip().splitlines())
def test_every_attack_has_its_test(row: str):
    *_attack, file, test = row.split()
    module = importlib.import_module(FILES.get(file, f"tests.ledger.test_{file}"))
    assert getattr(module, f"test_{test}")


@dataclass(frozen=True)
class Witnessed:
    """A log of 305 entries under checkpoints at 200, 300 and 305, with two witnesses."""

    world: World
    witnesses: list[WitnessFolder]

    def ask(self) -> None:
        """Have the latest checkpoint cosigned by both."""
        with (
            self.world.connect("sequencer") as login,
            ThreadPoolExecutor(2) as pool,
        ):
            Asker(
                login,
                origin=origin(),
                signer=log_signer(),
                policy=policy(),
                stop=threading.Event(),
            ).ask(pool)

    def resume(self) -> None:
        """Start a sequencer, as after a restart of the site."""
        kept = promises(origin=origin(), signer=log_signer(), policy=policy())
        with self.world.connect("sequencer") as login:
            site_certifier(login).resume(kept)

    def fault(self) -> int:
        """The first bad entry that an inspection names."""
        found = self.world.inspect(witnesses=policy().witness_keys).fault
        assert found
        assert str(found.seq) in found.sentence
        return found.seq


@pytest.fixture
def log(world: World, tmp_path: Path, settings) -> Iterator[Witnessed]:
    world.sequence(200, 100, 5)
    settings.LEDGER_POLICY = tmp_path / "policy"
    own = Party(origin(), VerifierKey(origin(), log_signer().public_key))
    folders = [
        WitnessFolder(tmp_path / name, name=f"{name}.example/witness")
        for name in ("alder", "birch")
    ]
    known = k_of_n((own,), (), 0)
    with ExitStack() as stack:
        parties = []
        for folder in folders:
            app = WitnessApp(folder, known, seen=lambda: None)
            url = stack.enter_context(served(app))
            name = folder.name.partition(".")[0]
            parties.append(Party(name, folder.key, url))
        settings.LEDGER_POLICY.write_text(
            format_policy(k_of_n((own,), tuple(parties), 2))
        )
        witnessed = Witnessed(world, folders)
        witnessed.ask()
        assert world.count("cosignature") == 2
        yield witnessed


# By the database's superuser


@pytest.mark.parametrize("seq", [0, 7, 255, 256, 299])
def test_an_edited_row_is_named(log: Witnessed, seq: int):
    log.world.attack(change_tenant(seq))
    assert log.fault() == seq


def test_an_edited_last_row_is_named_with_those_signed_together(log: Witnessed):
    """No later entry holds its hash yet: only the signed root of the five disagrees."""
    log.world.attack(change_tenant(304))
    assert log.fault() == 300


def test_a_removed_middle_row_is_named(log: Witnessed):
    log.world.attack("DELETE FROM ledger.entry WHERE seq = 7")
    assert log.fault() == 7


def test_a_removed_tail_is_named(log: Witnessed):
    log.world.attack("DELETE FROM ledger.entry WHERE seq >= 290")
    assert log.fault() == 290
    with pytest.raises(LedgerBehind, match="has signed 305 entries and holds 290"):
        log.resume()


def test_truncating_is_refused_and_found(log: Witnessed):
    with log.world.superuser() as superuser:
        superuser.execute("SET session_replication_role = replica")
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            superuser.execute("TRUNCATE ledger.entry")
    log.world.attack("TRUNCATE ledger.entry")
    assert log.fault() == 0


def test_two_swapped_rows_are_named(log: Witnessed):
    log.world.attack(
        "UPDATE ledger.entry SET seq = 1000 WHERE seq = 20",
        "UPDATE ledger.entry SET seq = 20 WHERE seq = 30",
        "UPDATE ledger.entry SET seq = 30 WHERE seq = 1000",
    )
    assert log.fault() == 20


def test_a_body_changed_with_its_columns_kept_is_named(log: Witnessed):
    log.world.attack(FREEZE, change_tenant(260))
    assert log.fault() == 260


def test_a_log_sealed_anew_is_found_by_what_was_signed(log: Witnessed):
    """Every hash fits; only what was signed does not, and it names the span."""
    seal_anew(log.world, 250)
    found = log.world.inspect().fault
    assert found
    assert found.seq == 200
    assert "Entries 200 to 299 are not those that were signed" in found.sentence
    with pytest.raises(LedgerDamaged):
        log.resume()


def test_a_log_signed_anew_is_found_by_guard_and_witnesses(log: Witnessed):
    """With the log's own key nothing on the site disagrees any more."""
    hashes = seal_anew(log.world, 250)
    sign_anew(log.world, hashes, log_signer())
    assert log.world.inspect().fault is None
    with pytest.raises(LedgerDamaged, match=r"This site holds another root .* a fork"):
        log.resume()
    forge_guard()
    with pytest.raises(
        LedgerDamaged, match=r"alder.example/witness holds another root"
    ):
        log.resume()
    assert watch_logs() == 1
    told_by = set(Evidence.objects.values_list("told_by", flat=True))
    assert told_by <= {"alder.example/witness", "birch.example/witness"}


# By an honest restore


def test_a_restored_backup_is_not_appended_to(log: Witnessed):
    roll_back(log.world, 200)
    log.world.queue()
    assert log.world.inspect().fault is None
    with pytest.raises(LedgerBehind, match="of 305 entries, this database 200") as said:
        log.resume()
    assert "recover_ledger" in str(said.value)
    assert (log.world.count("entry"), log.world.count("inbox")) == (200, 1)


def test_a_backup_restored_with_its_guard_is_found(log: Witnessed):
    roll_back(log.world, 200)
    forge_guard()
    with pytest.raises(
        LedgerBehind, match=r"\w+.example/witness holds a checkpoint of"
    ):
        log.resume()


def test_a_witness_that_lies_about_the_log_stops_nothing(log: Witnessed):
    """Only what the log itself has signed can hold it up."""
    forged = sign(Checkpoint(origin(), 900, hash32("lie")), log.witnesses[0].signer)
    with log.world.connect("sequencer") as login:
        certifier = site_certifier(login)
        certifier.resume()
        with pytest.raises(Exception, match="not signed by"):
            certifier.resume([Promise("a liar", forged)])
    log.resume()


# By whoever runs the log, against its witnesses


def submission(note: str, old: int, path: tuple[bytes, ...]) -> bytes:
    lines = [f"old {old}", *base64_lines(path)]
    return ("".join(f"{line}\n" for line in lines) + "\n" + note).encode()


def test_two_histories_shown_to_two_witnesses_are_evidence(log: Witnessed):
    """Each witness sees one history that only grows; together they know of two."""
    alder = log.witnesses[0]
    alder.store._guard(origin())._path.unlink()  # as if it met the log today
    fork = sign(Checkpoint(origin(), 305, hash32("fork")), log_signer())
    answer = alder.witness(policy()).add_checkpoint(submission(fork, 0, ()))
    assert answer.status == 200
    assert watch_logs() == 1
    evidence = Evidence.objects.get()
    public_key = log_signer().public_key
    roots = {
        parse_and_verify(note, origin=origin(), public_key=public_key).root
        for note in (evidence.first_note, evidence.second_note)
    }
    assert len(roots) == 2
    assert (evidence.first_size, evidence.second_size) == (305, 305)


def test_one_of_many_submissions_at_once_moves_the_witness(log: Witnessed):
    log.world.sequence(*[1] * 8)
    rows = CheckpointRow.objects.filter(size__gt=305).order_by("size")
    notes = {row.size: (row.note, bytes(row.root)) for row in rows}
    read = site_tiles().read
    bodies = {
        size: submission(note, 305, consistency_path(305, size, read))
        for size, (note, _) in notes.items()
    }
    witness = log.witnesses[0].witness(policy())
    start = threading.Barrier(len(bodies))

    def submit(size: int) -> tuple[int, int]:
        start.wait()
        return size, witness.add_checkpoint(bodies[size]).status

    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = dict(pool.map(submit, bodies))
    (moved,) = [size for size, status in answers.items() if status == 200]
    assert set(answers.values()) == {200, 409}
    last = log.witnesses[0].store.last(origin())
    assert last
    assert last.size == moved
    verify_consistency(
        old_size=305,
        new_size=moved,
        old_root=bytes(CheckpointRow.objects.get(size=305).root),
        new_root=last.root,
        path=consistency_path(305, moved, read),
    )
