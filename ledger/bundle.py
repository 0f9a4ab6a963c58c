"""Packs a proof bundle: a zip that shows, far from here, what the ledger says.

    README.txt                     what this is, three ways to check it, the formats
    check.html  check.py           the two checkers; the page holds all other members
    policy  checkpoint             C2SP tlog-policy, cosigned tlog-checkpoint
    told.json                      what the commitments open to, and what the portal
                                   tells, which nothing proves
    entries/<seq>.entry            the bytes that were hashed
    entries/<seq>.tlog-proof       C2SP tlog-proof under that checkpoint

Every member is stored, not compressed, so that a page can read it; the same content
gives the same bytes.
"""

import base64
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import resources

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.events import EVENTS
from ledger.policy import Policy, format_policy
from ledger.tlog_proof import TlogProof, format_proof

MAX_SEQ = 2**53 - 1  # a browser reads told.json's numbers exactly up to here
PLACE = '<script type="application/json" id="bundle">null</script>'  # in check.html

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of a zip's calendar: a bundle has one form
_FILE_MODE = 0o644 << 16


@dataclass(frozen=True)
class Opening:
    """What an entry's two commitments open to; whoever has it knows whom it is about."""

    salt: bytes  # 32
    subject: bytes  # the patient's opaque id
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class BundledEntry:
    """An entry with its proof, and what the portal says it is."""

    seq: int  # 0 <= seq <= MAX_SEQ
    entry: bytes  # from encode_entry()
    path: tuple[bytes, ...]  # 32 each, lowest sibling first
    opening: Opening | None = None
    told: Mapping[str, str] = field(default_factory=dict)  # what who where when about


def make_bundle(
    *,
    entries: Sequence[BundledEntry],
    checkpoint: str,
    policy: Policy,
    authors: Mapping[bytes, Ed25519PublicKey],
    title: str,
    made_at: datetime,
) -> bytes:
    """Pack entries with everything that a stranger needs to check them.

    Nothing is verified here: evidence of a damaged ledger is packed as it is, and
    the checkers say what is wrong with it.

    Args:
        entries: at least one, each number once, in any order.
        checkpoint: the cosigned note that every path leads to.
        policy: whom the reader is asked to trust; of its logs, those that bear the
            checkpoint's name are packed, and no addresses.
        authors: by key id, 32 bytes, the key of everyone who signed an entry; keys
            that none of the entries names are left out.
        title: for people, as told as the rest.
        made_at: aware.

    Returns:
        A zip, the same for the same arguments.

    Raises:
        ValueError: no entries, a number twice or above MAX_SEQ, a time without its
            zone, or a policy without the log.
    """
    _check_numbers([entry.seq for entry in entries])
    if made_at.tzinfo is None:
        raise ValueError("A bundle is made at a time with its zone.")
    ordered = sorted(entries, key=lambda entry: entry.seq)
    origin = checkpoint.partition("\n")[0]
    told = {
        "title": title,
        "made_at": made_at.astimezone(UTC).isoformat(timespec="seconds"),
        "origin": origin,
        "authors": {
            key_id.hex(): _der(key)
            for key_id, key in authors.items()
            if any(key_id in entry.entry for entry in entries)
        },
        "entries": [_told(entry) for entry in ordered],
    }
    members = {
        "README.txt": _readme().encode(),
        "check.py": _offline("check.py").encode(),
        "policy": format_policy(_without_addresses(policy, origin)).encode(),
        "checkpoint": checkpoint.encode(),
        "told.json": _json(told).encode(),
    }
    for entry in ordered:
        proof = TlogProof(entry.seq, entry.path, checkpoint)
        members[f"entries/{entry.seq:012d}.entry"] = entry.entry
        members[f"entries/{entry.seq:012d}.tlog-proof"] = format_proof(proof).encode()
    return _zip({**members, "check.html": page(members).encode()})


def page(members: Mapping[str, bytes] | None = None) -> str:
    """The page that checks a bundle in the reader's browser, without network.

    Args:
        members: of a bundle, by name, to be checked as soon as the page opens;
            without them it asks for a zip.
    """
    template = _offline("check.html")
    if members is None:
        return template
    encoded = {name: _base64(data) for name, data in members.items()}
    # No "<": nothing that is told can end the element it is embedded in.
    embedded = _json(encoded).replace("<", "\\u003c")
    return template.replace(PLACE, PLACE.replace("null", embedded))


def check_script() -> str:
    """The program that checks a bundle, for whoever would rather read 150 lines."""
    return _offline("check.py")


