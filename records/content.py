"""The content store this site uses."""

from functools import cache

from django.conf import settings

from records.storage.content_store import ContentStore
from records.storage.folder import FolderStore
from records.storage.peered import PeeredStore


@cache
def content_store() -> PeeredStore:
    """The own store: a node where IPFS_API names one, else the folder of blocks.

    Behind it stand the nodes that IPFS_PEERS names, for what it lost.
    """
    own = (
        _node(settings.IPFS_API) if settings.IPFS_API else FolderStore(settings.BLOCKS)
    )
    return PeeredStore(own, [_node(api) for api in settings.IPFS_PEERS])


def _node(api: str) -> ContentStore:
    # Imported here: a site without a node need not load its client.
    from records.storage.ipfs import IpfsStore

    return IpfsStore(api)
