"""Cosigns foreign logs by C2SP tlog-witness: once a log has shown that it only grew.

https://c2sp.org/tlog-witness
"""

import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

from ledger.answer import Answer, said
from ledger.checkpoint import Checkpoint, parse_and_verify
from ledger.cosignature import cosign
from ledger.errors import CheckpointRejected, NoteRejected, ProofRejected
from ledger.hashing import EMPTY_ROOT
from ledger.note import MAX_NOTE_BYTES, split_note
from ledger.proofs import verify_consistency
from ledger.signing import LogSigner
from ledger.tlog_proof import MAX_PATH, base64_hashes, number
from ledger.verifier_key import VerifierKey

MAX_BODY_BYTES = MAX_NOTE_BYTES + 46 * (MAX_PATH + 1)
MAX_EVIDENCE = 100  # pairs of one log that are kept: more say no more
SIZE_TYPE = "text/x.tlog.size"


class Seen(NamedTuple):
    """The last checkpoint of a log that a witness has cosigned."""

    size: int
    root: bytes  # 32
    note: str  # with the log's signature and the witness's cosignature


class WitnessStore(Protocol):
    """Remembers what a witness has cosigned; it never goes back."""

    def last(self, origin: str) -> Seen | None:
        """The last checkpoint cosigned for a log; None where there was none."""

    def advance(self, origin: str, *, old_size: int, seen: Seen) -> bool:
        """Compare and swap, in one atomic step; durable on return.

        Returns:
            False, with nothing changed, where the last size is not ``old_size`` (0
            for no checkpoint at all).
        """

    def keep_evidence(self, origin: str, first: Seen, second: Seen) -> None:
        """Keep two signed checkpoints that cannot both be true; safe to call twice."""


class Submission(NamedTuple):
    """What a log sends to be cosigned; nothing of it is verified."""

    old_size: int
    path: Sequence[bytes]
    origin: str
    note: str


class Witness:
    """One witness, known by a name and a key, of the logs that it was told of."""

    def __init__(
        self,
        *,
        name: str,
        signer: LogSigner,
        logs: Mapping[str, VerifierKey],
        store: WitnessStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._signer = signer
        self._logs = logs
        self._store = store
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a log that asks for a cosignature.

        200 with the signature line · 400 malformed · 403 not signed by the log · 404
        unknown log · 409 with the last size, where the log starts from another · 422
        not shown to continue what was cosigned.
        """
        try:
            asked = _parse(body)
            key = self._logs.get(asked.origin)
            if key is None:
                return said(404, f"This witness does not know {asked.origin}.")
            checkpoint = parse_and_verify(
                asked.note, origin=asked.origin, public_key=key.public_key
            )
        except (CheckpointRejected, ProofRejected, _Malformed) as error:
            return said(400, str(error))
        except NoteRejected as error:
            return said(403, str(error))
        return self._judge(asked, checkpoint, key)

    def latest(self, origin_hash: str) -> Answer:
        """The last checkpoint cosigned for a log, for those who watch it.

        Args:
            origin_hash: SHA-256 of the log's origin, lower-case hex.
        """
        for origin in self._logs:
            if sha256(origin.encode()).hexdigest() == origin_hash:
                seen = self._store.last(origin)
                if seen is not None:
                    return Answer(200, seen.note.encode())
        return said(404, "This witness has cosigned nothing of such a log.")

    def _judge(
        self, asked: Submission, checkpoint: Checkpoint, key: VerifierKey
    ) -> Answer:
        seen = self._store.last(asked.origin)
        self._look_for_a_fork(asked, checkpoint, seen)
        if asked.old_size > checkpoint.size:
            return said(400, "The old size is larger than the checkpoint's.")
        if asked.old_size != (seen.size if seen else 0):
            return self._conflict(asked.origin)
        try:
            _check_grown(asked, checkpoint, seen)
        except ProofRejected as error:
            return said(422, str(error))
        return self._cosign(asked, checkpoint, key)

    def _cosign(
        self, asked: Submission, checkpoint: Checkpoint, key: VerifierKey
    ) -> Answer:
        text, signatures = split_note(asked.note)
        line = cosign(
            text, name=self._name, signer=self._signer, time=int(self._clock())
        )
        own = next(s.line for s in signatures if (s.name, s.key_id) == key.identity)
        note = f"{text}\n{own}{line}"
        if len(note.encode()) > MAX_NOTE_BYTES:
            return said(400, "The checkpoint leaves no room for a cosignature.")
        seen = Seen(checkpoint.size, checkpoint.root, note)
        if not self._store.advance(asked.origin, old_size=asked.old_size, seen=seen):
            return self._conflict(asked.origin)
        return Answer(200, line.encode())

    def _conflict(self, origin: str) -> Answer:
        seen = self._store.last(origin)
        return Answer(409, f"{seen.size if seen else 0}\n".encode(), SIZE_TYPE)

    def _look_for_a_fork(
        self, asked: Submission, checkpoint: Checkpoint, seen: Seen | None
    ) -> None:
        """Two roots of one size under one key: the log has shown two histories."""
        if seen and seen.size == checkpoint.size and seen.root != checkpoint.root:
            other = Seen(checkpoint.size, checkpoint.root, asked.note)
            self._store.keep_evidence(asked.origin, seen, other)


class _Malformed(Exception):
    """A submission that cannot be read."""


def _parse(body: bytes) -> Submission:
    """Take a submission apart.

    Raises:
        _Malformed: it is not written as the specification has it.
        ProofRejected: a size or a hash in it is not.
    """
    if len(body) > MAX_BODY_BYTES:
        raise _Malformed(f"A submission has at most {MAX_BODY_BYTES} bytes.")
    try:
        head, empty_line, note = body.decode().partition("\n\n")
        text, _ = split_note(note)
    except (UnicodeDecodeError, NoteRejected) as error:
        raise _Malformed(f"This is no submission: {error}") from error
    first, *proof = head.split("\n")
    if not empty_line:
        raise _Malformed("A submission has an empty line before its checkpoint.")
    old_size = number(first, prefix="old ")
    return Submission(old_size, base64_hashes(proof), text.partition("\n")[0], note)


def _check_grown(asked: Submission, checkpoint: Checkpoint, seen: Seen | None) -> None:
    """Refuse a checkpoint that is not shown to continue the last one.

    Raises:
        ProofRejected: with what is wrong.
    """
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise ProofRejected("The root of size 0 is not that of an empty log.")
    if asked.old_size == 0:
        # Everything continues nothing, so there is nothing to show.
        if asked.path:
            raise ProofRejected("Growth from an empty log needs no path.")
        return
    verify_consistency(
        old_size=asked.old_size,
        new_size=checkpoint.size,
        old_root=seen.root if seen else EMPTY_ROOT,
        new_root=checkpoint.root,
        path=asked.path,
    )
