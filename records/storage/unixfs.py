"""Turns files into blocks by the IPFS profile ``unixfs-v1-2025``.

IPIP-0499: CIDv1, sha2-256, raw leaves, chunks of 1 MiB, 1024 links a node, balanced
(every leaf at the same depth), no mode, no time. A file of one chunk is its raw leaf.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from multiformats import CID

from records.chunking import equal_pieces
from records.storage.cids import binary_cid_of, codec_of, decode_cid
from records.storage.dag_pb import Link, decode_node, encode_node
from records.storage.errors import BlockDamaged, NodeRejected

CHUNK_SIZE = 1_048_576
LINKS_PER_NODE = 1_024
# No block of the profile comes near it; IPFS nodes refuse to exchange larger ones.
LARGEST_BLOCK = 2 * 1_048_576


@dataclass(frozen=True)
class Block:
    """A block with the CID computed from it.

    Args:
        binary_cid: CIDv1, sha2-256, raw or dag-pb; 36 bytes.
        data: the bytes that hash to it; a view is valid until the next block.
    """

    binary_cid: bytes
    data: bytes | memoryview

    @property
    def cid(self) -> CID:
        """The CID as a value, made anew each time."""
        return decode_cid(self.binary_cid)


def build(
    content: Iterable[bytes],
    *,
    chunk_size: int = CHUNK_SIZE,
    links_per_node: int = LINKS_PER_NODE,
) -> Iterator[Block]:
    """Yield the blocks of a file, children before parents, the root last.

    Args:
        content: the file, in items of any length.
        chunk_size: bytes in a leaf; the profile's unless a test wants a small tree.
        links_per_node: children of a node, at least 2; likewise.

    Returns:
        At least one block: an empty file is the empty raw leaf. Memory: a chunk and
        the links of one node for each level of the tree.
    """
    levels: list[list[Link]] = [[]]
    leaf = None
    for piece in equal_pieces(content, chunk_size):
        leaf = Block(binary_cid_of(piece, "raw"), piece)
        yield leaf
        link = Link(leaf.binary_cid, len(piece), len(piece))
        yield from _add(link, levels, 0, links_per_node)
    if leaf is None:
        yield Block(binary_cid_of(b"", "raw"), b"")
        return
    yield from _close(levels, links_per_node)


def root_of(content: Iterable[bytes]) -> CID:
    """Return the CID of a file, holding one chunk of it at a time."""
    return deque(build(content), maxlen=1).pop().cid


def read(root: CID, fetch: Callable[[CID], bytes]) -> Iterator[bytes]:
    """Yield a file's bytes, leaf by leaf, each block hashed again before use.

    Args:
        root: the file's CID.
        fetch: returns what a store has under a block's CID; not trusted.

    Raises:
        BlockDamaged: a block has another hash than its CID.
        NodeRejected: an honest hash of something that is no file of the profile.
    """
    waiting: list[tuple[bytes, int | None]] = [(bytes(root), None)]
    while waiting:
        binary_cid, file_size = waiting.pop()
        cid = decode_cid(binary_cid)
        data = check_block(cid, fetch(cid))
        links = () if codec_of(cid) == "raw" else decode_node(data)
        found = sum(link.file_size for link in links) if links else len(data)
        if file_size not in (None, found):
            raise NodeRejected(f"Block {cid} is not as long as its parent says.")
        waiting.extend((link.cid, link.file_size) for link in reversed(links))
        if not links:
            yield data


def check_block(cid: CID, data: bytes) -> bytes:
    """Return a block's bytes, once they were found to be what its CID says.

    Raises:
        BlockDamaged: they hash to something else.
    """
    if binary_cid_of(data, codec_of(cid)) != bytes(cid):
        raise BlockDamaged(cid)
    return data


def _add(
    link: Link, levels: list[list[Link]], depth: int, width: int
) -> Iterator[Block]:
    """Hang a link into the tree, closing the full nodes in its way."""
    if depth == len(levels):
        levels.append([])
    if len(levels[depth]) == width:
        block, parent = _node(levels[depth])
        levels[depth] = []
        yield block
        yield from _add(parent, levels, depth + 1, width)
    levels[depth].append(link)


def _close(levels: list[list[Link]], width: int) -> Iterator[Block]:
    """Close the nodes that are still open, from the leaves up to the root."""
    depth = 0
    while depth + 1 < len(levels) or len(levels[depth]) > 1:
        block, parent = _node(levels[depth])
        yield block
        yield from _add(parent, levels, depth + 1, width)
        depth += 1


def _node(links: list[Link]) -> tuple[Block, Link]:
    data = encode_node(links)
    block = Block(binary_cid_of(data, "dag-pb"), data)
    tree_size = len(data) + sum(link.tree_size for link in links)
    return block, Link(
        block.binary_cid, tree_size, sum(link.file_size for link in links)
    )
