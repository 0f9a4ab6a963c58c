"""Names the numbers of a proof for those who check them by hand."""

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from ledger.history import InclusionProof, Progress

Pairs = list[tuple[str, str]]


def entry_details(
    statement_id: bytes, found: Progress | None, proof: InclusionProof | None
) -> Pairs:
    """What identifies a statement's entry, as far as it has come."""
    pairs = [(_("Statement id"), statement_id.hex())]
    if found and found.seq is not None:
        pairs.append((_("Sequence number"), str(found.seq)))
    if found and found.sequenced_at:
        moment = date_format(localtime(found.sequenced_at), "j F Y, H:i:s T")
        pairs.append((_("Entered"), moment))
    if proof:
        pairs.append((_("Leaf hash"), proof.leaf_hash.hex()))
    return pairs


def tree_details(proof: InclusionProof | None) -> Pairs:
    """The tree that the checkpoint vouches for; empty without a proof."""
    if proof is None:
        return []
    return [(_("Tree size"), str(proof.size)), (_("Root hash"), proof.root.hex())]
