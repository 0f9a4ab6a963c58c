"""Keeps blocks as files in a folder."""

import errno
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from multiformats import CID

from records.storage.errors import (
    BlockDamaged,
    BlockError,
    BlockMissing,
    NodeRejected,
    StoreUnavailable,
)
from records.storage.unixfs import LARGEST_BLOCK, Block, build, check_block, read

# A document that has got no block for a day was left behind by a dead process.
UNFINISHED_SECONDS = 24 * 3600.0


class FolderStore:
    """A content store in one folder of a local file system.

        documents/<xy>/<root CID>/<block CID>   the blocks of one document
        unfinished/<random>/<block CID>         documents on their way in or out

    <xy> are the last two characters but one of the root CID: 1,024 folders. Each
    document has its own copies of its blocks, so removing one cannot take a block
    from another; sealed blocks never repeat, so this costs no space. A document
    comes and goes whole, by one rename: no lock is needed, and a crash leaves nothing
    half-made but a folder in ``unfinished``.

    Args:
        root: the folder; made if it is missing, for its owner's eyes only.

    Raises:
        StoreUnavailable: the folder cannot be made.
    """

    def __init__(self, root: Path) -> None:
        self._documents = root / "documents"
        self._unfinished = root / "unfinished"
        with _file_errors_in_words():
            for folder in (root, self._documents, self._unfinished):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, content: Iterable[bytes]) -> CID:
        """See ``ContentStore.put``."""
        with self._new_folder() as incoming:
            root = _write_all(build(content), incoming)
            with _file_errors_in_words():
                self._publish(incoming, root)
        return root

    def read(self, cid: CID) -> Iterator[bytes]:
        """See ``ContentStore.read``."""
        folder = self._folder_of(cid)
        return read(cid, lambda block: _read_block(folder / str(block), block))

    def block(self, cid: CID, *, of: CID) -> bytes:
        """See ``ContentStore.block``."""
        return check_block(cid, _read_block(self._folder_of(of) / str(cid), cid))

    def has(self, cid: CID) -> bool:
        """See ``ContentStore.has``."""
        with _file_errors_in_words():
            return self._folder_of(cid).is_dir()

    def remove(self, cid: CID) -> None:
        """See ``ContentStore.remove``; the bytes are gone at once."""
        folder = self._folder_of(cid)
        already_gone = suppress(FileNotFoundError)
        with self._new_folder() as outgoing, _file_errors_in_words(), already_gone:
            folder.rename(outgoing)
            _sync(folder.parent)

    def collect(self) -> None:
        """See ``ContentStore.collect``; clears what dead processes left behind."""
        limit = time.time() - UNFINISHED_SECONDS
        with _file_errors_in_words():
            for folder in self._unfinished.iterdir():
                if folder.stat().st_mtime < limit:
                    shutil.rmtree(folder, ignore_errors=True)

    def _folder_of(self, root: CID) -> Path:
        name = str(root)
        return self._documents / name[-3:-1] / name

    @contextmanager
    def _new_folder(self) -> Iterator[Path]:
        with _file_errors_in_words():
            folder = Path(tempfile.mkdtemp(dir=self._unfinished))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _publish(self, incoming: Path, root: CID) -> None:
        """Make a finished document visible, unless a sound one already is."""
        folder = self._folder_of(root)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        _sync(self._documents)
        while True:
            try:
                incoming.rename(folder)
                break
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            if self._is_sound(root):
                return
            self.remove(root)
        try:
            _sync(folder.parent)
        except OSError:
            # Its name may not outlive a crash, so it is not put.
            folder.rename(incoming)
            raise

    def _is_sound(self, root: CID) -> bool:
        try:
            deque(self.read(root), maxlen=0)
        except (BlockError, NodeRejected):
            return False
        return True


def _write_all(blocks: Iterable[Block], folder: Path) -> CID:
    root = None
    for block in blocks:
        root = block.cid
        with _file_errors_in_words():
            _write(folder / str(root), block.data)
    if root is None:
        raise ValueError("A document has at least one block.")
    with _file_errors_in_words():
        _sync(folder)
    return root


def _write(path: Path, data: bytes | memoryview) -> None:
    # A document that repeats itself has the same block twice.
    with suppress(FileExistsError), path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_block(path: Path, cid: CID) -> bytes:
    with _file_errors_in_words():
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_BLOCK + 1)
        except FileNotFoundError:
            raise BlockMissing(cid) from None
    if len(data) > LARGEST_BLOCK:
        raise BlockDamaged(cid)
    return data


@contextmanager
def _file_errors_in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreUnavailable("The store of documents is full.") from error
        raise StoreUnavailable(
            f"The store of documents cannot be used: {error.strerror}."
        ) from error
