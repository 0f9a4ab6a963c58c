"""A witness that lives in a folder: its name, its keys, what it has seen and copied.

name         the key name under which it cosigns
key          its Ed25519 private key, 64 hex digits, for cosignatures alone
mirror-key   the same, for asking a log for its entries
seen/        the last checkpoint cosigned of each log
evidence/    notes that contradict each other
mirror/      a copy of each log that admits it
"""

import os
import stat
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import LedgerError
from ledger.mirroring.folder_mirror import FolderMirror
from ledger.mirroring.remote_log import Pass
from ledger.note import COSIGNATURE_TYPE, check_key_name
from ledger.policy import Policy
from ledger.signing import Ed25519Signer
from ledger.verifier_key import VerifierKey
from ledger.witnessing.folder_store import FolderWitnessStore
from ledger.witnessing.witness import Witness


class WitnessFolder:
    """Opens the folder of a witness, which is made on first use."""

    def __init__(self, folder: Path, *, name: str = "") -> None:
        """Open or make it.

        Args:
            folder: need not exist.
            name: of the witness, e.g. ``hospital.example/witness``; may be left out
                once the folder has one.

        Raises:
            NoteRejected: a name that no key can have.
            LedgerError: another name than the folder's, none, or a key that others
                on this machine can read.
        """
        self._folder = folder
        self.name = self._named(name)
        self.signer = _signer(folder / "key")
        self._mirror_signer = _signer(folder / "mirror-key")
        self.store = FolderWitnessStore(folder)

    @property
    def key(self) -> VerifierKey:
        """With which its cosignatures are checked."""
        return VerifierKey(self.name, self.signer.public_key, COSIGNATURE_TYPE)

    @property
    def mirror_key(self) -> VerifierKey:
        """With which a log that admits it checks its requests for entries."""
        return VerifierKey(self.admission.name, self._mirror_signer.public_key)

    @property
    def admission(self) -> Pass:
        """In whose name it asks for entries."""
        return Pass(f"{self.name}/mirror", self._mirror_signer)

    def witness(self, policy: Policy) -> Witness:
        """The witness of a policy's logs."""
        logs = {log.name: log.key for log in policy.logs}
        return Witness(name=self.name, signer=self.signer, logs=logs, store=self.store)

    def mirror(self, origin: str) -> FolderMirror:
        """Its copy of a log."""
        return FolderMirror(
            self._folder / "mirror" / sha256(origin.encode()).hexdigest()
        )

    def _named(self, name: str) -> str:
        path = self._folder / "name"
        known = path.read_text("utf-8").strip() if path.exists() else ""
        if known and name and known != name:
            raise LedgerError(f"The witness in {self._folder} is called {known}.")
        if not known and not name:
            raise LedgerError(f"There is no witness in {self._folder}; give it a name.")
        check_key_name(known or name)
        if not known:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(f"{name}\n", encoding="utf-8")
        return known or name


def _signer(path: Path) -> Ed25519Signer:
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw().hex())
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise LedgerError(
            f"Others on this machine can read {path}. Run: chmod 600 {path}"
        )
    try:
        seed = bytes.fromhex(path.read_text().strip())
        return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(seed))
    except ValueError as error:
        raise LedgerError(f"{path} is no key: 64 hexadecimal digits.") from error
