"""Re-derives the whole log from its rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Any, LiteralString, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.checkpoint import parse_and_verify
from ledger.cosignature import cosignatures_in
from ledger.encoding import log_id
from ledger.entry_checks import Edge, EntryChecks, Fault, genesis
from ledger.errors import LedgerDamaged, LedgerError, NoteRejected
from ledger.inspection_rows import (
    SPAN,
    Connection,
    Promise,
    Span,
    extent,
    one_snapshot,
    promises,
    rows,
    spans,
    stored_tiles,
)
from ledger.note import split_note
from ledger.tile_rows import TileRows
from ledger.tiles import HEIGHT, WIDTH, FullTile, TiledTree, index_path
from ledger.verifier_key import VerifierKey

Progress = Callable[[int, int], None]  # entries done, entries in all


class BodyChecks(Protocol):
    """Looks at entries beside the inspection, such as at their authors' signatures."""

    def take(self, start: int, bodies: Sequence[bytes]) -> None:
        """Look at consecutive entries, the first of which is numbered start."""

    def first_fault(self) -> Fault | None:
        """The first entry that is wrong, once all taken have been looked at."""


@dataclass(frozen=True)
class Report:
    """What an inspection found."""

    entries: int  # read and found intact, those before `since` included
    certified: int  # of these, under a signed checkpoint that agrees
    checkpoints: int  # that agree
    witnessed: Mapping[str, int] = field(default_factory=dict)  # size, by witness
    fault: Fault | None = None
    is_whole: bool = True  # nothing was left for another time


@dataclass(frozen=True)
class Ask:
    """What is to be inspected, against which keys."""

    origin: str
    public_key: Ed25519PublicKey  # with which the log's checkpoints are signed
    witnesses: Sequence[VerifierKey] = ()  # whose cosignatures must hold
    since: int = 0  # a checkpoint's size, up to which all is known to be intact
    most: int | None = None  # stop at the first checkpoint beyond so many entries
    kept: Sequence[str] = ()  # checkpoints of the log that lie outside the database


