"""Fetches what the ledger names by its CID, for those who inspect the ledger."""

from ledger.errors import BodyDamaged
from portal.row_security import UPKEEP, in_the_name_of
from records.content import content_store
from records.models import Document
from records.storage.cids import decode_cid
from records.storage.errors import StorageError


def check_body(cid: bytes) -> bool:
    """Read a sealed document to its last block; the store hashes each block again.

    Args:
        cid: binary CIDv1 from a ledger entry.

    Returns:
        False, with nothing read, where this portal keeps no such document: the
        diagnosis service's copy of an image that is graded, or what was entered before
        a restored backup.

    Raises:
        BodyDamaged: it should be there and is not, or is not what the CID says.
    """
    try:
        found = decode_cid(cid)
        with in_the_name_of(UPKEEP):
            is_kept = Document.objects.kept().filter(cid=str(found)).exists()
        if not is_kept:
            return False
        for _ in content_store().read(found):
            pass
    except StorageError as error:
        raise BodyDamaged(str(error)) from error
    return True
