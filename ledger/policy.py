"""C2SP trust policies: which logs, which witnesses, how many of them.

    log <verifier key> [<url>]
    witness <name> <verifier key> [<url>]
    group <name> <k|any|all> <member>…
    quorum <name|none>

https://c2sp.org/tlog-policy
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ledger.errors import NoteRejected, PolicyRejected
from ledger.note import COSIGNATURE_TYPE, ED25519_TYPE
from ledger.verifier_key import VerifierKey, parse_verifier_key

NONE = "none"

_SMALL = re.compile(r"0*([0-9]{1,6})", re.ASCII)


@dataclass(frozen=True)
class Party:
    """A log or a witness: by which key it is known, where it answers."""

    name: str  # in this file; for a log, its origin
    key: VerifierKey
    url: str = ""  # a log's prefix, a witness's submission prefix; may be empty


@dataclass(frozen=True)
class Group:
    """Witnesses as soon as enough of its members do."""

    needed: int  # 1 <= needed <= len(members)
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Whom a reader believes; the quorum alone is required."""

    logs: tuple[Party, ...] = ()
    witnesses: tuple[Party, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    @property
    def witness_keys(self) -> list[VerifierKey]:
        """The keys whose cosignatures count."""
        return [witness.key for witness in self.witnesses]

    def log(self, origin: str) -> Party | None:
        """The log of this origin, if it is known."""
        return next((log for log in self.logs if log.name == origin), None)

    def is_met(self, cosigners: Collection[tuple[str, bytes]]) -> bool:
        """Whether these are enough.

        Args:
            cosigners: whose cosignatures were verified, each key by its identity: two
                witnesses may share a name.
        """
        named = {w.name for w in self.witnesses if w.key.identity in cosigners}
        return self.quorum == NONE or self._has(self.quorum, named)

    @property
    def needed(self) -> int:
        """The fewest witnesses that can meet the quorum; 0 where none is asked for."""
        return 0 if self.quorum == NONE else self._fewest(self.quorum)

    def _has(self, name: str, named: set[str]) -> bool:
        if (group := self.groups.get(name)) is None:
            return name in named
        met = sum(self._has(member, named) for member in group.members)
        return met >= group.needed

    def _fewest(self, name: str) -> int:
        if (group := self.groups.get(name)) is None:
            return 1
        each = sorted(self._fewest(member) for member in group.members)
        return sum(each[: group.needed])


def read_policy(path: Path) -> Policy:
    """Read a policy file, whose comments may be in any encoding.

    Raises:
        PolicyRejected: it cannot be read, or the first line that is wrong.
        FileNotFoundError: it is not there.
    """
    try:
        return parse_policy(path.read_bytes().decode(errors="surrogateescape"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PolicyRejected(
            f"The policy {path} cannot be read ({error.strerror})."
        ) from error


def parse_policy(text: str) -> Policy:
    """Read a policy file.

    Raises:
        PolicyRejected: the first line that is wrong, by its number.
    """
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            reader.take_line(line)
        except (NoteRejected, PolicyRejected) as error:
            raise PolicyRejected(f"Line {number} of the policy: {error}") from error
    return reader.finish()


def log_line(party: Party) -> str:
    """The line by which a policy names a log, without newline."""
    return f"log {party.key} {party.url}".rstrip(" ")


def witness_line(party: Party) -> str:
    """The line by which a policy names a witness, without newline."""
    return f"witness {party.name} {party.key} {party.url}".rstrip(" ")


def format_policy(policy: Policy) -> str:
    """The policy as a file; parse_policy reads it back equal."""
    lines = [*map(log_line, policy.logs), *map(witness_line, policy.witnesses)]
    lines += [
        f"group {name} {group.needed} {' '.join(group.members)}"
        for name, group in policy.groups.items()
    ]
    return "".join(f"{line}\n" for line in (*lines, f"quorum {policy.quorum}"))


def k_of_n(logs: tuple[Party, ...], witnesses: tuple[Party, ...], k: int) -> Policy:
    """The plain policy: any k of these witnesses."""
    members = tuple(witness.name for witness in witnesses)
    groups = {"enough": Group(k, members)} if k else {}
    return Policy(logs, witnesses, groups, "enough" if k else NONE)


class _Reader:
    """Takes a policy's lines in order, refusing what the specification refuses."""

    def __init__(self) -> None:
        self.logs: list[Party] = []
        self.witnesses: list[Party] = []
        self.groups: dict[str, Group] = {}
        self.quorum = ""
        self._free: set[str] = set()  # defined, in no group yet

    def take_line(self, line: str) -> None:
        """One line, without its newline; blanks are spaces and tabs alone."""
        if any((c < " " and c != "\t") or c == "\x7f" for c in line):
            raise PolicyRejected("there is a control character.")
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            return
        if not line.isascii() and any("\ud800" <= c <= "\udfff" for c in line):
            raise PolicyRejected("a line that is no comment is not UTF-8.")
        self._take(words)

    def _take(self, words: list[str]) -> None:
        keyword, *rest = words
        lengths = {"log": (1, 2), "witness": (2, 3), "quorum": (1, 1)}
        least, most = lengths.get(keyword, (3, len(rest)))
        if not least <= len(rest) <= most:
            raise PolicyRejected(f"{keyword} has another number of words.")
        match keyword:
            case "log":
                self._log(*rest)
            case "witness":
                self._witness(*rest)
            case "group":
                self._group(rest[0], rest[1], tuple(rest[2:]))
            case "quorum":
                self._quorum(rest[0])
            case _:
                raise PolicyRejected(f"{keyword} is no word of a policy.")

    def finish(self) -> Policy:
        """The policy read."""
        if not self.quorum:
            raise PolicyRejected("The policy has no quorum line.")
        return Policy(tuple(self.logs), tuple(self.witnesses), self.groups, self.quorum)

    def _log(self, key: str, url: str = "") -> None:
        found = parse_verifier_key(key, signature_type=ED25519_TYPE)
        self._check_new(found, self.logs)
        self.logs.append(Party(found.name, found, url))

    def _witness(self, name: str, key: str, url: str = "") -> None:
        found = parse_verifier_key(key, signature_type=COSIGNATURE_TYPE)
        self._check_new(found, self.witnesses)
        self._define(name)
        self.witnesses.append(Party(name, found, url))

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            self._check_defined(member)
            if member not in self._free:
                raise PolicyRejected(f"{member} is a member already.")
            self._free.remove(member)
        needed = {"any": "1", "all": str(len(members))}.get(threshold, threshold)
        if not (needed.isascii() and needed.isdecimal()):
            raise PolicyRejected(f"{threshold[:20]} is no number of members.")
        number = _SMALL.fullmatch(needed)
        if number is None or not 1 <= int(number[1]) <= len(members):
            raise PolicyRejected(f"{needed[:20]} of {len(members)} members cannot be.")
        self._define(name)
        self.groups[name] = Group(int(number[1]), members)

    def _quorum(self, name: str) -> None:
        if self.quorum:
            raise PolicyRejected("There is one quorum line already.")
        if name != NONE:
            self._check_defined(name)
        self.quorum = name

    def _define(self, name: str) -> None:
        if name == NONE or self._is_defined(name):
            raise PolicyRejected(f"The name {name} is taken.")
        self._free.add(name)

    def _check_defined(self, name: str) -> None:
        if not self._is_defined(name):
            raise PolicyRejected(f"{name} is not defined above.")

    def _is_defined(self, name: str) -> bool:
        return name in self.groups or any(name == w.name for w in self.witnesses)

    @staticmethod
    def _check_new(key: VerifierKey, parties: list[Party]) -> None:
        if any(party.key.raw == key.raw for party in parties):
            raise PolicyRejected(f"The key of {key.name} stands twice.")
