"""A witness's memory in a folder, for a witness that has no database."""

import json
from hashlib import sha256
from pathlib import Path

from ledger.checkpoint import unverified
from ledger.errors import HeadMoved
from ledger.head_guard import HeadGuard
from ledger.witnessing.witness import MAX_EVIDENCE, Seen


class FolderWitnessStore:
    """One file a log, changed by compare-and-swap (WitnessStore).

    ``seen/<SHA-256 of the origin>`` holds the last note cosigned,
    ``evidence/<the same>-<size>`` two notes that contradict each other, as JSON, by the
    smaller one's size: a fork that grows would say the same again at every size.
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
        if last and (seen.size < last.size or _contradict(seen, last)):
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
        one, other = sorted((first, second))
        path = folder / f"{_hashed(origin)}-{one.size}"
        if path.exists() or len(self.evidence(origin)) >= MAX_EVIDENCE:
            return
        pair = json.dumps([one.note, other.note])
        HeadGuard(path).swap(expected=None, note=pair)

    def evidence(self, origin: str) -> list[tuple[str, str]]:
        """Every pair of notes kept of a log."""
        kept = sorted((self._folder / "evidence").glob(f"{_hashed(origin)}-*"))
        pairs = [path for path in kept if not path.suffix]
        return [tuple(json.loads(path.read_text("utf-8"))) for path in pairs]

    def _guard(self, origin: str) -> HeadGuard:
        return HeadGuard(self._folder / "seen" / _hashed(origin))


def _contradict(one: Seen, other: Seen) -> bool:
    return one.size == other.size and one.root != other.root


def _hashed(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _seen(note: str) -> Seen:
    checkpoint = unverified(note)
    return Seen(checkpoint.size, checkpoint.root, note)
