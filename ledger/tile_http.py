"""Serves a log by C2SP tlog-tiles: its checkpoint, its tiles, its entries to some.

https://c2sp.org/tlog-tiles
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ledger.answer import BYTES, Answer, said
from ledger.errors import LedgerError
from ledger.tiles import MAX_LEVEL, WIDTH, TileId, parse_index_path

_LEVEL = re.compile(r"0|[1-9][0-9]?", re.ASCII)
FOR_EVER = "max-age=31536000, immutable"


class ServedLog(Protocol):
    """A log of which others may fetch what a checkpoint has promised."""

    def size(self) -> int:
        """How many entries the latest checkpoint covers; 0 without one."""

    def checkpoint(self) -> str | None:
        """The latest checkpoint with its cosignatures, as a signed note."""

    def read(self, tiles: Sequence[TileId]) -> Mapping[TileId, bytes]:
        """The hashes of tiles below its size (ledger.tiles.ReadTiles)."""

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        """The entries [start, end) below its size, as they were hashed.

        Raises:
            LedgerError: it does not hold all of them; read() raises alike.
        """


def checkpoint(log: ServedLog) -> Answer:
    """The signed head; it changes within seconds."""
    note = log.checkpoint()
    if note is None:
        return said(404, "Nothing is signed yet.")
    return Answer(200, note.encode(), headers={"Cache-Control": "public, max-age=1"})


def tile(log: ServedLog, level: str, path: str) -> Answer:
    """The hashes of one tile, full or partial.

    Args:
        log: where it is.
        level: as the address has it, e.g. ``0``.
        path: as the address has it, e.g. ``x001/234.p/5``.
    """
    if not _LEVEL.fullmatch(level) or int(level) > MAX_LEVEL:
        return said(404, "A log has no tiles of this level.")
    found = _tile_id(log, int(level), path)
    if found is None:
        return said(404, "The log has no such tile.")
    try:
        return _immutable(log.read([found])[found], "public")
    except LedgerError as error:
        return said(500, str(error))


def entries(log: ServedLog, path: str, *, may: Callable[[], bool]) -> Answer:
    """A bundle of entries, each behind its length as u16; for authorised mirrors.

    Args:
        log: where they are.
        path: as in tile().
        may: whether whoever asks is such a mirror.
    """
    if not may():
        return said(403, "Entries are served to this log's mirrors alone.")
    found = _tile_id(log, 0, path)
    if found is None:
        return said(404, "The log has no such entries.")
    start = found.index * WIDTH
    try:
        bodies = log.entries(start, start + found.width)
    except LedgerError as error:
        return said(500, str(error))
    return _immutable(bundled(bodies), "private")


def bundled(entries: Sequence[bytes]) -> bytes:
    """Entries as tlog-tiles bundles them: each behind its length, u16."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundled(bundle: bytes) -> list[bytes] | None:
    """The entries of a bundle; None where it ends inside one."""
    found, at = [], 0
    while at < len(bundle):
        start = at + 2
        end = start + int.from_bytes(bundle[at:start], "big")
        if end > len(bundle):
            return None
        found.append(bundle[start:end])
        at = end
    return found


def _tile_id(log: ServedLog, level: int, path: str) -> TileId | None:
    """The tile at an address, if a checkpoint has promised all of it."""
    try:
        index, width = parse_index_path(path)
    except ValueError:
        return None
    found = TileId(level, index, width)
    return found if found.end <= log.size() else None


def _immutable(body: bytes, reach: str) -> Answer:
    return Answer(200, body, BYTES, {"Cache-Control": f"{reach}, {FOR_EVER}"})
