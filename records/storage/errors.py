"""What can go wrong between a CID and its bytes.

StorageError
├── CidRejected        the text or bytes are not a CID of the profile
├── NodeRejected       a block with the right hash is not a file node of the profile
├── BlockError         (has the block's CID in ``cid``)
│   ├── BlockMissing   the store does not have the block
│   └── BlockDamaged   what the store has under the CID hashes to something else
└── StoreUnavailable   the store cannot be used now: full, down, not allowed
"""

from multiformats import CID


class StorageError(Exception):
    """The content store refused; the message is a sentence for a person."""


class CidRejected(StorageError):
    """The text or bytes are not a CID of the profile."""


class NodeRejected(StorageError):
    """A block with the right hash is not a file node of the profile."""


class BlockError(StorageError):
    """Something is wrong with one block.

    Args:
        cid: the block's own CID, not that of the document it belongs to.
        sentence: what is wrong.
    """

    def __init__(self, cid: CID, sentence: str) -> None:
        super().__init__(sentence)
        self.cid = cid


class BlockMissing(BlockError):
    """The store does not have the block."""

    def __init__(self, cid: CID) -> None:
        super().__init__(cid, f"The store does not have block {cid}.")


class BlockDamaged(BlockError):
    """What the store has under the CID hashes to something else."""

    def __init__(self, cid: CID) -> None:
        super().__init__(cid, f"Block {cid} is damaged: its content has another hash.")


class StoreUnavailable(StorageError):
    """The store cannot be used now: full, down, not allowed."""
