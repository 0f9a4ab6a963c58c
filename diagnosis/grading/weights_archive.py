"""A folder of weights as one run of bytes, the same wherever it is made.

The bytes are a tar archive (POSIX.1-1988, ustar): manifest, both networks, card, in
this order, each with the same owner, mode and time 0. The same files therefore have
the same CID on every site.
"""

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import MANIFEST, read_manifest
from diagnosis.grading.weights_folder import (
    CARD,
    MOST_CARD_BYTES,
    WeightsFolder,
    parts,
)

MOST_BYTES = 4 * 1024**3
"""Of one file; a longer one is refused before it fills the disk."""
MOST_MANIFEST_BYTES = 1024 * 1024
_AT_A_TIME = 1024 * 1024


def pack(weights: WeightsFolder) -> Iterator[bytes]:
    """The folder's files as one archive; nothing is held whole.

    Raises:
        OSError: a file cannot be read; when iterated.
    """
    for name in weights.files:
        info = tarfile.TarInfo(name)
        path = weights.path / name
        info.size = path.stat().st_size
        yield info.tobuf(tarfile.USTAR_FORMAT)
        with path.open("rb") as file:
            while piece := file.read(_AT_A_TIME):
                yield piece
        yield bytes(-info.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def unpack(archive: Iterable[bytes], *, into: Path, sha256: str) -> None:
    """Make the folder again from what `pack` made of it, whole or not at all.

    Nothing in the archive is trusted: the first file must be the manifest with that
    digest, each further one a file that the manifest names, with the digest it names,
    or the card.

    Args:
        archive: the bytes, in items of any length.
        into: the folder to be made; one that is there is replaced.
        sha256: of the manifest, hex.

    Raises:
        WeightsRejected: the archive is not the one asked for; nothing is left of it.
        OSError: the disk is full, or does not let us write; nothing is left of it.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=into.parent))
    try:
        _unpack(archive, incoming, sha256)
        shutil.rmtree(into, ignore_errors=True)
        incoming.rename(into)
    except tarfile.TarError as error:
        raise WeightsRejected(
            f"What was stored of these weights is no archive: {error}."
        ) from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _unpack(archive: Iterable[bytes], folder: Path, sha256: str) -> None:
    stream = io.BufferedReader(_Stream(archive), _AT_A_TIME)
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        files = _Files(tar)
        if files.write(MANIFEST, folder, most=MOST_MANIFEST_BYTES) != sha256:
            raise WeightsRejected(
                "What was stored of these weights begins with another manifest than"
                f" the one that was registered ({sha256[:12]}…)."
            )
        manifest, _same = read_manifest(folder)
        for part in parts(manifest):
            if files.write(part.file, folder, most=MOST_BYTES) != part.sha256:
                raise WeightsRejected(
                    f"What was stored of these weights has another {part.file} than"
                    " the one that was registered: its SHA-256 differs."
                )
        files.write(CARD, folder, most=MOST_CARD_BYTES)


class _Files:
    """The files of an archive, each under the name at which it must come."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def write(self, name: str, folder: Path, *, most: int) -> str:
        """Write the next file of the archive; its SHA-256 in hex."""
        info = self._tar.next()
        if info is None or not info.isreg() or info.name != name:
            raise WeightsRejected(
                f"What was stored of these weights has no {name} where it should be."
            )
        if info.size > most:
            raise WeightsRejected(
                f"{name} has {info.size:,} bytes, more than {most:,}."
            )
        content = self._tar.extractfile(info)
        if content is None:
            raise WeightsRejected(f"{name} is no file.")
        return _copy(content, folder / name)


def _copy(content: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while piece := content.read(_AT_A_TIME):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


class _Stream(io.RawIOBase):
    """Items of any length, as a file that is read from start to end."""

    def __init__(self, items: Iterable[bytes]) -> None:
        self._items = iter(items)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill what there is room for, from one item; 0 bytes at the end."""
        while not self._held and (item := next(self._items, None)) is not None:
            self._held = memoryview(bytes(item))
        count = min(len(self._held), len(buffer))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count
