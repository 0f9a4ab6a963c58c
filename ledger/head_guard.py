"""Remembers the last signed checkpoint outside the database and its backups."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import HeadMoved, HeadUnknown


class HeadGuard:
    """One file with the last note that was signed, changed by compare-and-swap.

    A database restored from a backup has forgotten what it signed; this file has not.
    It must not lie in what is backed up and restored together with the database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """Where the note lies."""
        return self._path

    def read(self) -> str | None:
        """The note kept; None where none was ever.

        Raises:
            OSError: the file cannot be read.
            HeadUnknown: it holds no text.
        """
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise HeadUnknown(f"{self._path} is damaged: it is no text.") from error

    def swap(self, *, expected: str | None, note: str) -> None:
        """Replace the note; on return it is on the disk.

        Raises:
            HeadMoved: another process has signed since; nothing was changed.
            OSError: the file cannot be written; nothing was changed.
        """
        with self._locked():
            if self.read() != expected:
                raise HeadMoved(
                    f"Another process has moved {self._path}. Nothing is signed."
                )
            self._write(note)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f"{self._path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, note: str) -> None:
        written = self._path.with_name(f"{self._path.name}.new")
        with written.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
