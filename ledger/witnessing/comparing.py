"""Finds a log that has shown different histories to different people."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from ledger import tiles
from ledger.checkpoint import Checkpoint, parse_and_verify
from ledger.errors import (
    NoteRejected,
    PartyUnreachable,
    ProofRejected,
    RemoteDamaged,
)
from ledger.fetching import Party
from ledger.policy import Party as Known
from ledger.proofs import verify_consistency
from ledger.tiles import ReadTiles
from ledger.verifier_key import VerifierKey
from ledger.witnessing.client import WitnessClient
from ledger.witnessing.witness import Seen

MAX_EVIDENCE_BYTES = 4_000_000


class View(NamedTuple):
    """A checkpoint of a log, as somebody has seen it; not verified."""

    told_by: str
    note: str


@dataclass(frozen=True)
class Contradiction:
    """Two checkpoints that one log has signed and that cannot both be true."""

    origin: str
    first: Seen
    second: Seen
    told_by: str


def contradictions(
    key: VerifierKey, views: Sequence[View], *, head: View, read: ReadTiles
) -> list[Contradiction]:
    """Hold what others have seen of a log against what it shows now.

    What is not signed by the log is passed over, and so is what lies beyond the head: a
    log may be slow, or be on its way back from a backup. Tiles that do not lead to the
    head accuse nobody: whoever spoilt them need not be the log.

    Args:
        key: with which the log signs.
        views: what others have seen.
        head: what it shows now.
        read: its tiles, up to the head.

    Raises:
        NoteRejected: the head is not signed by the log.
        PartyUnreachable: its tiles are not to be had.
        RemoteDamaged: its tiles do not lead to the head; LedgerDamaged alike.
    """
    shown = _seen(key, head.note)
    return [
        Contradiction(key.name, seen, shown, told_by)
        for told_by, seen in _signed(key, views)
        if 0 < seen.size <= shown.size and not _continues(seen, shown, read)
    ]


def two_of_one_size(key: VerifierKey, views: Sequence[View]) -> list[Contradiction]:
    """Views that contradict each other by themselves, whatever the log shows.

    Args:
        key: with which the log signs; what it has not signed is passed over.
        views: what others have seen.
    """
    first: dict[int, Seen] = {}
    found = []
    for told_by, seen in _signed(key, views):
        known = first.setdefault(seen.size, seen)
        if known.root != seen.root:
            found.append(Contradiction(key.name, known, seen, told_by))
    return found


def views_of(origin: str, witnesses: Iterable[Known]) -> list[View]:
    """What witnesses have cosigned last of a log, as far as they answer."""
    found = []
    for witness in witnesses:
        client = WitnessClient(key=witness.key, url=witness.url)
        try:
            note = client.latest(origin)
        except PartyUnreachable:
            continue
        if note:
            found.append(View(witness.key.name, note))
    return found


def evidence_of(key: VerifierKey, witness: Known) -> list[Contradiction]:
    """The contradictions that a witness has kept of a log, each checked again.

    A witness without such a page, or with nonsense on it, has none.
    """
    path = f"{sha256(key.name.encode()).hexdigest()}/evidence"
    try:
        reply = Party(witness.url).get(path, most=MAX_EVIDENCE_BYTES)
        pairs = json.loads(reply.body) if reply.status == 200 else []
    except (PartyUnreachable, ValueError, RecursionError):
        return []
    told = [
        [View(witness.key.name, note) for note in pair]
        for pair in (pairs if isinstance(pairs, list) else [])
        if isinstance(pair, list) and [*map(type, pair)] == [str, str]
    ]
    return [found for pair in told for found in two_of_one_size(key, pair)]


def _signed(key: VerifierKey, views: Iterable[View]) -> Iterator[tuple[str, Seen]]:
    for view in views:
        try:
            yield view.told_by, _seen(key, view.note)
        except NoteRejected:
            continue


def _continues(old: Seen, new: Seen, read: ReadTiles) -> bool:
    """Whether a tree continues an older one; its own tiles prove which older one.

    Raises:
        RemoteDamaged: the tiles prove nothing of either.
    """
    if old.size == new.size:
        return old.root == new.root
    root = tiles.older_root(old.size, new.size, read)
    try:
        verify_consistency(
            old_size=old.size,
            new_size=new.size,
            old_root=root,
            new_root=new.root,
            path=tiles.consistency_path(old.size, new.size, read),
        )
    except ProofRejected as error:
        raise RemoteDamaged(f"The tiles do not lead to the head: {error}") from error
    return root == old.root


def _seen(key: VerifierKey, note: str) -> Seen:
    found: Checkpoint = parse_and_verify(
        note, origin=key.name, public_key=key.public_key
    )
    return Seen(found.size, found.root, note)
