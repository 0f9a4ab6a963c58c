"""Asks one witness for its cosignature (C2SP tlog-witness)."""

import re
from collections.abc import Callable
from hashlib import sha256

from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosignature, cosignatures_in
from ledger.errors import NoteRejected, PartyUnreachable, WitnessRefused
from ledger.fetching import Party, Reply
from ledger.merkle import Path
from ledger.note import MAX_NOTE_BYTES, split_note
from ledger.tlog_proof import base64_lines
from ledger.verifier_key import VerifierKey
from ledger.witnessing.witness import SIZE_TYPE

# The path from an older size to the checkpoint's.
Consistency = Callable[[int], Path]

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class WitnessClient:
    """One witness of this log, as far as this process has got with it."""

    def __init__(self, *, key: VerifierKey, url: str, cosigned: int = 0) -> None:
        self.key = key
        self.cosigned = cosigned  # the last size of which its cosignature is kept
        self._party = Party(url)

    def cosign(
        self, checkpoint: Checkpoint, note: str, consistency: Consistency
    ) -> Cosignature:
        """Have a checkpoint cosigned.

        Args:
            checkpoint: what the note says.
            note: signed by the log.
            consistency: proves growth from the size that the witness names.

        Raises:
            PartyUnreachable: it does not answer.
            WitnessRefused: it does not cosign this, or what it answers is false.
        """
        reply = self._ask(checkpoint, note, consistency, self.cosigned)
        if reply.status == 409:
            known = self._size_in(reply)
            if known > checkpoint.size:
                raise WitnessRefused(
                    f"{self.key.name} has cosigned {known} entries already, more than"
                    f" the {checkpoint.size} of this log."
                )
            reply = self._ask(checkpoint, note, consistency, known)
        if reply.status != 200:
            raise WitnessRefused(
                f"{self.key.name} refuses ({reply.status}): {reply.sentence}"
            )
        return self._checked(reply, note)

    def latest(self, origin: str) -> str | None:
        """The note that it cosigned last for a log; nothing of it is verified.

        Raises:
            PartyUnreachable: it does not answer, or answers nonsense.
        """
        path = f"{sha256(origin.encode()).hexdigest()}/checkpoint"
        reply = self._party.get(path, most=MAX_NOTE_BYTES)
        if reply.status == 404:
            return None
        try:
            note = reply.body.decode()
        except UnicodeDecodeError:
            note = ""
        if reply.status != 200 or not note:
            raise PartyUnreachable(f"{self._party.prefix} answers {reply.status}.")
        return note

    def _ask(
        self, checkpoint: Checkpoint, note: str, consistency: Consistency, old: int
    ) -> Reply:
        path = consistency(old) if 0 < old <= checkpoint.size else ()
        lines = [f"old {old}", *base64_lines(path)]
        body = "".join(f"{line}\n" for line in lines) + "\n" + note
        return self._party.post("add-checkpoint", body.encode(), most=MAX_NOTE_BYTES)

    def _size_in(self, reply: Reply) -> int:
        found = _SIZE.fullmatch(reply.body)
        if found is None or not reply.content_type.startswith(SIZE_TYPE):
            raise WitnessRefused(f"{self.key.name} does not say where it stands.")
        return int(found[1])

    def _checked(self, reply: Reply, note: str) -> Cosignature:
        text, _ = split_note(note)
        try:
            found = cosignatures_in(reply.body.decode(), text, [self.key])
        except (NoteRejected, UnicodeDecodeError) as error:
            raise WitnessRefused(f"{self.key.name} answers falsely: {error}") from error
        if not found:
            raise WitnessRefused(f"{self.key.name} answers without a cosignature.")
        return found[0]
