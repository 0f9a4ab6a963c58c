"""How far a statement has come, with the proof of what is on the log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ledger import tiles
from ledger.checkpoint import parse_and_verify
from ledger.encoding import Statement, decode_entry, decode_statement
from ledger.errors import NotProvable
from ledger.hashing import leaf_hash
from ledger.models import Checkpoint, Entry, Inbox
from ledger.proofs import verify_inclusion
from ledger.served_log import cosigned, site_tiles
from ledger.site import log_signer, origin
from ledger.witnessed import standing, witnessed_checkpoint


@dataclass(frozen=True)
class Progress:
    """How far a statement has come.

    Accepted: queued with the act. Sequenced: has its number in the log. Witnessed:
    enough witnesses have cosigned a tree that holds it.
    """

    state: Literal["accepted", "sequenced", "witnessed"]
    seq: int | None = None
    sequenced_at: datetime | None = None
    witnesses: int = 0  # that have cosigned it
    of: int = 0  # whom the site's policy knows


@dataclass(frozen=True)
class InclusionProof:
    """Everything a stranger needs, beside the log's public key."""

    seq: int
    entry: bytes  # the bytes that were hashed
    leaf_hash: bytes  # 32
    path: tuple[bytes, ...]  # 32 each, lowest sibling first
    size: int  # of the tree, as the checkpoint says
    root: bytes  # 32, as the checkpoint says
    checkpoint: str  # signed note


def progress(statement_ids: Iterable[bytes]) -> dict[bytes, Progress]:
    """Say how far each statement has come, in three queries.

    Args:
        statement_ids: 16 bytes each, from append().

    Returns:
        By statement id; ids that were never queued are left out.
    """
    ids = list(statement_ids)
    # The inbox first: what moves on between the queries is then seen twice, not never.
    queued = Inbox.objects.filter(statement_id__in=ids)
    entered = Entry.objects.filter(statement_id__in=ids)
    found = {
        bytes(statement_id): Progress("accepted")
        for statement_id in queued.values_list("statement_id", flat=True)
    }
    stand = standing()
    for entry in entered.only("seq", "ts_ms", "statement_id"):
        found[bytes(entry.statement_id)] = Progress(
            "witnessed" if stand.is_witnessed(entry.seq) else "sequenced",
            entry.seq,
            entry.sequenced_at,
            len(stand.seen_by(entry.seq)),
            stand.of,
        )
    return found


def statements(statement_ids: Iterable[bytes]) -> dict[bytes, Statement]:
    """What was said under each id, in the log already or waiting, in two queries.

    Returns:
        By statement id; ids that were never queued are left out.

    Raises:
        EncodingError: the bytes kept are not a statement's.
    """
    ids = list(statement_ids)
    # The inbox first, as in progress(): what moves on between is then not missed.
    waiting = Inbox.objects.filter(statement_id__in=ids).values_list("statement")
    said = [decode_statement(bytes(data)) for (data,) in waiting]
    entered = Entry.objects.filter(statement_id__in=ids).values_list("bytes")
    said += [decode_entry(bytes(data)).statement for (data,) in entered]
    return {statement.statement_id: statement for statement in said}


def statement(statement_id: bytes) -> Statement | None:
    """What was said under an id; None if nothing ever was."""
    return statements([statement_id]).get(statement_id)


def inclusion(seq: int) -> InclusionProof:
    """Prove that an entry is in the tree of one of the log's checkpoints.

    The latest checkpoint that enough witnesses have cosigned, if it covers the entry;
    else the latest that the log has signed. The proof is verified here against the
    entry as it was read back, before anyone is shown it.

    Raises:
        NotProvable: no such entry, or no checkpoint covers it yet.
        NoteRejected: the stored checkpoint is not the log's.
        LedgerDamaged: a tile of the tree is missing.
        ProofRejected: the log no longer holds what the checkpoint promised.
    """
    entry = Entry.objects.filter(seq=seq).first()
    found = _covering(seq)
    if entry is None or found is None:
        raise NotProvable(f"No signed checkpoint covers entry {seq} yet.")
    checkpoint = parse_and_verify(
        found.note, origin=origin(), public_key=log_signer().public_key
    )
    data = bytes(entry.bytes)
    proof = InclusionProof(
        seq=seq,
        entry=data,
        leaf_hash=leaf_hash(data),
        path=tiles.inclusion_path(seq, checkpoint.size, site_tiles().read),
        size=checkpoint.size,
        root=checkpoint.root,
        checkpoint=cosigned(found),
    )
    verify_inclusion(
        index=seq,
        size=proof.size,
        leaf_hash=proof.leaf_hash,
        path=proof.path,
        root=proof.root,
    )
    return proof


def _covering(seq: int) -> Checkpoint | None:
    witnessed = witnessed_checkpoint(standing())
    if witnessed and witnessed.size > seq:
        return witnessed
    latest = Checkpoint.objects.order_by("-size").first()
    return latest if latest and latest.size > seq else None
