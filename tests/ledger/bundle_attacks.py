"""What somebody may do to a bundle, and what must be said of it."""

import base64
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ledger.encoding import Entry, encode_entry, log_id
from ledger.hashing import leaf_hash, leaf_hashes
from ledger.merkle import inclusion_path
from ledger.note import signature_line
from ledger.policy import Group, Party, k_of_n
from ledger.tlog_proof import TlogProof, format_proof
from ledger.verifier_key import VerifierKey
from tests.ledger.bundles import (
    CHILD,
    LOG,
    LOG_PARTY,
    NORTH,
    SEQS,
    SOUTH,
    TWO_OF_THREE,
    WITNESSES,
    bundle,
    entry_at,
    entry_file,
    flipped,
    grown,
    honest_log,
    members,
    opening,
    packed,
    parts,
    proof_file,
    whole,
    witness_key,
)
from tests.ledger.values import ORIGIN, flip, hash32, signer

INTACT, WRONG, UNREADABLE, UNWITNESSED = 0, 1, 2, 3  # as check.py exits
Make = Callable[[], bytes]


@dataclass(frozen=True)
class Attack:
    """How to make the bundle, and what must be said of it."""

    make: Make
    status: int = WRONG
    named: tuple[int, ...] = ()  # the entries that are wrong, all of them
    script: int | None = None  # where check.py says something else


# --- Ways to touch a bundle ----------------------------------------------------------


def tampered(**changes: bytes | None) -> Make:
    """Members replaced, or left out where None."""

    def make() -> bytes:
        files = {**parts(), **changes}
        return packed({name: data for name, data in files.items() if data is not None})

    return make


def swapped(first: str, second: str) -> Make:
    return tampered(**{first: parts()[second], second: parts()[first]})


