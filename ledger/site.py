"""What this site's settings say about its log."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import OperationalError, connection
from django.utils.module_loading import import_string

from ledger.certifying import Certifier
from ledger.errors import LedgerError, NoteRejected
from ledger.head_guard import HeadGuard
from ledger.note import COSIGNATURE_TYPE, ED25519_TYPE
from ledger.policy import Party, Policy, log_line, read_policy, witness_line
from ledger.signing import LogSigner
from ledger.verifier_key import VerifierKey, parse_verifier_key

# Django's own wishes for its connections, which a plain one does without.
_DJANGO_ONLY = {"context", "cursor_factory", "prepare_threshold"}


def origin() -> str:
    """The log's name, e.g. ``portal.example/ledger/2026``."""
    name: str = settings.LEDGER_ORIGIN
    return name


def log_signer() -> LogSigner:
    """Whoever signs this log's checkpoints.

    Raises:
        LedgerError: the key is not at hand; nothing can be signed or checked.
    """
    return _signer(settings.LEDGER_SIGNER, "log's")


def log_key() -> VerifierKey:
    """By which others know this log.

    Raises:
        LedgerError: the key is not at hand.
    """
    return VerifierKey(origin(), log_signer().public_key)


def _signer(name: str, whose: str) -> LogSigner:
    try:
        signer: LogSigner = import_string(name)()
    except OperationalError as error:
        raise LedgerError(
            "The database does not answer. It is up while the portal runs."
        ) from error
    except Exception as error:
        raise LedgerError(f"The {whose} signing key is not at hand: {error}") from error
    return signer


def witness_signer() -> LogSigner:
    """Whoever cosigns foreign logs in this site's name, with a key for nothing else.

    Raises:
        LedgerError: the key is not at hand.
    """
    return _signer(settings.LEDGER_WITNESS_SIGNER, "witness's")


def witness_name() -> str:
    """Under which this site cosigns foreign logs."""
    return f"{origin()}/witness"


def own_lines() -> str:
    """Who this site is, as the lines of a C2SP policy that others copy.

    Raises:
        LedgerError: a key is not at hand.
    """
    key = VerifierKey(witness_name(), witness_signer().public_key, COSIGNATURE_TYPE)
    url = f"{settings.PUBLIC_URL}/ledger"
    log, witness = (
        Party(origin(), log_key(), url),
        Party(key.name, key, f"{url}/witness"),
    )
    return f"{log_line(log)}\n{witness_line(witness)}\n"


def published() -> str:
    """All keys that a proof from here may rest on, for readers to compare.

    The lines of own_lines(), those of the witnesses that this site asks, and the
    SHA-256 of each institution's signing key.

    Raises:
        LedgerError: a key is not at hand, or the policy cannot be read.
    """
    signers: Mapping[bytes, str] = import_string(settings.LEDGER_INSTITUTIONS)()
    lines = [
        "# The witnesses that this site asks. Each publishes its key itself, under /keys.",
        *map(witness_line, policy().witnesses),
        "# Whose statements are signed by which key: its SHA-256.",
        *(f"# author {key_id.hex()} {name}" for key_id, name in signers.items()),
    ]
    return own_lines() + "".join(f"{line}\n" for line in lines)


def author_keys(key_ids: Iterable[bytes]) -> Mapping[bytes, Ed25519PublicKey]:
    """The public keys that sign statements here, by key id; unknown ids are left out."""
    found: Mapping[bytes, Ed25519PublicKey] = import_string(settings.LEDGER_AUTHORS)(
        key_ids
    )
    return found


def check_body(cid: bytes) -> bool:
    """Fetch what an entry names by its CID, hashing it again.

    Returns:
        False, with nothing fetched, where it is not kept here.

    Raises:
        BodyDamaged: it is not there, or not what the CID says.
    """
    return bool(import_string(settings.LEDGER_BODIES)(cid))


def policy() -> Policy:
    """Which logs this site witnesses, whom it asks, how many of them it wants.

    Without a file it knows nobody, and nothing is witnessed.

    Raises:
        PolicyRejected: the file cannot be read, with its first wrong line.
    """
    try:
        return read_policy(settings.LEDGER_POLICY)
    except FileNotFoundError:
        return Policy()


def mirror_keys() -> list[VerifierKey]:
    """Who may fetch this log's entries: the site itself, whom LEDGER_MIRRORS names.

    A line that cannot be read admits nobody; mirror_troubles() says so.
    """
    return [log_key(), *(key for key in map(_mirror, _mirror_lines()) if key)]


def mirror_troubles() -> list[str]:
    """The lines of LEDGER_MIRRORS that are no keys."""
    return [line for line in _mirror_lines() if _mirror(line) is None]


def _mirror_lines() -> list[str]:
    lines = _text_of(settings.LEDGER_MIRRORS).splitlines()
    stripped = [line.strip() for line in lines]
    return [line for line in stripped if line and not line.startswith("#")]


def _mirror(line: str) -> VerifierKey | None:
    try:
        return parse_verifier_key(line, signature_type=ED25519_TYPE)
    except NoteRejected:
        return None


def _text_of(path: Path) -> str:
    """A file's text; nothing where it is not there."""
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"


def head_guard() -> HeadGuard:
    """Where this site remembers its last signed head, outside the database."""
    return HeadGuard(settings.LEDGER_HEAD)


def connect(application_name: str) -> psycopg.Connection[Any]:
    """A connection of its own to the site's database, in autocommit.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    params = connection.get_connection_params() | {"application_name": application_name}
    wanted = {name: params[name] for name in params if name not in _DJANGO_ONLY}
    return psycopg.connect(**wanted, autocommit=True)


def site_certifier(connection: psycopg.Connection[Any]) -> Certifier:
    """A certifier of this site's log, with the key as it is now."""
    return Certifier(
        connection, origin=origin(), signer=log_signer(), guard=head_guard()
    )