def _check_numbers(numbers: list[int]) -> None:
    if not numbers:
        raise ValueError("A bundle holds at least one entry.")
    if len(set(numbers)) != len(numbers):
        raise ValueError("A bundle holds an entry once.")
    if not all(0 <= number <= MAX_SEQ for number in numbers):
        raise ValueError(f"The numbers of a bundle lie between 0 and {MAX_SEQ}.")


def _without_addresses(policy: Policy, origin: str) -> Policy:
    logs = [log for log in policy.logs if log.name == origin]
    if not logs:
        raise ValueError(f"The policy knows no log named {origin}.")
    return replace(
        policy,
        logs=tuple(replace(log, url="") for log in logs),
        witnesses=tuple(replace(witness, url="") for witness in policy.witnesses),
    )


def _told(entry: BundledEntry) -> dict[str, object]:
    opening = entry.opening and {
        "salt": entry.opening.salt.hex(),
        "subject": entry.opening.subject.hex(),
        "metadata": dict(entry.opening.metadata),
    }
    return {"seq": entry.seq, "opening": opening, "told": dict(entry.told)}


def _der(key: Ed25519PublicKey) -> str:
    return _base64(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(value: object) -> str:
    """JSON in the one form that the checkers accept, so that no bit of it is idle."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _zip(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _FIRST_DAY)
            info.create_system, info.external_attr = 3, _FILE_MODE  # on every platform
            archive.writestr(info, members[name])
    return packed.getvalue()


def _offline(name: str) -> str:
    return resources.files("ledger.offline").joinpath(name).read_text("utf-8")


def _readme() -> str:
    kinds = (f"    {event:>3}  {EVENTS[event].sentence}" for event in EVENTS)
    return README.replace("{kinds}", "\n".join(kinds))


README = """\
PROOF BUNDLE

These files show that entries stand in a hospital ledger, and what they say. You need
to trust neither the hospital nor the portal that gave them to you. You need to trust
the keys in the file "policy": compare them with the keys that the hospitals publish
(a portal under /ledger/keys, a hospital's witness under /keys).
The same holds for the keys of the authors, whose SHA-256 the checkers print.

Three ways to check

1. Open check.html in a browser. It needs no network and sends nothing anywhere. It
   came with the bundle, so whoever could change the entries could change the page as
   well: if that worries you, take the page from a hospital that you trust, and choose
   this zip in it.
2. With Python 3.11 and its package "cryptography":
       python check.py bundle.zip            or the folder it was unpacked to
       python check.py bundle.zip policy     with a policy of your own
   It is 150 lines long and meant to be read. It stops at the first thing that is
   wrong. Its exit status is 0 for intact, 1 for wrong, 2 for unreadable, and 3 for
   signed by the ledger but not yet witnessed by as many as the policy asks for.
3. With any tool that reads the C2SP formats (https://c2sp.org): entries/N.tlog-proof
   is a tlog-proof for the record entries/N.entry, whose leaf hash is
   SHA-256(0x00 || file); policy is a tlog-policy.

What it shows, and what it does not

- Each entry was in the ledger, with these bytes under this number, when the ledger
  signed the checkpoint and the witnesses cosigned it.
- Each entry was signed by the author whose key it names.
- Where an entry is opened, it is about the patient and has the metadata that
  told.json says.
- It does NOT show that these are all entries about the patient.
- It does NOT show what told.json holds under "told" and "title": those are the
  portal's words for people.

Keep it as you keep a medical letter: told.json says whom the entries are about.

Formats

    policy              https://c2sp.org/tlog-policy
    checkpoint          https://c2sp.org/tlog-checkpoint, cosigned as in
                        https://c2sp.org/tlog-cosignature (Ed25519, type 4)
    entries/N.tlog-proof  https://c2sp.org/tlog-proof
    entries/N.entry     big-endian, no byte left over:

        "AML1" || log id 16 || number 8 || hash of the entry before 32
        || milliseconds since 1970 8 || length 2 || statement || 1 || length 2 = 64
        || Ed25519 signature 64

      statement = id 16 || tenant 4 || kind 2 || author 32 || subject 32
        || length 1 || CID || wraps 32 || key commitment 32 || metadata 32 || 0 0

      log id = first 16 bytes of SHA-256(origin); entry 0 names SHA-256(origin) as
      the hash before it. author = SHA-256 of the key as SubjectPublicKeyInfo in DER.
      The signature is over "AML1-statement" || 0x0A || log id || statement.
      subject = SHA-256("AML1-subject" || salt || patient's id)
      metadata = SHA-256("AML1-meta" || salt || JSON with sorted keys, no spaces)

    told.json           JSON with sorted keys and no spaces: title, made_at, origin,
                        authors (key id in hex: base64 of the DER), entries (seq,
                        opening with salt and subject in hex and metadata, told)

Kinds

{kinds}
"""
