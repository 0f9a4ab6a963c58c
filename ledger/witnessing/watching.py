"""Compares, for this site, what others have seen of each log it knows."""

from ledger.errors import LedgerError
from ledger.mirroring.remote_log import RemoteLog
from ledger.policy import Party, Policy
from ledger.served_log import SiteLog
from ledger.site import log_signer, origin, policy, witness_name
from ledger.tiles import ReadTiles
from ledger.verifier_key import VerifierKey
from ledger.witnessing.comparing import (
    Contradiction,
    View,
    contradictions,
    evidence_of,
    two_of_one_size,
    views_of,
)
from ledger.witnessing.evidence import keep
from ledger.witnessing.table_store import TableWitnessStore


def watch_logs() -> int:
    """Ask the witnesses what they have seen, and keep what contradicts itself.

    A log or a witness that does not answer is passed over until the next time.

    Returns:
        How many contradictions there are, those known before included.
    """
    known = policy()
    found = _in_own_log(known)
    for log in known.logs:
        if log.url and log.name != origin():
            found += _in_foreign_log(log, known)
    for each in found:
        keep(each.origin, each.first, each.second, told_by=each.told_by)
    return len(found)


def _in_own_log(known: Policy) -> list[Contradiction]:
    own, log = VerifierKey(origin(), log_signer().public_key), SiteLog()
    head = log.checkpoint()
    found = [c for witness in _reachable(known) for c in evidence_of(own, witness)]
    views = views_of(own.name, _reachable(known))
    if head is None:
        return found + two_of_one_size(own, views)
    return found + _contradictions(own, views, View("This site", head), log.read)


def _in_foreign_log(log: Party, known: Policy) -> list[Contradiction]:
    remote = RemoteLog(key=log.key, url=log.url)
    views = views_of(log.name, _reachable(known))
    if seen := TableWitnessStore(witness_name()).last(log.name):
        views.append(View(witness_name(), seen.note))
    found = [c for witness in _reachable(known) for c in evidence_of(log.key, witness)]
    try:
        head = View(log.name, remote.head()[1])
    except LedgerError:
        return found + two_of_one_size(log.key, views)
    return found + _contradictions(log.key, views, head, remote.read)


def _contradictions(
    key: VerifierKey, views: list[View], head: View, read: ReadTiles
) -> list[Contradiction]:
    try:
        return contradictions(key, views, head=head, read=read)
    except LedgerError:
        return two_of_one_size(key, views)


def _reachable(known: Policy) -> list[Party]:
    return [witness for witness in known.witnesses if witness.url]
