"""Fetches what the ledger names by its CID, for those who inspect the ledger."""

from multiformats import CID

from ledger.errors import BodyDamaged
from portal.row_security import UPKEEP, in_the_name_of
from records.content import content_store
from records.models import Document
from records.storage.cids import decode_cid
from records.storage.errors import CidRejected, StorageError


def check_body(cid: bytes) -> bool:
    """Read a sealed document to its last block; the store hashes each block again.

    Args:
        cid: binary CIDv1 from a ledger entry.

    Returns:
        False, with nothing read, where this portal keeps no such document: the
        diagnosis service's copy of an image that is graded, what was sealed anew since,
        or what was entered before a restored backup.

    Raises:
        BodyDamaged: it should be there and is not, or is not what the CID says.
    """
    try:
        found = decode_cid(cid)
    except CidRejected as error:
        raise BodyDamaged(str(error)) from error
    if not _is_kept(found):
        return False
    try:
        for _ in content_store().read(found):
            pass
    except StorageError as error:
        # It may have been sealed anew since.
        if _is_kept(found):
            raise BodyDamaged(str(error)) from error
        return False
    return True


def _is_kept(cid: CID) -> bool:
    with in_the_name_of(UPKEEP):
        return Document.objects.kept().filter(cid=str(cid)).exists()
