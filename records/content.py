"""The content store this site uses."""

from functools import cache

from django.conf import settings

from records.storage.content_store import ContentStore
from records.storage.folder import FolderStore


@cache
def content_store() -> ContentStore:
    """A node where IPFS_API names one, else the folder of blocks."""
    if settings.IPFS_API:
        # Imported here: a site without a node need not load its client.
        from records.storage.ipfs import IpfsStore

        return IpfsStore(settings.IPFS_API)
    return FolderStore(settings.BLOCKS)
