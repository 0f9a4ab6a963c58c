"""A large content sealed, stored, read and opened, in a process of its own."""

import re
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from records.encryption.envelope import new_data_key, open_sealed, seal
from records.storage.folder import FolderStore

if TYPE_CHECKING:
    from hashlib import _Hash

MIB = 2**20
LENGTH_MIB = 2_048
KIB_PER_MIB = 1_024


def main() -> None:
    """Print the most memory in MiB that the process ever held.

    Raises:
        SystemExit: what came back is not what went in.
    """
    folder = Path(sys.argv[1])
    key, record, store = new_data_key(), bytes(16), FolderStore(folder)
    given, found = sha256(), sha256()
    sealed = seal(_hashed(_content(), given), data_key=key, record_id=record)
    blocks = store.read(store.put(sealed))
    for _ in _hashed(open_sealed(blocks, data_key=key, record_id=record), found):
        pass
    if given.digest() != found.digest():
        sys.exit("What came back is not what went in.")
    sys.stdout.write(f"{_peak_mib()}\n")


def _peak_mib() -> float:
    # Not getrusage: its figure takes over the peak of the process that started this.
    status = Path("/proc/self/status").read_text()
    (kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kib) / KIB_PER_MIB


def _content() -> Iterator[bytes]:
    """A MiB at a time, no two alike."""
    for number in range(LENGTH_MIB):
        yield number.to_bytes(8) + bytes(MIB - 8)


def _hashed(content: Iterable[bytes], digest: "_Hash") -> Iterator[bytes]:
    for piece in content:
        digest.update(piece)
        yield piece


if __name__ == "__main__":
    main()
