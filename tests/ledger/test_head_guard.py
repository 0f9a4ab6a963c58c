"""The last signed head: one of many wins, and no crash leaves half a note."""

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import HeadMoved, LedgerError
from ledger.head_guard import HeadGuard

FORK = multiprocessing.get_context("fork")
OLD, NEW = "the old note\n", "the new note\n"
KILLED = 9

# Each of these runs the same work, all at once.
POOLS = [
    pytest.param(ThreadPoolExecutor, id="threads"),
    pytest.param(lambda n: ProcessPoolExecutor(n, mp_context=FORK), id="processes"),
]
Pool = Callable[[int], Executor]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder that is not there yet."""
    return tmp_path / "outside" / "head"


def test_where_nothing_was_signed_there_is_nothing(path: Path):
    assert HeadGuard(path).read() is None
    assert not path.parent.exists()


def test_what_was_swapped_in_is_read_by_everyone(path: Path):
    HeadGuard(path).swap(expected=None, note=OLD)
    assert HeadGuard(path).read() == OLD
    HeadGuard(path).swap(expected=OLD, note="— é\n" * 3)
    assert HeadGuard(path).read() == "— é\n" * 3


def test_the_same_note_may_be_swapped_in_again(path: Path):
    """A signer that died after the swap signs the same bytes once more."""
    HeadGuard(path).swap(expected=None, note=OLD)
    HeadGuard(path).swap(expected=OLD, note=OLD)
    assert HeadGuard(path).read() == OLD


@pytest.mark.parametrize("expected", [None, "", NEW, OLD.strip(), OLD + OLD])
def test_whoever_expects_something_else_changes_nothing(path: Path, expected):
    guard = HeadGuard(path)
    guard.swap(expected=None, note=OLD)
    with pytest.raises(HeadMoved, match="Nothing is signed"):
        guard.swap(expected=expected, note=NEW)
    assert guard.read() == OLD


@pytest.mark.parametrize("expected", ["", OLD])
def test_whoever_expects_a_note_where_there_is_none_writes_none(path: Path, expected):
    with pytest.raises(HeadMoved):
        HeadGuard(path).swap(expected=expected, note=NEW)
    assert HeadGuard(path).read() is None


def try_to_win(path: Path, number: int) -> bool:
    """Swap once from the old note; True for whoever has."""
    try:
        HeadGuard(path).swap(expected=OLD, note=f"note {number}\n")
    except HeadMoved:
        return False
    return True


def count_up(path: Path, times: int) -> None:
    """Add one to the number in the note, as often as it takes to have done so."""
    guard, done = HeadGuard(path), 0
    while done < times:
        held = guard.read()
        assert held is not None
        try:
            guard.swap(expected=held, note=str(int(held) + 1))
        except HeadMoved:
            continue
        done += 1


@pytest.mark.parametrize("pool_of", POOLS)
def test_exactly_one_of_many_wins_from_one_note(path: Path, pool_of: Pool):
    many = 8
    HeadGuard(path).swap(expected=None, note=OLD)
    with pool_of(many) as pool:
        for _ in range(10):
            won = list(pool.map(try_to_win, [path] * many, range(many)))
            assert sum(won) == 1
            winner = f"note {won.index(True)}\n"
            assert HeadGuard(path).read() == winner
            HeadGuard(path).swap(expected=winner, note=OLD)


@pytest.mark.parametrize("pool_of", POOLS)
def test_no_swap_of_many_is_lost(path: Path, pool_of: Pool):
    """A swap that read before another wrote would count a step twice."""
    many, times = 4, 15
    HeadGuard(path).swap(expected=None, note="0")
    with pool_of(many) as pool:
        list(pool.map(count_up, [path] * many, [times] * many))
    assert HeadGuard(path).read() == str(many * times)


def in_a_process(work: Callable[..., None], *given: Any) -> int:
    """Run it in a process of its own; returns the exit status."""
    process = FORK.Process(target=work, args=given)
    process.start()
    process.join(timeout=20)
    assert process.exitcode is not None
    return process.exitcode


def die(*_: Any, **__: Any) -> None:
    os._exit(KILLED)


def die_at(path: Path, step: str) -> None:
    """Swap in a note, but be dead when the step comes."""
    owner: Any = Path if step == "replace" else os
    setattr(owner, step, die)
    HeadGuard(path).swap(expected=OLD, note=NEW)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_who_dies_before_the_rename_leaves_the_old_note(path: Path, step):
    guard = HeadGuard(path)
    guard.swap(expected=None, note=OLD)
    assert in_a_process(die_at, path, step) == KILLED
    assert guard.read() == OLD
    # Neither the lock of the dead nor what it has left behind is in the way.
    guard.swap(expected=OLD, note=NEW)
    assert guard.read() == NEW


def test_who_dies_after_the_rename_has_signed(path: Path):
    """The rename is the swap: what comes after it only makes it last."""
    guard = HeadGuard(path)
    guard.swap(expected=None, note=OLD)
    assert in_a_process(die_at, path, "open") == KILLED
    assert guard.read() == NEW


def swap_on_a_full_disk(path: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    try:
        HeadGuard(path).swap(expected=OLD, note=NEW * 1_000)
    except OSError:
        os._exit(0)
    os._exit(1)


def test_a_full_disk_keeps_the_old_note(path: Path):
    guard = HeadGuard(path)
    guard.swap(expected=None, note=OLD)
    assert in_a_process(swap_on_a_full_disk, path) == 0
    assert guard.read() == OLD


def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path):
    (tmp_path / "outside").write_text("a file where the folder should be")
    guard = HeadGuard(tmp_path / "outside" / "head")
    with pytest.raises(OSError, match="outside"):
        guard.read()
    with pytest.raises(OSError, match="outside"):
        guard.swap(expected=None, note=NEW)


def test_a_folder_in_the_file_s_place_is_not_taken_for_nothing(path: Path):
    path.mkdir(parents=True)
    with pytest.raises(OSError, match="head"):
        HeadGuard(path).read()
    with pytest.raises(OSError, match="head"):
        HeadGuard(path).swap(expected=None, note=NEW)
    assert path.is_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_is_closed_is_not_taken_for_an_empty_one(path: Path):
    HeadGuard(path).swap(expected=None, note=OLD)
    path.parent.chmod(0)
    try:
        with pytest.raises(PermissionError):
            HeadGuard(path).read()
        with pytest.raises(PermissionError):
            HeadGuard(path).swap(expected=None, note=NEW)
    finally:
        path.parent.chmod(0o700)
    assert HeadGuard(path).read() == OLD


def test_a_file_that_is_no_text_is_one_that_cannot_be_read(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises((OSError, LedgerError)):
        HeadGuard(path).read()
