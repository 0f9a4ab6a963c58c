"""Cuts a stream of bytes into pieces of equal size."""

from collections.abc import Iterable, Iterator


def equal_pieces(stream: Iterable[bytes], size: int) -> Iterator[memoryview]:
    """Yield the bytes of a stream in pieces of ``size``; only the last may be shorter.

    A piece that lies whole within one item of the stream is a view of it and is
    not copied, so the items must not change while they are in use.

    Args:
        stream: bytes in items of any length; empty items are allowed.
        size: bytes in a piece, at least 1.

    Returns:
        Views of ``size`` bytes; the last has 1 to ``size`` bytes. An empty stream
        yields nothing. Memory: one piece beside the item in hand.
    """
    held = bytearray()
    for item in stream:
        view = memoryview(item).cast("B")
        if held:
            missing = size - len(held)
            held += view[:missing]
            view = view[missing:]
            if len(held) == size:
                yield memoryview(held)
                held = bytearray()
        whole = len(view) - len(view) % size
        for start in range(0, whole, size):
            yield view[start : start + size]
        held += view[whole:]
    if held:
        yield memoryview(held)
