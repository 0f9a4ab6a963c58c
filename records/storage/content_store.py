"""States what every content store promises."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from multiformats import CID


class ContentStore(Protocol):
    """Keeps sealed documents under the CID of their bytes.

    CIDs are those of ``records.storage.unixfs``, whatever the store. Nothing a store
    returns is trusted: each block is hashed again before one of its bytes is released.
    A store may be used from many threads and processes at once.
    """

    def put(self, content: Iterable[bytes]) -> CID:
        """Keep a document until it is removed.

        On return it is durable: it survives a crash of the process or the machine.
        Putting the same bytes again restores missing blocks, changes nothing else and
        needs one ``remove`` like any other; a damaged document is mended by removing
        it, then putting it. If this raises (``content`` may, too), the store has no
        new document; an unfinished one is never visible to others.

        Args:
            content: the document in items of any length; read once, never held whole.

        Raises:
            StoreUnavailable: full, down or not allowed; try again later.
            BlockDamaged: the store has a damaged copy of a block and does not replace
                it while a document needs it.
        """

    def read(self, cid: CID) -> Iterator[bytes]:
        """Yield a document's bytes, block by block.

        Raises, when iterated and before any byte of the block in question:
            BlockMissing: the document or one of its blocks is not to be had.
            BlockDamaged: a block's content has another hash.
            NodeRejected: the CID is not that of a document.
            StoreUnavailable: the store does not answer.
        """

    def block(self, cid: CID, *, of: CID) -> bytes:
        """Return one block of a document, hashed again.

        Args:
            cid: the block's own CID.
            of: the document's.

        Raises:
            BlockMissing: the block is not to be had.
            BlockDamaged: its content has another hash.
            StoreUnavailable: the store does not answer.
        """

    def has(self, cid: CID) -> bool:
        """Say whether a document has been put and not removed.

        Looks at no block: a document that is here can still be damaged.

        Raises:
            StoreUnavailable: the store does not answer.
        """

    def remove(self, cid: CID) -> None:
        """Give a document up; ``has`` is false from now on. Safe to call twice.

        Blocks that belong to another document, too, stay. Whether the bytes are gone
        at once is the store's choice; after ``collect`` they are.

        Raises:
            StoreUnavailable: the store does not answer; call it again.
        """

    def collect(self) -> None:
        """Destroy what removed and unfinished documents left behind.

        May take minutes in a large store; once after many removals is enough.

        Raises:
            StoreUnavailable: the store does not answer; call it again.
        """