def retold(change: Callable[[dict[str, Any]], object]) -> Make:
    """Another told.json, in its one written form."""

    def make() -> bytes:
        said = json.loads(parts()["told.json"])
        change(said)
        text = json.dumps(
            said, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return packed({**parts(), "told.json": text.encode()})

    return make


def listed(said: dict[str, Any], seq: int) -> dict[str, Any]:
    found: dict[str, Any] = said["entries"][SEQS.index(seq)]
    return found


def opened(**changes: Any) -> Make:
    """Entry 42, opened in another way."""
    return retold(lambda said: listed(said, 42)["opening"].update(changes))


def told_as(old: bytes, new: bytes) -> Make:
    return tampered(**{"told.json": parts()["told.json"].replace(old, new, 1)})


def other_path(change: Callable[[list[bytes]], object]) -> Make:
    """Entry 42 with another way to the root."""

    def make() -> bytes:
        path = list(inclusion_path(42, leaf_hashes(honest_log())))
        change(path)
        proof = TlogProof(42, tuple(path), parts()["checkpoint"].decode())
        return packed({**parts(), proof_file(42): format_proof(proof).encode()})

    return make


def other_note(line: int, bit: int) -> Make:
    """One bit of a signature changed, in the checkpoint and in every proof."""

    def make() -> bytes:
        note = parts()["checkpoint"]
        lines = note.decode().splitlines(keepends=True)
        name, _, stamp = lines[line].rstrip("\n").rpartition(" ")
        changed = base64.b64encode(flip(base64.b64decode(stamp), bit)).decode()
        lines[line] = f"{name} {changed}\n"
        new = "".join(lines).encode()
        return packed({file: data.replace(note, new) for file, data in parts().items()})

    return make


def timed(time: int) -> Make:
    """North, whose line is the first witness's, signs at a time that is none."""

    def make() -> bytes:
        note = parts()["checkpoint"].decode()
        line = note.splitlines(keepends=True)[5]
        text, key = note.partition("\n\n")[0] + "\n", witness_key("north")
        signed = WITNESSES["north"].sign(
            f"cosignature/v1\ntime {time}\n{text}".encode()
        )
        false = signature_line(key.name, key.key_id, time.to_bytes(8, "big") + signed)
        return packed(
            {
                file: data.replace(line.encode(), false.encode())
                for file, data in parts().items()
            }
        )

    return make


def taken_in(change: Callable[[Entry], bytes]) -> Make:
    """A log that took in such an entry 42, signed and witnessed like any other."""

    def make() -> bytes:
        before = honest_log()[:42]
        return bundle(grown([*before, change(entry_at(42, leaf_hash(before[-1])))]))

    return make


def over(start: int, new: bytes) -> Callable[[Entry], bytes]:
    """An entry's bytes with some written over; a negative start counts from the end."""

    def change(honest: Entry) -> bytes:
        data = bytearray(encode_entry(honest))
        at = start % len(data)
        data[at : at + len(new)] = new
        return bytes(data)

    return change


def moved(honest: Entry) -> bytes:
    """Signed by its author for another log."""
    elsewhere = replace(SOUTH, origin="other.example/log")
    return encode_entry(replace(honest, signature=elsewhere.sign(honest.statement)))


def under_older_checkpoint() -> bytes:
    """A true proof of entry 42, under a checkpoint that the log signed before."""
    older = members(bundle(honest_log()[:280], seqs=[42]))
    return packed({**parts(), proof_file(42): older[proof_file(42)]})


def asking(*names: str) -> Make:
    """North and one of the others must cosign; these do."""
    groups = {
        "others": Group(1, ("south", "east")),
        "both": Group(2, ("north", "others")),
    }
    policy = replace(TWO_OF_THREE, groups=groups, quorum="both")
    return lambda: bundle(names=names, policy=policy)


def namesakes(*names: str) -> Make:
    """Two witnesses whose keys share a name, and both must cosign; these do."""
    keys = [witness_key(name, "twin") for name in ("north", "south")]
    twins = tuple(Party(f"twin{number}", key) for number, key in enumerate(keys))
    policy = k_of_n((LOG_PARTY,), twins, 2)
    return lambda: bundle(names=names, key_name="twin", policy=policy)


# --- What is done ---------------------------------------------------------------------

NOTHING_WRONG: dict[str, Make] = {
    "as it should be": whole,
    "more witnesses than asked for": lambda: bundle(names=list(WITNESSES)),
    "one entry alone": lambda: bundle(seqs=[42]),
    "a log of one": lambda: bundle(honest_log()[:1], seqs=[0]),
    "an odd log": lambda: bundle(honest_log()[:257], seqs=[0, 255, 256]),
    "a quorum of groups": asking("north", "east"),
    "witnesses of one name": namesakes("north", "south"),
    "other words for people": retold(
        lambda said: listed(said, 42)["told"].update(who="Nobody")
    ),
    "an entry left closed": retold(lambda said: listed(said, 42).update(opening=None)),
}

NOT_ENOUGH: dict[str, Make] = {
    "no witness": lambda: bundle(names=[]),
    "one witness twice": lambda: bundle(names=["north", "north"]),
    "a quorum of groups that is not met": asking("south", "east"),
    "one of two namesakes, twice": namesakes("north", "north"),
    "a witness's key unknown": other_note(line=5, bit=5),
}

# Each makes entry 42 wrong, and nothing else.
ENTRY_WRONG: dict[str, Make] = {
    "changed": lambda: flipped(entry_file(42), 999),
    "missing": tampered(**{entry_file(42): None}),
    "without its proof": tampered(**{proof_file(42): None}),
    "empty": tampered(**{entry_file(42): b""}),
    "cut": tampered(**{entry_file(42): parts()[entry_file(42)][:-1]}),
    "with another's proof": tampered(**{proof_file(42): parts()[proof_file(43)]}),
    "replaced with its proof": tampered(
        **{
            entry_file(42): parts()[entry_file(43)],
            proof_file(42): parts()[proof_file(43)],
        }
    ),
    "under an older checkpoint": under_older_checkpoint,
    "wrong before any witness": lambda: packed(
        {**members(bundle(names=[])), entry_file(42): honest_log()[41]}
    ),
    "with a path cut": other_path(lambda path: path.pop()),
    "with a path too long": other_path(lambda path: path.append(hash32("more"))),
    "with a path turned": other_path(lambda path: path.reverse()),
    "without a path": other_path(lambda path: path.clear()),
    "with a short hash": other_path(lambda path: path.append(b"short")),
    "falsely signed": taken_in(over(-3, b"abc")),
    "moved from another log": taken_in(moved),
    "following another entry": taken_in(
        lambda honest: encode_entry(replace(honest, previous_hash=bytes(32)))
    ),
    "of another log": taken_in(over(4, log_id("other.example/log"))),
    "with another number": taken_in(over(20, (41).to_bytes(8, "big"))),
    "of another version": taken_in(over(0, b"AML2")),
    "after all time": taken_in(over(60, b"\x80")),
    "of an unknown kind": taken_in(over(90, b"\x03\xe7")),
    "with an extension": taken_in(over(-69, b"\x00\x01")),
    "signed in another way": taken_in(over(-67, b"\x02")),
    "with a signature's length": taken_in(over(-65, b"\x41")),
    "with another length": taken_in(over(68, b"\x00\xde")),
    "with another CID's length": taken_in(over(156, b"\x23")),
    "with a CID of version 0": taken_in(over(157, b"\x12")),
    "with a byte left over": taken_in(lambda honest: encode_entry(honest) + b"\x00"),
    "about another patient": opened(subject="00" * 16),
    "about nobody": opened(subject=""),
    "with another salt": opened(salt="00" * 32),
    "without a salt": opened(salt=None),
    "with the salt cut elsewhere": opened(
        salt=opening(42).salt.hex() + CHILD.hex()[:2], subject=CHILD.hex()[2:]
    ),
    "opened in capitals": opened(subject=CHILD.hex().upper()),
    "with other metadata": opened(metadata={**opening(42).metadata, "note": "e"}),
    "with less metadata": opened(metadata={}),
    "with another's metadata": opened(metadata=dict(opening(43).metadata)),
    "with metadata that are none": opened(metadata=None),
}

BY_SOUTH = (42, 43, 255, 256)
SOUTH_ID, NORTH_ID = SOUTH.signer.key_id.hex(), NORTH.signer.key_id.hex()
MORE_WRONG = {
    "two entries swapped": Attack(
        swapped(entry_file(41), entry_file(255)), named=(41, 255)
    ),
    "two proofs swapped": Attack(
        swapped(proof_file(41), proof_file(255)), named=(41, 255)
    ),
    "an author left out": Attack(
        retold(lambda said: said["authors"].pop(SOUTH_ID)), named=BY_SOUTH
    ),
    "an author's key replaced": Attack(
        retold(lambda said: said["authors"].update({SOUTH_ID: said["authors"][NORTH_ID]})),
        named=BY_SOUTH,
    ),
    "a first entry that follows one": Attack(
        lambda: bundle([encode_entry(entry_at(0, bytes(32)))], seqs=[0]), named=(0,)
    ),
    "an entry too many": Attack(
        tampered(**{entry_file(7): honest_log()[7], proof_file(7): b""})
    ),
    "an entry twice": Attack(
        tampered(**{"entries/42.entry": parts()[entry_file(42)]})
    ),
    "an entry not told of": Attack(
        retold(lambda said: said["entries"].remove(listed(said, 255)))
    ),
    "another ledger told of": Attack(
        retold(lambda said: said.update(origin="other.example/log"))
    ),
    "the log's signature false": Attack(other_note(line=4, bit=100)),
    "the log's key unknown": Attack(other_note(line=4, bit=5)),
    "a witness's time changed": Attack(other_note(line=5, bit=90)),
    "a witness without a time": Attack(timed(0)),
    "a witness after all time": Attack(timed(1 << 63)),
    "a witness's signature false": Attack(other_note(line=6, bit=400)),
    "a checkpoint without signatures": Attack(
        tampered(checkpoint=parts()["checkpoint"].partition(b"\n\n")[0])
    ),
    "a checkpoint that is no text": Attack(tampered(checkpoint=b"\xff\n")),
}  # fmt: skip

NO_BUNDLE: dict[str, Make] = {
    "an empty file": lambda: b"",
    "no zip": lambda: b"This is a letter, not a zip." * 100,
    "a zip cut in half": lambda: whole()[: len(whole()) // 2],
    "a zip cut at its end": lambda: whole()[:-1],
    "a zip of something else": lambda: packed({"a.txt": b"a"}),
    "no told.json": tampered(**{"told.json": None}),
    "no policy": tampered(policy=None),
    "no checkpoint": tampered(checkpoint=None),
    "nothing told of": retold(lambda said: said["entries"].clear()),
    "told in another form": told_as(b",", b", "),
    "told twice": told_as(b'"title"', b'"title":"","title"'),
}

# --- Policies -------------------------------------------------------------------------

POLICY = parts()["policy"].decode()
LOG_LINE = f"log {LOG_PARTY.key}\n"
KEYS = {name: str(witness_key(name)) for name in WITNESSES}
ID = LOG_PARTY.key.key_id.hex()
BAD_POLICIES = {
    "that is empty": "",
    "without a quorum": LOG_LINE,
    "with two quorums": f"{POLICY}quorum none\n",
    "with an unknown line": f"{POLICY}trust me\n",
    "with an unknown quorum": f"{LOG_LINE}quorum all\n",
    "with a word too many": f"log {LOG_PARTY.key} a b\nquorum none\n",
    "with a word too few": "log\nquorum none\n",
    "with carriage returns": POLICY.replace("\n", "\r\n"),
    "with a delete character": f"# \x7f\n{POLICY}",
    "with a log twice": f"{LOG_LINE}{POLICY}",
    "with a witness twice": f"witness w {KEYS['east']}\n{POLICY}",
    "with a witness's key for a log": f"log {KEYS['east']}\n{POLICY}",
    "with a log's key for a witness": f"witness w {LOG_PARTY.key}\n{POLICY}",
    "with a name twice": f"{POLICY}group north any enough\n",
    "with a group before its members": f"group g any north\n{POLICY}",
    "with a member of two groups": f"{POLICY}group g any north\n",
    "with a member twice": (
        f"{LOG_LINE}witness n {KEYS['north']}\ngroup g 2 n n\nquorum g\n"
    ),
    "with none as a member": f"{POLICY}group g any none\n",
    "with none as a name": f"{POLICY}group none any enough\n",
    "with a group of itself": f"{POLICY}group g any g\n",
    "with an empty group": f"{POLICY}group g 1\n",
    "with none needed": f"{POLICY}group g 0 enough\n",
    "with too many needed": f"{POLICY}group g 2 enough\n",
    "with a signed number": f"{POLICY}group g +1 enough\n",
    "with a foreign digit": f"{POLICY}group g ١ enough\n",
    "with another key's id": POLICY.replace(ID, "00000000"),
    "with an id in capitals": POLICY.replace(ID, ID.upper()),
    "with a key cut short": f"log x+d8a2e2b9+AQ==\n{POLICY}",
    "with a space in a key's name": POLICY.replace(ORIGIN, "por\u00a0tal", 1),
    "of another log": POLICY.replace(
        LOG_LINE, f"log {VerifierKey('x.example', LOG.public_key)}\n"
    ),
    "with another key of the log": POLICY.replace(
        LOG_LINE, f"log {VerifierKey(ORIGIN, signer(66).public_key)}\n"
    ),
}
GOOD_POLICIES = {
    "of no witness": f"{LOG_LINE}quorum none\n",
    "of one witness": f"{LOG_LINE}witness n {KEYS['north']}\nquorum n\n",
    "of any witness": (
        f"{LOG_LINE}witness n {KEYS['north']}\nwitness e {KEYS['east']}\n"
        "group g any n e\nquorum g\n"
    ),
    "of a member of a group": POLICY.replace("quorum enough", "quorum north"),
    "with a group to spare": f"{POLICY}group g all enough\n",
    "with addresses": POLICY.replace("\n", " https://a.example/\n", 2),
    "with comments, blanks and any octet": (
        "# \udcff\n\n \t# more\n" + POLICY.replace(" ", " \t ")
    ),
    "with a number from zero": POLICY.replace("enough 2", "enough 02"),
    "with a name that is no text": POLICY.replace("witness east", "witness \udcff").replace(
        "south east", "south \udcff"
    ),
}  # fmt: skip


def with_policy(text: str) -> Make:
    return tampered(policy=text.encode("utf-8", "surrogateescape"))


ATTACKS: dict[str, Attack] = {
    **{name: Attack(make, INTACT) for name, make in NOTHING_WRONG.items()},
    **{name: Attack(make, UNWITNESSED) for name, make in NOT_ENOUGH.items()},
    **{
        f"an entry {name}": Attack(make, named=(42,))
        for name, make in ENTRY_WRONG.items()
    },
    **MORE_WRONG,
    **{name: Attack(make, UNREADABLE) for name, make in NO_BUNDLE.items()},
    **{
        f"a policy {name}": Attack(with_policy(text))
        for name, text in BAD_POLICIES.items()
    },
    **{
        f"a policy {name}": Attack(with_policy(text), INTACT)
        for name, text in GOOD_POLICIES.items()
    },
    # The script unpacks and reads on; the page is stricter. Neither is fooled.
    "a zip packed anew": Attack(
        lambda: packed(parts(), zipfile.ZIP_DEFLATED), UNREADABLE, script=INTACT
    ),
    "metadata in fractions": Attack(
        told_as(b'"actor":142', b'"actor":142.0'), UNREADABLE, script=WRONG
    ),
    "an entry told of twice": Attack(
        retold(lambda said: said["entries"].append(listed(said, 299))),
        UNREADABLE,
        script=WRONG,
    ),
}
