"""How fast contents are named, sealed and opened, beside the bare primitives."""

import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.result import Result
from records.encryption.envelope import new_data_key, open_sealed, seal
from records.encryption.format import CHUNK_SIZE
from records.encryption.wrapping import key_id, unwrap_key, wrap_key
from records.storage.unixfs import root_of

MIB = 2**20
LARGE, DOCUMENT = 256 * MIB, 64 * MIB
ROUNDS, DOCUMENTS = 5, 300


def measure() -> list[Result]:
    """CIDs, envelopes, wraps; the bare primitive and ours in turns. Then memory."""
    return [_naming(), *_sealing(), _granting(), _streaming()]


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


def _granting() -> Result:
    """The cryptography of a grant: unwrap, wrap anew."""
    patient, hospital = (generate_private_key(65537, 3072) for _ in range(2))
    record = bytes(16)
    own, other = key_id(patient.public_key()), key_id(hospital.public_key())
    wrapped = wrap_key(
        new_data_key(),
        public_key=patient.public_key(),
        record_id=record,
        recipient_key_id=own,
    )
    started = time.perf_counter()
    for _ in range(DOCUMENTS):
        wrap_key(
            unwrap_key(
                wrapped, private_key=patient, record_id=record, recipient_key_id=own
            ),
            public_key=hospital.public_key(),
            record_id=record,
            recipient_key_id=other,
        )
    rate = DOCUMENTS / (time.perf_counter() - started)
    return Result(
        "documents granted", rate, "/s", 700, "on one core, without the database", "≥"
    )


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
