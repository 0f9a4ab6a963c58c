"""After a backup: nothing is appended until all that was signed is back, or is given up."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.utils.module_loading import import_string

from ledger import sequencer_sql
from ledger.certifying import Promise
from ledger.checkpoint import sign, unverified
from ledger.cosignature import cosign
from ledger.errors import (
    HeadUnknown,
    LedgerBehind,
    LedgerDamaged,
    LedgerError,
    NoteRejected,
    PartyUnreachable,
    RemoteDamaged,
)
from ledger.history import progress
from ledger.management.commands import recover_ledger
from ledger.mirroring.recovery import Recovery
from ledger.mirroring.remote_log import Pass, RemoteLog
from ledger.note import COSIGNATURE_TYPE, split_note
from ledger.policy import Party, k_of_n
from ledger.site import head_guard, log_signer, origin, site_certifier
from ledger.verifier_key import VerifierKey
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.wsgi import WitnessApp
from portal.database import LOGINS
from tests.conftest import clone_of, head_of
from tests.ledger.process import Process, start
from tests.ledger.serving import served
from tests.ledger.test_mirroring import Lie, Meddler, with_entry
from tests.ledger.values import flip, signer
from tests.ledger.world import World

COSIGNER = signer(7)
COSIGNER_KEY = VerifierKey("a.example/witness", COSIGNER.public_key, COSIGNATURE_TYPE)

TABLES = {
    "entry": "SELECT seq, bytes FROM ledger.entry ORDER BY seq",
    "tile": "SELECT level, index, hashes, root FROM ledger.tile ORDER BY 1, 2",
    "checkpoint": "SELECT size, root, note FROM ledger.checkpoint ORDER BY size",
    "cosignature": "SELECT size, witness, line FROM ledger.cosignature ORDER BY 1, 2",
    "inbox": "SELECT statement_id FROM ledger.inbox ORDER BY id",
    "refused": "SELECT statement_id, reason FROM ledger.refused ORDER BY id",
}

# Small; empty; over the edge of a tile, which is the next backup's; over two.
LOSSES = [
    pytest.param((5,), (4, 2), id="5 of 13"),
    pytest.param((), (3,), id="all of 5"),
    pytest.param((250,), (3, 2), marks=pytest.mark.slow, id="250 of 257"),
    pytest.param((254, 2), (270,), marks=pytest.mark.slow, id="256 of 528"),
]


def everything(world: World) -> dict[str, Any]:
    """What the ledger's tables hold."""
    return {
        table: [tuple(map(plain, row)) for row in world.rows(query)]
        for table, query in TABLES.items()
    }


def plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


@contextmanager
def at(database: str, head: Path) -> Iterator[World]:
    """The site on another database, its last signed head in this file."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        with override_settings(LEDGER_HEAD=head):
            yield World(database)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@pytest.fixture(scope="module")
def portal(static_files) -> Iterator[str]:
    """Serves the log of whichever database the site is on."""
    with served(import_string("portal.wsgi.application")) as url:
        yield f"{url}/ledger"


@pytest.fixture(scope="module")
def open_mirror() -> Iterator[tuple[Meddler, str]]:
    """One server for the witnesses of all tests here."""
    meddler = Meddler(None)
    with served(meddler) as url:
        yield meddler, url


@dataclass
class Mirror:
    """A witness that has copied the log, and what it serves of its copy."""

    folder: WitnessFolder
    meddler: Meddler
    url: str
    portal: str

    def show(self, folder: WitnessFolder) -> None:
        """Be this witness, whom the site lets copy its log."""
        self.folder = folder
        site_settings.LEDGER_MIRRORS.write_text(f"{folder.mirror_key}\n")
        policy = k_of_n((Party(origin(), log_key(), self.portal),), (), 0)
        self.meddler.application = WitnessApp(folder, policy, seen=lambda: None)
        self.meddler.tell_the_truth()

    def copy(self) -> int:
        """Copy what the site serves now."""
        remote = RemoteLog(
            key=log_key(), url=self.portal, admission=self.folder.admission
        )
        return self.folder.mirror(origin()).update(remote)

    def remote(self) -> RemoteLog:
        """The copy, as the log itself asks for it."""
        own = Pass(origin(), log_signer())
        return RemoteLog(key=log_key(), url=self.url, admission=own)


def log_key() -> VerifierKey:
    return VerifierKey(origin(), log_signer().public_key)


@pytest.fixture
def mirror(world: World, portal: str, open_mirror, settings, tmp_path: Path) -> Mirror:
    """Another hospital's witness, which the site lets copy its log."""
    settings.LEDGER_MIRRORS = tmp_path / "mirrors"
    meddler, url = open_mirror
    folder = WitnessFolder(tmp_path / "witness", name="hospital.example/witness")
    place = f"{url}/mirror/{sha256(origin().encode()).hexdigest()}"
    found = Mirror(folder, meddler, place, portal)
    found.show(folder)
    return found


