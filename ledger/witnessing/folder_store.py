"""A witness's memory in a folder, for a witness that has no database."""

from hashlib import sha256
from pathlib import Path

from ledger.checkpoint import unverified
from ledger.errors import HeadMoved
from ledger.head_guard import HeadGuard
from ledger.witnessing.witness import Seen


class FolderWitnessStore:
    """One file a log, changed by compare-and-swap (WitnessStore).

    ``seen/<SHA-256 of the origin>`` holds the last note cosigned,
    ``evidence/<the same>-<size>-<number>`` one of two notes that contradict another.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self, origin: str) -> Seen | None:
        """The last checkpoint cosigned for a log; None where there was none."""
        note = self._guard(origin).read()
        return _seen(note) if note else None

    def advance(self, origin: str, *, old_size: int, seen: Seen) -> bool:
        """Compare and swap, in one atomic step; durable on return."""
        guard = self._guard(origin)
        held = guard.read()
        last = _seen(held) if held else None
        if (last.size if last else 0) != old_size:
            return False
        if last and last.size == seen.size and last.root != seen.root:
            return False
        try:
            guard.swap(expected=held, note=seen.note)
        except HeadMoved:
            return False
        return True

    def keep_evidence(self, origin: str, first: Seen, second: Seen) -> None:
        """Keep two signed checkpoints that cannot both be true; safe to call twice."""
        folder = self._folder / "evidence"
        folder.mkdir(parents=True, exist_ok=True)
        for place, seen in enumerate((first, second), start=1):
            name = f"{_hashed(origin)}-{first.size}-{second.size}-{place}"
            (folder / name).write_text(seen.note, encoding="utf-8")

    def evidence(self, origin: str) -> list[tuple[str, str]]:
        """Every pair of notes kept of a log."""
        firsts = sorted((self._folder / "evidence").glob(f"{_hashed(origin)}-*-1"))
        return [
            (first.read_text("utf-8"), _second(first).read_text("utf-8"))
            for first in firsts
        ]

    def _guard(self, origin: str) -> HeadGuard:
        return HeadGuard(self._folder / "seen" / _hashed(origin))


def _second(first: Path) -> Path:
    return first.with_name(f"{first.name.removesuffix('1')}2")


def _hashed(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _seen(note: str) -> Seen:
    checkpoint = unverified(note)
    return Seen(checkpoint.size, checkpoint.root, note)
