"""Compares, for this site, what others have seen of each log it knows."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from ledger.errors import LedgerError
from ledger.mirroring.remote_log import RemoteLog
from ledger.policy import Party
from ledger.served_log import SiteLog
from ledger.site import log_key, origin, policy, witness_name
from ledger.unshown import remember
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

PATIENCE_S = 40.0  # with all of them together, well below a task's time limit


@dataclass
class Watch:
    """One log under comparison, with what its witnesses have answered."""

    key: VerifierKey
    url: str  # empty for this site's own log, or for one without an address
    views: list[View] = field(default_factory=list)
    found: list[Contradiction] = field(default_factory=list)
    trouble: str = ""  # why it did not show its growth


def watch_logs() -> int:
    """Ask the witnesses what they have seen, and keep what contradicts itself.

    All are asked at once, and whoever takes too long is passed over until the next
    time.

    Returns:
        How many contradictions there are, those known before included.
    """
    known = policy()
    own = Watch(log_key(), "")
    foreign = [_foreign(log) for log in known.logs if log.name != origin()]
    witnesses = [witness for witness in known.witnesses if witness.url]
    pool = ThreadPoolExecutor(16)
    try:
        _wait(
            [
                pool.submit(_ask, w, party)
                for w in [own, *foreign]
                for party in witnesses
            ]
        )
        _compare_own(own)
        _keep(own)
        _wait([pool.submit(_compare, watch) for watch in foreign if watch.url])
        for watch in foreign:
            watch.found += two_of_one_size(watch.key, watch.views)
            _keep(watch)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    watches = [own, *foreign]
    remember({w.key.name: w.trouble for w in watches if w.trouble})
    return len({_pair(each) for watch in watches for each in watch.found})


def _foreign(log: Party) -> Watch:
    watch = Watch(log.key, log.url)
    if seen := TableWitnessStore(witness_name()).last(log.name):
        watch.views.append(View(witness_name(), seen.note))
    return watch


def _ask(watch: Watch, witness: Party) -> None:
    """What one witness has seen of a log, and what it has kept against it."""
    watch.views += views_of(watch.key.name, [witness])
    watch.found += evidence_of(watch.key, witness)


def _compare_own(own: Watch) -> None:
    """This site's log is in the database, which this thread alone may ask."""
    log = SiteLog()
    own.found += two_of_one_size(own.key, own.views)
    if head := log.checkpoint():
        _hold(own, View("This site", head), log)


def _compare(watch: Watch) -> None:
    remote = RemoteLog(key=watch.key, url=watch.url)
    watch.trouble = "it takes too long to answer."
    try:
        head = View(watch.key.name, remote.head()[1])
    except LedgerError as error:
        watch.trouble = str(error)
        return
    _hold(watch, head, remote)


def _hold(watch: Watch, head: View, log: SiteLog | RemoteLog) -> None:
    watch.trouble = ""
    for view in list(watch.views):
        try:
            watch.found += contradictions(watch.key, [view], head=head, read=log.read)
        except LedgerError as error:
            # The others may still say something.
            watch.trouble = str(error)


def _keep(watch: Watch) -> None:
    """Those of one size first: they prove themselves, to anyone."""
    for each in sorted(watch.found, key=lambda c: c.first.size != c.second.size):
        keep(each.origin, each.first, each.second, told_by=each.told_by)


def _pair(found: Contradiction) -> tuple[str, int]:
    return found.origin, min(found.first.size, found.second.size)


def _wait(asked: Sequence[Future[None]]) -> None:
    wait(asked, timeout=PATIENCE_S)
