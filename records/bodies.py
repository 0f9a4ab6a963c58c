"""Fetches what the ledger names by its CID, for those who inspect the ledger."""

from ledger.errors import BodyDamaged
from records.content import content_store
from records.models import Document
from records.storage.cids import decode_cid
from records.storage.errors import StorageError


def check_body(cid: bytes) -> None:
    """Read a sealed document to its last block; the store hashes each block again.

    A document that has been removed on purpose, such as the diagnosis service's copy
    of an image that is graded, is not missed.

    Args:
        cid: binary CIDv1 from a ledger entry.

    Raises:
        BodyDamaged: it should be there and is not, or is not what the CID says.
    """
    try:
        found = decode_cid(cid)
        if not Document.objects.kept().filter(cid=str(found)).exists():
            return
        for _ in content_store().read(found):
            pass
    except StorageError as error:
        raise BodyDamaged(str(error)) from error