@dataclass(frozen=True)
class Restored:
    """A site whose database came back from a backup; what the lost one held."""

    world: World
    lost: dict[str, Any]
    queued: Sequence[bytes]  # in the backup's inbox, and on the lost log


@contextmanager
def restored(
    world: World, mirror: Mirror, kept: Sequence[int] = (5,), lost: Sequence[int] = (4,)
) -> Iterator[Restored]:
    """Back the database up, let the log grow, be copied; then lose the database.

    Two statements are queued in the backup; a batch more is on the log that is lost.
    """
    if kept:
        world.sequence(*kept)
    queued = world.queue(2)
    connection.close()
    with clone_of(world.database) as backup:
        world.sequence(*lost)
        mirror.copy()
        held = everything(world)
        with at(backup, site_settings.LEDGER_HEAD) as back:
            yield Restored(back, held, queued)


@pytest.fixture
def back(world: World, mirror: Mirror) -> Iterator[Restored]:
    """5 entries of 11."""
    with restored(world, mirror) as found:
        yield found


def recovery(login: Any, *witnesses: VerifierKey) -> Recovery:
    return Recovery(
        login,
        certifier=site_certifier(login),
        guard=head_guard(),
        key=log_key(),
        witnesses=witnesses,
    )


def recover(world: World, mirror: Mirror, *witnesses: VerifierKey) -> int:
    """Take what is missing, as the command does."""
    with world.connect("sequencer") as login:
        return recovery(login, *witnesses).fetch(mirror.remote())


def accept(world: World) -> int:
    with world.connect("sequencer") as login:
        return recovery(login).accept_database()


# The sequencer refuses


def test_a_database_that_came_back_is_not_appended_to(back: Restored):
    before, head = everything(back.world), head_guard().read()
    sentence = "This site holds a checkpoint of 11 entries, this database 5: it was"
    with pytest.raises(LedgerBehind, match=sentence) as refused:
        back.world.sequence()
    assert "recover_ledger" in str(refused.value)
    assert refused.value.seq == 5
    assert everything(back.world) == before
    assert head_guard().read() == head


def test_new_statements_wait_until_the_log_is_whole(back: Restored, mirror: Mirror):
    """Care is not blocked: what happens meanwhile is queued."""
    (later,) = back.world.queue()
    with pytest.raises(LedgerBehind):
        back.world.sequence()
    assert progress([later])[later].state == "accepted"
    recover(back.world, mirror)
    back.world.sequence()
    assert progress([later])[later].seq == 11


def test_a_witness_remembers_where_the_site_has_forgotten(back: Restored):
    """The file came back from the backup as well."""
    note = head_guard().read()
    assert note is not None
    forget_head(back.world)
    ((kept,),) = back.world.rows("SELECT note FROM ledger.checkpoint")
    head_guard().swap(expected=None, note=kept)
    before = everything(back.world)
    with back.world.connect("sequencer") as login:
        sequencer = back.world.sequencer(login)
        with pytest.raises(
            LedgerBehind, match=r"h\.example holds a checkpoint of 11 .* 5"
        ):
            sequencer.resume([Promise("h.example", note)])
    assert everything(back.world) == before
    assert head_guard().read() == kept


# The mirror brings everything back


@pytest.mark.parametrize(("kept", "lost"), LOSSES)
def test_every_missing_entry_comes_back_from_a_mirror(
    world: World, mirror: Mirror, kept, lost
):
    with restored(world, mirror, kept, lost) as back:
        held = back.world.count("entry")
        assert recover(back.world, mirror) == len(back.lost["entry"]) - held
        found = everything(back.world)
        for table in ("entry", "tile"):
            assert found[table] == back.lost[table]
        assert found["checkpoint"][-1] == back.lost["checkpoint"][-1]
        assert len(found["inbox"]) == 2
        assert head_guard().read() == back.lost["checkpoint"][-1][2]
        report = back.world.inspect()
        assert report.fault is None
        assert report.entries == report.certified == len(back.lost["entry"])


