"""This site's own log, as its web process serves it."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, LiteralString

from django.db import connection

from ledger.cosignature import sound_lines
from ledger.errors import LedgerDamaged, PolicyRejected
from ledger.models import Checkpoint, Cosignature, Entry
from ledger.note import split_note
from ledger.site import policy
from ledger.tile_rows import TileRows
from ledger.tiles import TileId


class SiteLog:
    """What the database holds under the latest checkpoint (ledger.tile_http.ServedLog)."""

    def __init__(self) -> None:
        self._latest = Checkpoint.objects.order_by("-size").first()

    def size(self) -> int:
        """How many entries the latest checkpoint covers; 0 without one."""
        return self._latest.size if self._latest else 0

    def checkpoint(self) -> str | None:
        """The latest checkpoint with its cosignatures, as a signed note."""
        return cosigned(self._latest) if self._latest else None

    def read(self, tiles: Sequence[TileId]) -> Mapping[TileId, bytes]:
        """The hashes of tiles below its size."""
        return site_tiles().read(tiles)

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        """The entries [start, end), as they were hashed.

        Raises:
            LedgerDamaged: one of them is missing.
        """
        rows = Entry.objects.filter(seq__gte=start, seq__lt=end).order_by("seq")
        bodies = [bytes(row) for row in rows.values_list("bytes", flat=True)]
        if len(bodies) != end - start:
            raise LedgerDamaged(start, f"The log lacks entries from {start} to {end}.")
        return bodies


def cosigned(checkpoint: Checkpoint) -> str:
    """A checkpoint with what its witnesses have said about it.

    A line that is false in the name of a witness of this site's policy is left out,
    whoever put it into the table: it would spoil the whole note for its readers.
    """
    lines = Cosignature.objects.filter(
        log_id=checkpoint.log_id, size=checkpoint.size
    ).order_by("witness")
    joined = "".join(lines.values_list("line", flat=True))
    try:
        keys = policy().witness_keys
    except PolicyRejected:
        keys = []
    text, _ = split_note(checkpoint.note)
    return checkpoint.note + sound_lines(text, joined, keys)


def site_tiles() -> TileRows:
    """The tiles in the database, as far as this process has read them already."""
    return _tiles_of(str(connection.settings_dict["NAME"]))


@cache
def _tiles_of(database: str) -> TileRows:
    return TileRows(_fetch)


def _fetch(query: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
