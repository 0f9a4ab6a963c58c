"""The keyring: makes, seals and opens the key pairs of every holder."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from django.db import connection
from django.utils import timezone

from ledger.signing import Ed25519Signer
from portal.errors import KeyUnavailable
from portal.master_keys import held_keys
from portal.models import HolderKey, KeyHolder, PrivateKey
from portal.row_security import Party, party
from portal.sealed_fields import seal, unseal

RSA_BITS = 3072
LOG_HOLDER = UUID(int=1)
"""The holder that signs this site's ledger checkpoints."""
WITNESS_HOLDER = UUID(int=2)
"""The holder that cosigns other sites' checkpoints; its key signs nothing else."""

SIGNING, SEALING = HolderKey.Purpose.SIGNING, HolderKey.Purpose.SEALING


@dataclass(frozen=True)
class SealingKey:
    """The public half for which data keys are wrapped."""

    key_id: bytes
    public_key: RSAPublicKey


@dataclass(frozen=True)
class Renewal:
    """A holder's new keys, and who vouches for them."""

    signing: bytes  # key ids, 32 bytes each
    sealing: bytes
    author: Ed25519Signer

    @property
    def commitment(self) -> bytes:
        """What the ledger's statement says of both: 32 bytes, where a data key's stands.

        SHA-256 of "AML1-keys" ‖ id of the signing key ‖ id of the sealing key.
        """
        return hashlib.sha256(b"AML1-keys" + self.signing + self.sealing).digest()


def create_holder(*, holder_id: UUID | None = None) -> KeyHolder:
    """A new holder with a signing and a sealing key."""
    holder = KeyHolder.objects.create(**({"id": holder_id} if holder_id else {}))
    _store(holder, SIGNING, Ed25519PrivateKey.generate())
    _store(holder, SEALING, generate_private_key(65537, RSA_BITS))
    return holder


def renew(holder_id: UUID) -> Renewal:
    """Give a holder new keys, in the caller's transaction.

    The keys before are retired. Of the signing key the private half is destroyed; the
    sealing key still opens what is wrapped for it. Waits for the transactions that
    asked for it (`sealing_key`), so that afterwards nothing more is wrapped for it.

    Returns:
        the new keys; the key before vouches for them, if it could still be opened.
    """
    signing = Ed25519PrivateKey.generate()
    sealing = generate_private_key(65537, RSA_BITS)
    _lock("pg_advisory_xact_lock", holder_id)
    try:
        author = signer(holder_id)
    except KeyUnavailable:
        author = Ed25519Signer(signing)
    live = HolderKey.objects.filter(holder_id=holder_id, retired_at=None)
    PrivateKey.objects.filter(key__in=live.filter(purpose=SIGNING)).delete()
    live.update(retired_at=timezone.now())
    holder = KeyHolder.objects.get(pk=holder_id)
    return Renewal(
        _store(holder, SIGNING, signing), _store(holder, SEALING, sealing), author
    )


def signer(holder_id: UUID) -> Ed25519Signer:
    """Signs in the holder's name.

    Raises:
        KeyUnavailable: the holder has no live key, or the master key differs.
    """
    private_key = _opened(bytes(_live(holder_id, SIGNING).key_id), party())
    if not isinstance(private_key, Ed25519PrivateKey):
        raise KeyUnavailable("A signing key is not of the kind it should be.")
    return Ed25519Signer(private_key)


def sealing_key(holder_id: UUID) -> SealingKey:
    """The key for which something is wrapped so that this holder can open it.

    In a transaction it stays the holder's key until the transaction ends.

    Raises:
        KeyUnavailable: the holder has no live key.
    """
    if connection.in_atomic_block:
        _lock("pg_advisory_xact_lock_shared", holder_id)
    row = _live(holder_id, SEALING)
    public_key = load_der_public_key(bytes(row.public_key))
    if not isinstance(public_key, RSAPublicKey):
        raise KeyUnavailable("A sealing key is not of the kind it should be.")
    return SealingKey(bytes(row.key_id), public_key)


def opening_key(key_id: bytes) -> RSAPrivateKey:
    """The private half with which a wrap made for this key id opens.

    Raises:
        KeyUnavailable: the key is gone, or the master key differs.
    """
    private_key = _opened(key_id, party())
    if not isinstance(private_key, RSAPrivateKey):
        raise KeyUnavailable("A sealing key is not of the kind it should be.")
    return private_key


def live_since(holder_id: UUID) -> datetime:
    """Since when the holder's sealing key is the one for which is wrapped.

    Raises:
        KeyUnavailable: the holder has no live key.
    """
    return _live(holder_id, SEALING).created_at