@pytest.mark.parametrize(("kept", "lost"), LOSSES)
def test_the_sequencer_goes_on_and_sets_replays_aside(
    world: World, mirror: Mirror, kept, lost
):
    with restored(world, mirror, kept, lost) as back:
        recover(back.world, mirror)
        back.world.sequence(3)
        size = len(back.lost["entry"])
        found = everything(back.world)
        assert found["entry"][:size] == back.lost["entry"]
        assert len(found["entry"]) == size + 3
        assert found["inbox"] == []
        assert found["refused"] == [
            (queued, "The statement is already on the log.") for queued in back.queued
        ]
        states = progress(back.queued)
        assert {known.state for known in states.values()} == {"sequenced"}
        report = back.world.inspect()
        assert report.fault is None
        assert report.certified == size + 3


def test_the_mirror_follows_the_recovered_log(back: Restored, mirror: Mirror):
    recover(back.world, mirror)
    back.world.sequence(2)
    assert mirror.copy() == 2


def test_where_nothing_is_missing_nothing_is_done(world: World, mirror: Mirror):
    world.sequence(5, 3)
    mirror.copy()
    before = everything(world)
    assert recover(world, mirror) == 0
    assert everything(world) == before
    world.sequence(1)
    before = everything(world)
    assert recover(world, mirror) == 0, "the mirror holds less than the database"
    assert everything(world) == before


def test_recovering_twice_is_recovering_once(back: Restored, mirror: Mirror):
    assert recover(back.world, mirror) == 6
    before = everything(back.world)
    assert recover(back.world, mirror) == 0
    assert everything(back.world) == before


def test_what_was_entered_after_the_backup_is_taken_as_it_was_entered(
    world: World, mirror: Mirror
):
    """Entered and not signed when the backup was made: it is no reason to fork."""
    world.sequence(5)
    world.queue(3)
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        sequencer.append_batch()
    with restored(world, mirror, kept=()) as back:
        assert back.world.count("entry") == 8
        assert recover(back.world, mirror) == 6
        assert everything(back.world)["entry"] == back.lost["entry"]
        assert back.world.inspect().fault is None


def keep_cosignature(world: World) -> str:
    """Let a witness vouch for the latest checkpoint; returns its line."""
    note = world.rows(sequencer_sql.LATEST_CHECKPOINT)[0][0]
    line = cosign(
        split_note(note)[0], name=COSIGNER_KEY.name, signer=COSIGNER, time=1_790_000_000
    )
    log, size = world.rows(
        "SELECT log_id, max(size) FROM ledger.checkpoint GROUP BY 1"
    )[0]
    values = [log, size, COSIGNER_KEY.name, COSIGNER_KEY.key_id, 1_790_000_000, line]
    with world.connect("sequencer") as login:
        login.execute(sequencer_sql.COSIGN, values)
    return line


@contextmanager
def cosigned(world: World, mirror: Mirror) -> Iterator[tuple[Restored, str]]:
    """5 entries of 8, the checkpoint of which a witness has cosigned."""
    world.sequence(5)
    connection.close()
    with clone_of(world.database) as backup:
        world.sequence(3)
        line = keep_cosignature(world)
        mirror.copy()
        held = everything(world)
        with at(backup, site_settings.LEDGER_HEAD) as back:
            yield Restored(back, held, []), line


def test_what_witnesses_have_said_comes_back_too(world: World, mirror: Mirror):
    with cosigned(world, mirror) as (back, line):
        assert recover(back.world, mirror, COSIGNER_KEY) == 3
        found = everything(back.world)
        assert found["cosignature"] == [(8, COSIGNER_KEY.name, line)]
        assert found["checkpoint"][-1] == back.lost["checkpoint"][-1]
        report = back.world.inspect(witnesses=[COSIGNER_KEY])
        assert report.fault is None
        assert report.witnessed == {COSIGNER_KEY.name: 8}


def test_what_strangers_have_said_does_not(world: World, mirror: Mirror):
    with cosigned(world, mirror) as (back, _):
        assert recover(back.world, mirror) == 3
        assert everything(back.world)["cosignature"] == []


# All of it or nothing


