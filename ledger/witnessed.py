"""How far the log's witnesses have followed it, by this site's policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from django.db import connection

from ledger.cosignature import cosignatures, sound_lines
from ledger.errors import PolicyRejected
from ledger.models import Checkpoint
from ledger.note import split_note
from ledger.policy import Policy
from ledger.served_log import cosigned
from ledger.site import policy
from ledger.verifier_key import VerifierKey

# The last of each witness's lines: one look into the index for each.
FOLLOWED = """
    SELECT last.size, last.line, checkpoint.note
    FROM unnest(%s::text[], %s::bytea[]) WITH ORDINALITY AS known (witness, key_id, place)
    LEFT JOIN LATERAL (
      SELECT size, line FROM ledger.cosignature AS c
      WHERE c.witness = known.witness AND c.key_id = known.key_id
      ORDER BY size DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN ledger.checkpoint ON checkpoint.size = last.size
    ORDER BY place
"""
RECENT = """
    SELECT size, array_agg(witness), array_agg(key_id) FROM ledger.cosignature
    WHERE size <= %s GROUP BY size ORDER BY size DESC LIMIT 200
"""


@dataclass(frozen=True)
class Standing:
    """What the witnesses of a policy have seen of the log."""

    policy: Policy = field(default_factory=Policy)
    # The last size cosigned, by the witness's identity.
    followed: Mapping[tuple[str, bytes], int] = field(default_factory=dict)

    @property
    def of(self) -> int:
        """How many witnesses there are."""
        return len(self.policy.witnesses)

    def seen_by(self, seq: int) -> set[tuple[str, bytes]]:
        """Whoever has cosigned a tree that holds the entry."""
        return {known for known, size in self.followed.items() if size > seq}

    @property
    def met_at(self) -> int:
        """No checkpoint larger than this can have been cosigned by enough; 0 if none."""
        sizes = sorted(set(self.followed.values()), reverse=True)
        return next((s for s in sizes if self.policy.is_met(self.seen_by(s - 1))), 0)

    def is_witnessed(self, seq: int) -> bool:
        """Whether enough have."""
        wanted = self.policy.needed > 0
        return wanted and self.policy.is_met(self.seen_by(seq))


def standing() -> Standing:
    """What this site's witnesses have seen, in one query.

    A policy that cannot be read has no witnesses: the health page says why.
    """
    try:
        known = policy()
    except PolicyRejected:
        return Standing()
    keys = known.witness_keys
    if not keys:
        return Standing(known)
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWED, [[k.name for k in keys], [k.key_id for k in keys]])
        last = cursor.fetchall()
    followed = {
        key.identity: size
        for key, (size, line, note) in zip(keys, last, strict=True)
        if size and _holds(key, line, note)
    }
    return Standing(known, followed)


@lru_cache(maxsize=1024)
def _holds(key: VerifierKey, line: str, note: str) -> bool:
    """Whether the line is the witness's about this checkpoint, not only in the table."""
    text, _ = split_note(note)
    return bool(sound_lines(text, line, [key]))


def witnessed_checkpoint(stand: Standing) -> Checkpoint | None:
    """The latest checkpoint that alone meets the policy; None where none does."""
    known = stand.policy
    if not known.needed or not stand.met_at:
        return None
    with connection.cursor() as cursor:
        cursor.execute(RECENT, [stand.met_at])
        sizes = [
            size
            for size, names, ids in cursor.fetchall()
            if known.is_met(set(zip(names, map(bytes, ids), strict=True)))
        ]
    for size in sizes:
        found = Checkpoint.objects.get(size=size)
        # False lines are left out of it.
        said = cosignatures(cosigned(found), known.witness_keys)
        if known.is_met({each.identity for each in said}):
            return found
    return None
