"""C2SP verifier keys: a name, a kind of signature, a public key, as one line of text.

    <name>+<key id, 8 hex digits>+<base64(type ‖ public key 32)>

https://c2sp.org/signed-note, section "Verifier keys"
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import NoteRejected
from ledger.note import COSIGNATURE_TYPE, ED25519_TYPE, check_key_name, key_id

_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_ED25519_BYTES = 32


@dataclass(frozen=True)
class VerifierKey:
    """Whose signatures under notes are believed, of which kind."""

    name: str
    public_key: Ed25519PublicKey = field(hash=False)  # which cannot be hashed
    signature_type: int = ED25519_TYPE

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that stand before each of its signatures."""
        return key_id(self.name, self.public_key, self.signature_type)

    @property
    def identity(self) -> tuple[str, bytes]:
        """Name with key id: what a signature line shows, and what tells keys apart."""
        return self.name, self.key_id

    @property
    def label(self) -> str:
        """The same as text, for people and tables: ``name+id``."""
        return f"{self.name}+{self.key_id.hex()}"

    @property
    def raw(self) -> bytes:
        """The public key itself, 32 bytes (RFC 8032)."""
        return self.public_key.public_bytes_raw()

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.signature_type]) + self.raw).decode()
        return f"{self.label}+{encoded}"


def parse_verifier_key(text: str, *, signature_type: int) -> VerifierKey:
    """Read a verifier key that makes signatures of this kind.

    Args:
        text: one line, without newline.
        signature_type: ED25519_TYPE for a log, COSIGNATURE_TYPE for a witness.

    Raises:
        NoteRejected: malformed, of another kind, or its key id is not its own.
    """
    # The base64 may hold a plus itself; a name may not.
    name, _, rest = text.partition("+")
    identifier, plus, encoded = rest.partition("+")
    check_key_name(name)
    if not plus or not _KEY_ID.fullmatch(identifier):
        raise NoteRejected(f"The key of {name} does not read name+id+key.")
    material = _decoded(name, encoded)
    if material[0] != signature_type:
        raise NoteRejected(
            f"The key of {name} makes signatures of type {material[0]},"
            f" {KINDS[signature_type]} is asked for."
        )
    public_key = Ed25519PublicKey.from_public_bytes(material[1:])
    key = VerifierKey(name, public_key, signature_type)
    if str(key) != text:
        raise NoteRejected(
            f"The key of {name} does not have the id {identifier}, or is not in its one"
            " written form."
        )
    return key


KINDS = {ED25519_TYPE: "a log's (1)", COSIGNATURE_TYPE: "a witness's (4)"}


def _decoded(name: str, encoded: str) -> bytes:
    try:
        material = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise NoteRejected(f"The key of {name} is not base64.") from None
    if len(material) != 1 + _ED25519_BYTES:
        raise NoteRejected(f"The key of {name} is no Ed25519 key.")
    return material
