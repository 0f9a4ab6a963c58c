"""C2SP tlog-proof files: an entry's place in a checkpoint, to be checked offline.

    c2sp.org/tlog-proof@v1
    index <sequence number>
    <base64 of each sibling, lowest first>

    <the checkpoint, cosignatures included>

https://c2sp.org/tlog-proof
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.errors import ProofRejected
from ledger.hashing import HASH_BYTES
from ledger.proofs import MAX_SIZE

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63  # siblings in the largest tree

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True)
class TlogProof:
    """What a proof file holds; verify_inclusion says whether it is true."""

    index: int
    path: tuple[bytes, ...]  # 32 each, lowest sibling first
    checkpoint: str  # signed note


def format_proof(proof: TlogProof) -> str:
    """The proof as a file."""
    lines = [HEADER, f"index {proof.index}", *base64_lines(proof.path)]
    return "".join(f"{line}\n" for line in lines) + "\n" + proof.checkpoint


def parse_proof(text: str) -> TlogProof:
    """Read a proof file; extra data is passed over, for nothing authenticates it.

    Raises:
        ProofRejected: it is not written in the one way there is.
    """
    head, empty_line, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if header != HEADER or not empty_line or not lines:
        raise ProofRejected("This is no tlog-proof of version 1.")
    if lines[0].startswith("extra "):
        lines = lines[1:]
    index, *siblings = lines or [""]
    return TlogProof(
        number(index, prefix="index "), base64_hashes(siblings), checkpoint
    )


def base64_lines(hashes: Iterable[bytes]) -> list[str]:
    """One line of base64 for each hash."""
    return [base64.b64encode(value).decode() for value in hashes]


def base64_hashes(lines: list[str]) -> tuple[bytes, ...]:
    """The hashes on these lines.

    Raises:
        ProofRejected: too many, or one that is no hash in its one written form.
    """
    if len(lines) > MAX_PATH:
        raise ProofRejected(f"A proof has at most {MAX_PATH} hashes.")
    return tuple(_hash(line) for line in lines)


def number(line: str, *, prefix: str) -> int:
    """The number behind a word, in plain decimal, below 2⁶³.

    Raises:
        ProofRejected: another word, or no such number.
    """
    text = line.removeprefix(prefix)
    if not line.startswith(prefix) or not _NUMBER.fullmatch(text):
        raise ProofRejected(f"A line should read {prefix}and a plain number.")
    if int(text) > MAX_SIZE:
        raise ProofRejected(f"No log has {text} entries.")
    return int(text)


def _hash(line: str) -> bytes:
    try:
        value = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != HASH_BYTES or base64.b64encode(value).decode() != line:
        raise ProofRejected("A line of the proof is no hash in base64.")
    return value
