"""Encodes the inner nodes of a file's tree as dag-pb with UnixFS.

    node    = link* ‖ 0x0a ‖ length ‖ unixfs
    link    = 0x12 ‖ length ‖ 0x0a ‖ length ‖ binary CID
              ‖ 0x12 0x00 (empty name) ‖ 0x18 ‖ Tsize
    unixfs  = 0x08 0x02 (a file) ‖ 0x18 ‖ file size ‖ (0x20 ‖ block size)*

All numbers are protobuf varints. Tsize counts the child's encoded bytes with those of
everything under it; a block size counts only the bytes of the file under it; the
file size is the sum of the block sizes. Links stand in the order of the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from records.storage.cids import BINARY_LENGTH, check_binary_cid
from records.storage.errors import CidRejected, NodeRejected

_LINKS, _DATA = 0x12, 0x0A
_HASH, _NAME, _TSIZE = 0x0A, 0x12, 0x18
_FILE = b"\x08\x02"
_FILE_SIZE, _BLOCK_SIZE = 0x18, 0x20
LONGEST_VARINT = 9


@dataclass(frozen=True)
class Link:
    """A child of a node.

    Args:
        cid: binary, of the child's block; 36 bytes.
        tree_size: bytes of all encoded blocks from the child down (Tsize).
        file_size: bytes of the file under the child.
    """

    cid: bytes
    tree_size: int
    file_size: int


def encode_node(links: Sequence[Link]) -> bytes:
    """Return the block of a node with these children, in their order."""
    encoded = b"".join(_field(_LINKS, _encode_link(link)) for link in links)
    return encoded + _field(_DATA, _encode_unixfs(links))


def decode_node(data: bytes) -> tuple[Link, ...]:
    """Read the children of a node, in their order.

    Only what ``encode_node`` writes is read: the result is encoded again to compare.

    Raises:
        NodeRejected: anything else, even where other software would read it.
    """
    try:
        links = _Reader(data).node()
    except (IndexError, CidRejected) as error:
        raise NodeRejected("The block is not a file node of the profile.") from error
    # A link to nothing would let a small block make a reader fetch without end.
    empty = not links or any(link.file_size == 0 for link in links)
    if empty or encode_node(links) != data:
        raise NodeRejected("The block is not in the profile's form of a file node.")
    return links


def _encode_link(link: Link) -> bytes:
    name = _field(_NAME, b"")
    return _field(_HASH, link.cid) + name + _number(_TSIZE, link.tree_size)


def _encode_unixfs(links: Sequence[Link]) -> bytes:
    total = sum(link.file_size for link in links)
    sizes = b"".join(_number(_BLOCK_SIZE, link.file_size) for link in links)
    return _FILE + _number(_FILE_SIZE, total) + sizes


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + _varint(len(content)) + content


def _number(tag: int, value: int) -> bytes:
    return bytes([tag]) + _varint(value)


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


class _Reader:
    """Reads a node from the front; whatever does not fit raises IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def node(self) -> tuple[Link, ...]:
        children = []
        while self._data[self._at] == _LINKS:
            children.append(self._link())
        sizes = self._unixfs()
        if len(sizes) != len(children):
            raise IndexError
        return tuple(
            Link(cid, tree, size)
            for (cid, tree), size in zip(children, sizes, strict=True)
        )

    def _link(self) -> tuple[bytes, int]:
        self._tag(_LINKS)
        self._varint()
        self._tag(_HASH)
        self._varint()
        cid = self._take(BINARY_LENGTH)
        check_binary_cid(cid)
        self._tag(_NAME)
        self._varint()
        self._tag(_TSIZE)
        return cid, self._varint()

    def _unixfs(self) -> list[int]:
        self._tag(_DATA)
        self._varint()
        self._take(len(_FILE))
        self._tag(_FILE_SIZE)
        self._varint()
        sizes = []
        while self._at < len(self._data):
            self._tag(_BLOCK_SIZE)
            sizes.append(self._varint())
        return sizes

    def _tag(self, tag: int) -> None:
        if self._take(1)[0] != tag:
            raise IndexError

    def _take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise IndexError
        self._at += length
        return taken

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 7 * LONGEST_VARINT, 7):
            group = self._take(1)[0]
            value |= (group & 0x7F) << shift
            if group < 0x80:
                return value
        raise IndexError
