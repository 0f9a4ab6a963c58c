"""The desensitised pictures of a data set as one stream: a tar of numbered PNGs."""

import io
import tarfile
from collections.abc import Iterable, Iterator

from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.limits import MAX_FILE

BLOCK = tarfile.BLOCKSIZE


def pack(pictures: Iterable[bytes]) -> Iterator[bytes]:
    """Write pictures one after the other, named by their number from 1 alone.

    The same pictures give the same bytes. Memory: one picture.
    """
    for number, picture in enumerate(pictures, start=1):
        info = tarfile.TarInfo(f"{number:06}.png")
        info.size = len(picture)
        yield info.tobuf(tarfile.USTAR_FORMAT)
        yield picture
        yield bytes(-len(picture) % BLOCK)
    yield bytes(2 * BLOCK)


def unpack(stream: Iterable[bytes], *, after: int = 0) -> Iterator[tuple[int, bytes]]:
    """Read what ``pack`` wrote, from the picture after the number given.

    Returns:
        Each picture's number with its PNG. Memory: one picture.

    Raises:
        ArchiveRefused: something else than such a set; when iterated.
    """
    try:
        with tarfile.open(fileobj=io.BufferedReader(_Reader(stream)), mode="r|") as tar:
            for number, info in enumerate(tar, start=1):
                if info.name != f"{number:06}.png" or info.size > MAX_FILE:
                    raise ArchiveRefused(
                        f"The set has no picture {number} in its place."
                    )
                file = tar.extractfile(info) if number > after else None
                if file is not None:
                    yield number, file.read()
    except tarfile.TarError as error:
        raise ArchiveRefused(f"The set cannot be read: {error}.") from error


class _Reader(io.RawIOBase):
    """A stream of pieces, to be read as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken
