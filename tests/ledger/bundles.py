"""A log with a child's entries among those of others, and bundles out of it."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from ledger.bundle import BundledEntry, Opening, make_bundle
from ledger.checkpoint import Checkpoint, sign
from ledger.commitments import meta_commitment, subject_tag
from ledger.cosignature import cosign
from ledger.encoding import Entry, encode_entry, genesis_hash
from ledger.events import EVENTS, Event
from ledger.hashing import leaf_hash, leaf_hashes
from ledger.merkle import inclusion_path, root
from ledger.note import COSIGNATURE_TYPE
from ledger.policy import Party, Policy, k_of_n
from ledger.verifier_key import VerifierKey
from tests.ledger.values import ORIGIN, Author, flip, hash32, signer

SIZE = 300
MADE = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
SEEN = 1_790_000_400  # when the first witness cosigned
CHILD = bytes.fromhex("7b1f0e6c4f6d4c55a1d6f2a9c0de1234")
TITLE = "The history of Mia Lind"
NORTH, SOUTH = Author(tenant=7), Author(tenant=8, signer=signer(8))
PLACES = {7: "North Children's Hospital", 8: "South Hospital"}
LOG = signer(1)
WITNESSES = {"north": signer(21), "south": signer(22), "east": signer(23)}

# Neighbours, powers of two, both ends; with who says it, who did it, what about.
STORY = {
    0: (Event.PATIENT_REGISTERED, NORTH, "Nurse Ida Berg", ""),
    41: (Event.CONSENT_GRANTED, NORTH, "Maria Lind, mother", "South Hospital"),
    42: (Event.DOCUMENT_ADDED, SOUTH, "Dr Jonas Weber", "Ultrasound, left kidney"),
    43: (Event.GRADING_REQUESTED, SOUTH, "Dr Jonas Weber", "Ultrasound, left kidney"),
    255: (Event.GRADE_RECORDED, SOUTH, "The computer", "Ultrasound, left kidney"),
    256: (Event.GRADE_ACCEPTED, SOUTH, "Dr Jonas Weber", "SFU grade 2"),
    299: (Event.DOCUMENT_OPENED, NORTH, "Dr Amal Haddad", "Ultrasound, left kidney"),
}
SEQS = tuple(STORY)


def opening(seq: int) -> Opening:
    facts = {"actor": 100 + seq, "document": hash32(seq).hex()[:8], "note": "é"}
    return Opening(hash32(("salt", seq)), CHILD, facts)


def told(seq: int) -> dict[str, str]:
    event, author, who, about = STORY[seq]
    return {
        "what": EVENTS[event].sentence,
        "who": who,
        "where": PLACES[author.tenant],
        "when": f"{seq % 28 + 1} September 2026",
        "about": about,
    }


def entry_at(seq: int, previous: bytes) -> Entry:
    """The child's entry of this number, or somebody else's."""
    if seq not in STORY:
        return NORTH.entry(seq, previous)
    event, author, *_ = STORY[seq]
    opened = opening(seq)
    return author.entry(
        seq,
        previous,
        kind=event,
        subject_tag=subject_tag(opened.salt, opened.subject),
        meta_commit=meta_commitment(opened.salt, opened.metadata),
    )


def grown(log: Sequence[bytes], size: int = SIZE) -> list[bytes]:
    """The log with honest entries up to this size."""
    made = list(log)
    while len(made) < size:
        previous = leaf_hash(made[-1]) if made else genesis_hash(ORIGIN)
        made.append(encode_entry(entry_at(len(made), previous)))
    return made


@cache
def honest_log() -> tuple[bytes, ...]:
    return tuple(grown([]))


def witness_key(name: str, key_name: str = "") -> VerifierKey:
    public_key = WITNESSES[name].public_key
    return VerifierKey(
        key_name or f"{name}.example/witness", public_key, COSIGNATURE_TYPE
    )


def witness(name: str) -> Party:
    return Party(name, witness_key(name), f"https://{name}.example/")


LOG_PARTY = Party(ORIGIN, VerifierKey(ORIGIN, LOG.public_key), "https://log.example/")
TWO_OF_THREE = k_of_n((LOG_PARTY,), tuple(map(witness, WITNESSES)), 2)


def cosigned(note: str, names: Sequence[str], key_name: str = "") -> str:
    text = note.rpartition("\n\n")[0] + "\n"
    lines = [
        cosign(
            text,
            name=witness_key(name, key_name).name,
            signer=WITNESSES[name],
            time=SEEN + number,
        )
        for number, name in enumerate(names)
    ]
    return note + "".join(lines)


def bundle(
    log: Sequence[bytes] | None = None,
    *,
    names: Sequence[str] = ("north", "south"),
    key_name: str = "",
    policy: Policy = TWO_OF_THREE,
    seqs: Sequence[int] = SEQS,
) -> bytes:
    """The child's bundle, or one out of another log, wrong though it may be.

    Args:
        log: its entries; the honest one's without them.
        names: of the witnesses who cosign.
        key_name: under which all of them do, instead of a name for each.
    """
    log = honest_log() if log is None else log
    hashes = leaf_hashes(log)
    note = sign(Checkpoint(ORIGIN, len(log), root(hashes)), LOG)
    return make_bundle(
        entries=[
            BundledEntry(
                seq, log[seq], inclusion_path(seq, hashes), opening(seq), told(seq)
            )
            for seq in seqs
        ],
        checkpoint=cosigned(note, names, key_name),
        policy=policy,
        authors={who.signer.key_id: who.signer.public_key for who in (NORTH, SOUTH)},
        title=TITLE,
        made_at=MADE,
    )


@cache
def whole() -> bytes:
    """The bundle as it should be."""
    return bundle()


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@cache
def parts() -> Mapping[str, bytes]:
    """The members of the bundle as it should be."""
    return members(whole())


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return written.getvalue()


def entry_file(seq: int) -> str:
    return f"entries/{seq:012d}.entry"


def proof_file(seq: int) -> str:
    return f"entries/{seq:012d}.tlog-proof"


def flipped(name: str, bit: int) -> bytes:
    """The bundle with one bit of one member changed."""
    return packed({**parts(), name: flip(parts()[name], bit)})


EVIDENCE = [name for name in parts() if "/" in name or name in ("checkpoint", "policy")]


def is_threshold(name: str, bit: int) -> bool:
    """The one digit of the policy: how many to trust is for the reader to say."""
    around = parts()[name][bit // 8 - 1 : bit // 8 + 2]
    return name == "policy" and around == b" 2 "