@pytest.mark.slow
def test_a_mirror_that_fails_at_any_answer_changes_nothing(
    world: World, mirror: Mirror
):
    with restored(world, mirror, (5,), (260, 253)) as back:
        before = everything(back.world)
        for number in count():
            mirror.meddler.tell_the_truth()
            mirror.meddler.breaks_at = number
            try:
                recover(back.world, mirror)
            except PartyUnreachable:
                assert everything(back.world) == before
            else:
                break
        assert number == 1 + 3 + 3
        assert everything(back.world)["entry"] == back.lost["entry"]
        assert back.world.inspect().fault is None


def false_cosignature(note: bytes) -> bytes:
    """A known witness's line, from under another text."""
    line = cosign("other\n", name=COSIGNER_KEY.name, signer=COSIGNER, time=1)
    return note + line.encode()


def by_another_key(note: bytes) -> bytes:
    return sign(unverified(note.decode()), signer(9)).encode()


def of_other_entries(note: bytes) -> bytes:
    return note.replace(b"\n11\n", b"\n12\n")


LIES: dict[str, tuple[str, Lie, type[LedgerError], str]] = {
    "an entry": (
        "tile/entries/000.p/11",
        with_entry(7, lambda e: flip(e, 900)),
        RemoteDamaged,
        "Entries 5 to 10 served are not the ones hashed",
    ),
    "the last entry": (
        "tile/entries/000.p/11",
        with_entry(-1, lambda e: e[:-1]),
        RemoteDamaged,
        "Entries 5 to 10 served",
    ),
    "a short bundle": (
        "tile/entries/000.p/11",
        lambda b: b[:-1],
        RemoteDamaged,
        "cut short",
    ),
    "a hash": (
        "tile/0/000.p/11",
        lambda b: flip(b, 7 * 256),
        RemoteDamaged,
        "do not lead from 5 entries to the 11",
    ),
    "a short tile": ("tile/0/000.p/11", lambda b: b[:-32], RemoteDamaged, "cut short"),
    "another key": ("checkpoint", by_another_key, NoteRejected, "not signed by"),
    "another size": ("checkpoint", of_other_entries, NoteRejected, "is false"),
    "no checkpoint": ("checkpoint", lambda b: b"hello", NoteRejected, "no signatures"),
    "a cosignature": ("checkpoint", false_cosignature, NoteRejected, "is false"),
}


def test_a_mirror_that_lies_changes_nothing(back: Restored, mirror: Mirror):
    before, head = everything(back.world), head_guard().read()
    for about, (end, change, error, sentence) in LIES.items():
        mirror.meddler.tell_the_truth()
        mirror.meddler.lies[end] = change
        with pytest.raises(error, match=sentence):
            recover(back.world, mirror, COSIGNER_KEY)
        assert everything(back.world) == before, about
        assert head_guard().read() == head, about
    mirror.meddler.tell_the_truth()
    assert recover(back.world, mirror, COSIGNER_KEY) == 6


@contextmanager
def partly_copied(world: World, mirror: Mirror) -> Iterator[Restored]:
    """5 entries of 13; the mirror holds 9."""
    world.sequence(5)
    connection.close()
    with clone_of(world.database) as backup:
        world.sequence(4)
        mirror.copy()
        world.sequence(4)
        held = everything(world)
        with at(backup, site_settings.LEDGER_HEAD) as back:
            yield Restored(back, held, [])


def test_a_mirror_that_holds_less_than_was_signed_is_not_enough(
    world: World, mirror: Mirror
):
    with partly_copied(world, mirror) as back:
        sentence = "This site has signed 13 entries, and only 9 are to be had there"
        with pytest.raises(LedgerBehind, match=sentence):
            recover(back.world, mirror)
        with pytest.raises(LedgerBehind):
            back.world.sequence(1)
        with at(world.database, site_settings.LEDGER_HEAD):
            assert mirror.copy() == 4
        recover(back.world, mirror)
        assert everything(back.world)["entry"] == back.lost["entry"]
        back.world.sequence(1)
        assert back.world.inspect().certified == 14


def test_a_mirror_that_holds_less_than_was_signed_gives_nothing(
    world: World, mirror: Mirror
):
    with partly_copied(world, mirror) as back:
        before = everything(back.world)
        with pytest.raises(LedgerBehind):
            recover(back.world, mirror)
        assert everything(back.world) == before


