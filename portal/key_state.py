"""What keys there are, how old they are, whether the master key opens them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from portal.environment import text
from portal.errors import KeyUnavailable
from portal.keys import LOG_HOLDER, WITNESS_HOLDER, private_half
from portal.models import HolderKey, Institution, PrivateKey

SITE = {LOG_HOLDER: "This site's ledger", WITNESS_HOLDER: "This site as a witness"}


@dataclass(frozen=True)
class KeyState:
    """One key pair of a holder that is no patient."""

    holder: str
    purpose: str
    key_id: str  # 64 hexadecimal digits
    since: datetime
    until: datetime | None  # when it was retired
    is_destroyed: bool  # the private half, of which a retired key has no more need
    trouble: str  # why the private half does not open; empty where it does


def master_key_source() -> str:
    """Where the master key comes from, as the environment says."""
    if text("MASTER_KEY"):
        return "the variable MASTER_KEY"
    if path := text("MASTER_KEY_FILE"):
        return path
    return "var/keys/master"


def key_states() -> Iterator[KeyState]:
    """The keys of the site and of each institution, by holder; each is opened."""
    names = dict(Institution.objects.values_list("holder_id", "name")) | SITE
    rows = HolderKey.objects.filter(holder__in=names).order_by("purpose", "created_at")
    kept = {bytes(k) for k in PrivateKey.objects.values_list("key_id", flat=True)}
    for row in sorted(rows, key=lambda key: names[key.holder_id]):
        is_destroyed = bool(row.retired_at) and bytes(row.key_id) not in kept
        trouble = "" if is_destroyed else _trouble_with(bytes(row.key_id))
        yield KeyState(
            names[row.holder_id],
            row.purpose,
            bytes(row.key_id).hex(),
            row.created_at,
            row.retired_at,
            is_destroyed,
            trouble,
        )


def _trouble_with(key_id: bytes) -> str:
    try:
        private_half(key_id)
    except KeyUnavailable as error:
        return str(error)
    return ""


def patients_keys() -> tuple[int, int]:
    """How many keys of patients are live, how many are retired."""
    named = Institution.objects.values("holder")
    rows = HolderKey.objects.exclude(holder__in=[*SITE]).exclude(holder__in=named)
    live = rows.filter(retired_at=None).count()
    return live, rows.count() - live