def inspect(
    connection: Connection,
    beside: Connection,
    ask: Ask,
    *,
    also: BodyChecks | None = None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Check chain, tree, tiles, columns, checkpoints and cosignatures.

    Stops at the first fault. Reads one snapshot, so that a sequencer may go on
    meanwhile.

    Args:
        connection: in autocommit; may read the ledger.
        beside: another of the same kind.
        ask: what, against which keys.
        also: looks at every entry that is found intact.
        progress: told after each span.

    Raises:
        LedgerError: there is no checkpoint at the size to start from, or one that was
            kept elsewhere is not this log's.
    """
    with one_snapshot(connection, beside):
        inspector = Inspector(beside, ask)
        total = extent(beside)
        for span in spans(connection, ask.since, total):
            if inspector.fault or inspector.has_enough:
                break
            bodies = inspector.take(span)
            progress(inspector.size, total)
            if also:
                also.take(span.start, bodies)
        else:
            inspector.finish()
    return inspector.report(also.first_fault() if also else None)


class Inspector:
    """Follows the log span by span, holding each against everything that binds it."""

    def __init__(self, beside: Connection, ask: Ask) -> None:
        self.fault: Fault | None = None
        self._ask = ask
        self._beside = beside
        self._checks = EntryChecks(ask.origin)
        self._edge = genesis(ask.origin)
        self._tree = TiledTree()
        self._tiles = _StoredTiles(beside, ask.since)
        self._promises = merge(
            promises(beside, ask.since), _kept(ask), key=lambda promise: promise.size
        )
        self._promise = next(self._promises, None)
        self._certified = 0
        self._agreeing = 0
        self._witnessed: dict[str, int] = {}
        self._is_whole = False
        if ask.since:
            self.fault = self._start_at(ask.since)
        due = self._due(self._edge.size)
        self.fault = self.fault or self._first_broken(self._tree, due)

    @property
    def size(self) -> int:
        """How many entries were found intact."""
        return self._edge.size

    @property
    def has_enough(self) -> bool:
        """Whether as much was looked at as was asked for, up to a checkpoint."""
        ask = self._ask
        return (
            ask.most is not None
            and self._edge.size >= ask.since + ask.most
            and self._certified > ask.since
        )

    def take(self, span: Span) -> Sequence[bytes]:
        """Go on over the next span; returns its bodies, if all of it is in order."""
        sound = self._checks.sound(self._edge, span)
        due = self._due(self._edge.size + len(span.lengths) // 4)
        wrong = self._grow(span, sound[1], due) if sound else None
        if sound and wrong is None:
            last = sound[0][-1]
            self._edge = Edge(
                self._tree.size, sound[1][-1], int.from_bytes(last[60:68], "big")
            )
            return sound[0]
        self.fault = self._look_closely(span, due) or wrong
        return ()

    def finish(self) -> None:
        """Nothing more comes: whatever was signed beyond is missing."""
        self._is_whole = True
        if self.fault is None and self._promise is not None:
            missing = self._edge.size
            self.fault = Fault(
                missing,
                f"Entry {missing} is missing: {self._promise.size} entries were signed.",
            )

    def report(self, also: Fault | None) -> Report:
        """What was found; the earlier of two faults counts."""
        faults = [fault for fault in (self.fault, also) if fault]
        fault = min(faults, key=lambda found: found.seq, default=None)
        intact = min(self._edge.size, fault.seq) if fault else self._edge.size
        return Report(
            intact,
            self._certified,
            self._agreeing,
            dict(self._witnessed),
            fault,
            self._is_whole,
        )

    def _start_at(self, size: int) -> Fault | None:
        """Stand where a checkpoint says that all before it was intact."""
        if self._promise is None or self._promise.size != size:
            later = f": the next is {self._promise.size}" if self._promise else ""
            raise LedgerError(
                f"No checkpoint was signed at {size} entries, so nothing tells what"
                f" stood before. Start at the size of a checkpoint{later}."
            )
        before = rows(self._beside, size - 1, size - 1)
        try:
            self._tree = TiledTree.restored(size, TileRows(self._fetch).read)
        except LedgerDamaged as damage:
            return Fault(damage.seq, str(damage))
        if not before:
            return Fault(size - 1, f"Entry {size - 1} is missing.")
        self._edge = Edge(size, before[0].leaf_hash, before[0].ts_ms)
        return None

    def _fetch(self, query: LiteralString, values: Sequence[object]) -> list[Any]:
        return self._beside.execute(query, values, binary=True).fetchall()

    def _due(self, size: int) -> list[Promise]:
        """The checkpoints up to a size that have not been looked at."""
        due = []
        while self._promise and self._promise.size <= size:
            due.append(self._promise)
            self._promise = next(self._promises, None)
        return due

    def _grow(
        self, span: Span, hashes: Sequence[bytes], due: Sequence[Promise]
    ) -> Fault | None:
        """Let the tree grow by a span, holding it against tiles and checkpoints."""
        tree, taken = self._tree.copy(), 0
        for promise in due:
            upto = promise.size - self._tree.size
            wrong = self._tiles.fault(tree.extend(hashes[taken:upto]))
            taken = upto
            wrong = wrong or self._broken(tree, promise) or self._tiles.lacking()
            if wrong is not None:
                return wrong
        wrong = self._tiles.fault(tree.extend(hashes[taken:]))
        if wrong is None:
            self._tree = tree
        return wrong

    def _look_closely(self, span: Span, due: Sequence[Promise]) -> Fault | None:
        """Find what is wrong in a span, entry by entry.

        A checkpoint that disagrees is held back by one entry, whose previous hash may
        name the very one.
        """
        tree, edge, broken = self._tree.copy(), self._edge, None
        for row in rows(self._beside, edge.size, span.start + SPAN):
            fault = self._checks.fault(edge, self._certified, row)
            if fault and (broken is None or fault.seq < edge.size):
                return fault
            if broken:
                return broken
            tree.append(row.leaf_hash)
            self._edge = edge = Edge(tree.size, row.leaf_hash, row.ts_ms)
            here = [promise for promise in due if promise.size == tree.size]
            broken = self._first_broken(tree, here)
        return broken

    def _first_broken(self, tree: TiledTree, due: Sequence[Promise]) -> Fault | None:
        found = (self._broken(tree, promise) for promise in due)
        return next(filter(None, found), None)

    def _broken(self, tree: TiledTree, promise: Promise) -> Fault | None:
        """Hold the tree against the checkpoint of exactly its size."""
        size, first = promise.size, self._certified
        ask = self._ask
        try:
            signed = parse_and_verify(
                promise.note, origin=ask.origin, public_key=ask.public_key
            )
            said = promise.size, promise.root, promise.log_id
            if (signed.size, signed.root, log_id(ask.origin)) != said:
                return Fault(first, f"The checkpoint at {size} is not the one signed.")
            witnessed = self._cosigners(promise)
        except NoteRejected as error:
            return Fault(first, f"The checkpoint at {size} is false: {error}")
        if signed.root != tree.root():
            if first == size:
                return Fault(
                    ask.since,
                    f"Two roots were signed at {size} entries: the log was written anew.",
                )
            return Fault(
                first,
                f"Entries {first} to {size - 1} are not those that were signed at"
                f" {size}.",
            )
        if size > self._certified or not self._agreeing:
            self._certified, self._agreeing = size, self._agreeing + 1
            self._witnessed |= dict.fromkeys(witnessed, size)
        return None

    def _cosigners(self, promise: Promise) -> list[str]:
        if not promise.cosigned:
            return []
        text, _ = split_note(promise.note)
        found = cosignatures_in(promise.cosigned, text, self._ask.witnesses)
        return [cosignature.name for cosignature in found]


def _kept(ask: Ask) -> list[Promise]:
    """What was signed, as somebody keeps it outside the database."""
    found = []
    for note in ask.kept:
        signed = parse_and_verify(note, origin=ask.origin, public_key=ask.public_key)
        if signed.size >= ask.since:
            log = log_id(ask.origin)
            found.append(Promise(log, signed.size, signed.root, note, ""))
    return sorted(found, key=lambda promise: promise.size)


class _StoredTiles:
    """The stored tiles of each level in order, held against those that entries make."""

    def __init__(self, connection: Connection, since: int) -> None:
        self._connection = connection
        self._since = since
        self._levels: dict[int, Iterator[tuple[bytes, bytes]]] = {}
        self._lacking: FullTile | None = None

    def fault(self, completed: Sequence[FullTile]) -> Fault | None:
        """The first of these that is stored with other hashes."""
        for tile in completed:
            stored = next(self._of(tile.level), None)
            if stored is None:
                self._lacking = self._lacking or tile
            elif stored != (tile.hashes, tile.root):
                return _tile_fault(tile, "does not hold the hashes of its entries")
        return None

    def lacking(self) -> Fault | None:
        """A tile that a checkpoint covers must be there."""
        return _tile_fault(self._lacking, "is missing") if self._lacking else None

    def _of(self, level: int) -> Iterator[tuple[bytes, bytes]]:
        if level not in self._levels:
            index = self._since >> (HEIGHT * (level + 1))
            self._levels[level] = stored_tiles(self._connection, level, index)
        return self._levels[level]


def _tile_fault(tile: FullTile, what: str) -> Fault:
    name = f"{tile.level}/{index_path(tile.index)}"
    first = (tile.index * WIDTH) << (HEIGHT * tile.level)
    return Fault(first, f"Tile {name} of the tree {what}.")