def copy_of_a_fork(back: Restored, mirror: Mirror, size: int) -> None:
    """Copy what a second site has signed, with the same key, on the same backup."""
    ((note,),) = back.world.rows(sequencer_sql.LATEST_CHECKPOINT)
    connection.close()
    with clone_of(back.world.database) as other, at(other, head_of(other)) as fork:
        head_guard().swap(expected=None, note=note)
        fork.sequence(size - 7)
        assert mirror.copy() == fork.count("entry") == size


FORKS = [
    pytest.param(8),
    11,
    14,
]


@pytest.mark.parametrize("size", FORKS)
def test_a_mirror_of_another_history_is_refused(
    back: Restored, mirror: Mirror, tmp_path: Path, size
):
    true = mirror.folder
    mirror.show(WitnessFolder(tmp_path / "fork", name="fork.example/witness"))
    copy_of_a_fork(back, mirror, size)
    before, head = everything(back.world), head_guard().read()
    with pytest.raises(LedgerDamaged):
        recover(back.world, mirror)
    assert everything(back.world) == before
    assert head_guard().read() == head
    mirror.show(true)
    assert recover(back.world, mirror) == 6


def test_entries_that_are_lost_under_their_checkpoints_come_back(
    world: World, mirror: Mirror
):
    world.sequence(5, 6)
    mirror.copy()
    before = everything(world)
    world.attack("DELETE FROM ledger.entry WHERE seq >= 5")
    with pytest.raises(
        LedgerBehind, match="recover_ledger has fetched the missing ones"
    ):
        world.sequence()
    assert recover(world, mirror) == 6
    assert everything(world) == before


def test_an_entry_that_is_lost_in_the_middle_is_damage(world: World, mirror: Mirror):
    world.sequence(5, 6)
    mirror.copy()
    world.attack("DELETE FROM ledger.entry WHERE seq = 3")
    before = everything(world)
    with pytest.raises(LedgerDamaged, match="Entry 3 is missing"):
        recover(world, mirror)
    assert everything(world) == before


# The file is lost


def forget_head(world: World) -> None:
    site_settings.LEDGER_HEAD.unlink()


def test_without_its_file_the_sequencer_believes_no_database(world: World):
    world.sequence(5)
    forget_head(world)
    before = everything(world)
    with pytest.raises(
        HeadUnknown, match=r"recover_ledger --from .* --accept-database"
    ):
        world.sequence(0)
    assert everything(world) == before
    assert head_guard().read() is None


def test_a_database_without_its_file_can_be_accepted(world: World):
    world.sequence(5)
    note = head_guard().read()
    forget_head(world)
    assert accept(world) == 5
    assert head_guard().read() == note
    world.sequence(2)
    assert world.inspect().certified == 7


def test_a_database_that_came_back_without_its_file_can_be_accepted(back: Restored):
    """A fork, where the log was signed further: only a person can know that."""
    forget_head(back.world)
    with pytest.raises(HeadUnknown):
        back.world.sequence()
    assert accept(back.world) == 5
    back.world.sequence(1)
    assert back.world.inspect().certified == 8


def test_entries_that_were_not_signed_are_accepted_with_the_others(world: World):
    world.sequence(5)
    world.queue(2)
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        sequencer.append_batch()
    forget_head(world)
    assert accept(world) == 7
    assert unverified(head_guard().read() or "").size == 7
    assert world.inspect().certified == 7


def test_no_database_is_accepted_while_the_file_is_there(back: Restored):
    before, head = everything(back.world), head_guard().read()
    with pytest.raises(HeadUnknown, match="is there, so the database need not be"):
        accept(back.world)
    assert everything(back.world) == before
    assert head_guard().read() == head


def test_a_damaged_database_is_not_accepted(world: World):
    world.sequence(5)
    world.attack("UPDATE ledger.entry SET bytes = bytes || '\\x00' WHERE seq = 2")
    forget_head(world)
    with pytest.raises(LedgerDamaged):
        accept(world)
    assert head_guard().read() is None


def test_a_mirror_stands_in_for_the_file(back: Restored, mirror: Mirror):
    forget_head(back.world)
    assert recover(back.world, mirror) == 6
    assert everything(back.world)["entry"] == back.lost["entry"]
    back.world.sequence(1)
    assert back.world.inspect().certified == 12


# The command