def author_keys(key_ids: Iterable[bytes]) -> dict[bytes, Ed25519PublicKey]:
    """The public keys by which statements on the ledger are signed, by key id.

    Retired keys are among them: what they have signed stays signed. Ids of no signing
    key are left out.
    """
    rows = HolderKey.objects.filter(key_id__in=list(key_ids), purpose=SIGNING)
    found = {
        bytes(key_id): load_der_public_key(bytes(der))
        for key_id, der in rows.values_list("key_id", "public_key")
    }
    return {k: key for k, key in found.items() if isinstance(key, Ed25519PublicKey)}


def institution_keys() -> dict[bytes, str]:
    """The ids of all signing keys that institutions have had, with their names.

    A patient's key is nobody's business and is left out.
    """
    rows = HolderKey.objects.filter(purpose=SIGNING, holder__institution__isnull=False)
    named = rows.order_by("holder__institution__name", "created_at")
    found = named.values_list("key_id", "holder__institution__name")
    return {bytes(key_id): name for key_id, name in found}


def log_signer() -> Ed25519Signer:
    """Signs the checkpoints of this site's ledger."""
    return signer(LOG_HOLDER)


def witness_signer() -> Ed25519Signer:
    """Cosigns the checkpoints of other sites' ledgers."""
    return signer(WITNESS_HOLDER)


def _store(
    holder: KeyHolder,
    purpose: HolderKey.Purpose,
    key: Ed25519PrivateKey | RSAPrivateKey,
) -> bytes:
    public = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key_id = hashlib.sha256(public).digest()
    HolderKey.objects.create(
        key_id=key_id,
        holder=holder,
        purpose=purpose,
        public_key=public,
    )
    PrivateKey.objects.create(
        key_id=key_id, sealed=seal(private, purpose=_label(key_id))
    )
    return key_id


def _lock(function: str, holder_id: UUID) -> None:
    """Between those who use a holder's keys and whoever renews them."""
    number = int.from_bytes(holder_id.bytes[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [number])


def _live(holder_id: UUID, purpose: HolderKey.Purpose) -> HolderKey:
    row = HolderKey.objects.filter(
        holder_id=holder_id, purpose=purpose, retired_at=None
    ).first()
    if row is None:
        raise KeyUnavailable("The keys of this holder are gone.")
    return row


def private_half(key_id: bytes) -> object:
    """The private half, read anew and opened with the master key.

    A worker without the master key has it in its own file, or not at all.

    Raises:
        KeyUnavailable: it is gone, or not for whoever asks; the master key differs, or
            the row was changed; this worker does not hold it.
    """
    if (held := held_keys()) is not None:
        return _held(held, key_id)
    row = PrivateKey.objects.filter(key_id=key_id).first()
    if row is None:
        raise KeyUnavailable("The key that would open this is gone.")
    # The seal, bound to the key's id, proves that this is the key we made: to look for
    # its primes again would cost 0.1 s each time.
    return load_der_private_key(
        unseal(bytes(row.sealed), purpose=_label(key_id)),
        password=None,
        unsafe_skip_rsa_key_validation=True,
    )


def private_keys_of(holder_id: UUID) -> dict[bytes, bytes]:
    """Every private half that a holder still has, PKCS#8 DER by key id, in the clear.

    Raises:
        KeyUnavailable: the master key differs.
    """
    rows = PrivateKey.objects.filter(key__holder_id=holder_id)
    return {
        bytes(row.key_id): unseal(bytes(row.sealed), purpose=_label(bytes(row.key_id)))
        for row in rows
    }


def sealed_anew(private: PrivateKey) -> bytes:
    """The private half as it lies there, sealed under the master key of today.

    Raises:
        KeyUnavailable: it was sealed with a master key that is not known here.
    """
    label = _label(bytes(private.key_id))
    return seal(unseal(bytes(private.sealed), purpose=label), purpose=label)


# Opening a private key costs milliseconds, so a process keeps the last ones open: each
# for whom the database gave it to, and for nobody else.
@lru_cache(maxsize=256)
def _opened(key_id: bytes, _who: Party) -> object:
    return private_half(key_id)


def _held(held: dict[bytes, bytes], key_id: bytes) -> object:
    if key_id not in held:
        raise KeyUnavailable(
            "This worker holds the diagnosis service's keys alone, and the key that is"
            " needed is not among them. If they were changed, it needs the new ones."
        )
    try:
        return load_der_private_key(held[key_id], password=None)
    except ValueError as error:
        raise KeyUnavailable("A key in SERVICE_KEYS_FILE is none.") from error


def _label(key_id: bytes) -> str:
    return f"private key {key_id.hex()}"
