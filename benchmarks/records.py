"""How fast contents are named, sealed and granted, beside the bare primitives."""

import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.result import Result
from benchmarks.site import in_a_process
from records.encryption.envelope import new_data_key, open_sealed, seal
from records.encryption.format import CHUNK_SIZE
from records.storage.unixfs import root_of

MIB = 2**20
LARGE, DOCUMENT = 256 * MIB, 64 * MIB
ROUNDS = 5


def measure() -> list[Result]:
    """CIDs, envelopes, grants; the bare primitive and ours in turns. Then memory."""
    grants = in_a_process("benchmarks.granting_run")
    return [_naming(), *_sealing(), *grants, _streaming()]


def _naming() -> Result:
    content = secrets.token_bytes(LARGE)

    def bare() -> None:
        for piece in _pieces(content):
            sha256(piece).digest()

    ratio = _ratio(bare, lambda: root_of(_pieces(content)))
    return Result(
        "CID of 256 MiB ÷ bare SHA-256", ratio, "×", 0.7, "1 MiB at a time", "≥"
    )


def _sealing() -> Iterator[Result]:
    content, key, record = secrets.token_bytes(DOCUMENT), new_data_key(), bytes(16)
    cipher, nonce = AESGCM(key), bytes(12)
    sealed = b"".join(seal(_pieces(content), data_key=key, record_id=record))
    plain = [content[at : at + CHUNK_SIZE] for at in range(0, DOCUMENT, CHUNK_SIZE)]
    bare = [cipher.encrypt(nonce, chunk, None) for chunk in plain]
    of = "64 MiB in chunks of the same size"
    sealing = _ratio(
        lambda: [cipher.encrypt(nonce, chunk, None) for chunk in plain],
        lambda: list(seal(_pieces(content), data_key=key, record_id=record)),
    )
    yield Result("seal ÷ bare AES-GCM", sealing, "×", 0.6, of, "≥")
    opening = _ratio(
        lambda: [cipher.decrypt(nonce, chunk, None) for chunk in bare],
        lambda: list(open_sealed(_pieces(sealed), data_key=key, record_id=record)),
    )
    yield Result("open ÷ bare AES-GCM", opening, "×", 0.6, of, "≥")


def _streaming() -> Result:
    peak = peak_of_streaming()
    return Result(
        "memory for 2 GiB sealed, stored, opened", peak, "MiB", 200, "the whole process"
    )


def peak_of_streaming() -> float:
    """MiB that a process holds at most while 2 GiB pass into a store and back."""
    with tempfile.TemporaryDirectory(prefix="anamnesis-bench-") as folder:
        done = subprocess.run(  # noqa: S603 our own
            [sys.executable, "-m", "benchmarks.streaming_run", folder],
            check=True,
            stdout=subprocess.PIPE,
        )
    return float(done.stdout)


def _ratio(bare: Callable[[], object], ours: Callable[[], object]) -> float:
    """Of the speeds, in turns on the same machine; the median."""
    return statistics.median(_took(bare) / _took(ours) for _ in range(ROUNDS))


def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _pieces(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), MIB):
        yield content[at : at + MIB]