MANAGE = """
import os, sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
django.setup()
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


def manage(tmp_path: Path, database: str, *command: str) -> Process:
    """A command as a person starts it: a file with arguments, under the web's login."""
    script = tmp_path / "manage.py"
    script.write_text(MANAGE)
    popen = subprocess.Popen(
        [sys.executable, str(script), *command],
        env={
            **os.environ,
            "DATABASE_ROLE": "web",
            "LEDGER_HEAD": str(site_settings.LEDGER_HEAD),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TEST_DATABASE": database,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Process(popen)


def outcome(process: Process) -> tuple[int, str]:
    out, _ = process.popen.communicate(timeout=60)
    return process.popen.returncode, out


@pytest.mark.slow
def test_a_waiting_sequencer_goes_on_by_itself_once_the_log_is_whole(
    back: Restored, mirror: Mirror, tmp_path: Path
):
    name = back.world.database
    with ExitStack() as cleaning:
        sequencer = start(name, "sequencer", "run_sequencer")
        cleaning.enter_context(sequencer.popen)
        cleaning.callback(sequencer.popen.kill)
        sequencer.says("11 entries, this database 5: it was restored from a backup")
        command = manage(tmp_path, name, "recover_ledger", "--from", mirror.url)
        status, said = outcome(command)
        assert said == (
            "6 entries were missing and are back, each checked. The sequencer goes on by"
            " itself.\n"
        )
        assert status == 0
        sequencer.says("The sequencer is at work; the log holds 11 entries.")
        assert sequencer.stop(signal.SIGTERM) == 0
    assert everything(back.world)["entry"] == back.lost["entry"]
    assert back.world.inspect().fault is None


@pytest.mark.slow
def test_a_mirror_that_does_not_answer_is_told_in_a_sentence(
    back: Restored, tmp_path: Path
):
    before = everything(back.world)
    nowhere = "http://127.0.0.1:9/mirror"
    command = manage(tmp_path, back.world.database, "recover_ledger", "--from", nowhere)
    status, said = outcome(command)
    assert (status, said) == (
        1,
        f"CommandError: {nowhere} does not answer (ConnectionRefusedError).\n",
    )
    assert everything(back.world) == before


def said(*options: str, turn_s: float = 5) -> str:
    """What the command says where it need not log in anew as the sequencer."""
    out = StringIO()
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recover_ledger, "TURN_S", turn_s)
        patch.setitem(connection.settings_dict, "USER", LOGINS["sequencer"])
        try:
            with override_settings(DATABASE_ROLE="sequencer"):
                call_command("recover_ledger", *options, stdout=out)
        finally:
            connection.close()
    return out.getvalue()


def test_nothing_to_recover_is_said(world: World, mirror: Mirror):
    world.sequence(5)
    mirror.copy()
    assert said("--from", mirror.url).startswith("Nothing was missing")


def test_accepting_the_database_is_said(world: World):
    world.sequence(5)
    with pytest.raises(
        CommandError, match="The file with the last signed head is there"
    ):
        said("--accept-database")
    forget_head(world)
    assert said("--accept-database") == (
        "The database is believed; the log holds 5 entries.\n"
    )
    world.sequence(1)


def test_while_a_sequencer_is_at_work_nothing_is_recovered(
    world: World, mirror: Mirror
):
    world.sequence(5)
    mirror.copy()
    with world.connect("sequencer") as login:
        assert login.execute(sequencer_sql.TAKE_TURN).fetchone() == (True,)
        with pytest.raises(CommandError, match="A sequencer is at work on this log"):
            said("--from", mirror.url, turn_s=0.2)
    assert said("--from", mirror.url).startswith("Nothing was missing")


def test_a_mirror_that_lies_is_told_in_a_sentence(back: Restored, mirror: Mirror):
    before = everything(back.world)
    mirror.meddler.lies["tile/entries/000.p/11"] = with_entry(7, lambda e: flip(e, 900))
    with pytest.raises(
        CommandError, match="Entries 5 to 10 served are not the ones hashed"
    ):
        said("--from", mirror.url)
    assert everything(back.world) == before


@pytest.mark.parametrize(
    "options", [[], ["--from", "http://x", "--accept-database"], ["--from"]]
)
def test_one_way_is_to_be_chosen(options):
    with pytest.raises(CommandError, match=re.compile("required|not allowed|expected")):
        said(*options)
