"""What a witness of its own does beside answering: copy logs, compare views."""

from collections.abc import Callable, Iterable
from threading import Event, Thread

from ledger.errors import LedgerError
from ledger.mirroring.remote_log import RemoteLog
from ledger.policy import Party, Policy
from ledger.witnessing.comparing import (
    Contradiction,
    View,
    contradictions,
    two_of_one_size,
    views_of,
)
from ledger.witnessing.folder import WitnessFolder

EVERY_S = 5.0
AT_LEAST_S = 0.5


class Rounds:
    """Goes round the logs of a policy until it is stopped.

    Each trouble is one sentence, said once until it has passed.
    """

    def __init__(
        self, folder: WitnessFolder, policy: Policy, *, say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._logs = [log for log in policy.logs if log.url]
        self._others = [
            w for w in policy.witnesses if w.url and w.key.raw != folder.key.raw
        ]
        self._say = say
        self._said: dict[str, str] = {}

    def run(self, *, news: Event, stop: Event) -> None:
        """Go round every few seconds, sooner where a log has news.

        Each log has a thread of its own, so that one that is slow holds up no other.
        """
        rounds: dict[str, Thread] = {}
        while not stop.is_set():
            news.clear()
            for log in self._logs:
                if log.name not in rounds or not rounds[log.name].is_alive():
                    rounds[log.name] = Thread(
                        target=self._round, args=[log], daemon=True
                    )
                    rounds[log.name].start()
            news.wait(EVERY_S)
            stop.wait(AT_LEAST_S)

    def _round(self, log: Party) -> None:
        self._try(f"comparing views of {log.name}", self._compare, log)
        self._try(f"copying {log.name}", self._copy, log)

    def _copy(self, log: Party) -> None:
        self._folder.mirror(log.name).update(self._remote(log))

    def _compare(self, log: Party) -> None:
        views = views_of(log.name, self._others)
        if seen := self._folder.store.last(log.name):
            views.append(View(self._folder.name, seen.note))
        remote = self._remote(log)
        try:
            shown = View(log.name, remote.head()[1])
            found = contradictions(log.key, views, head=shown, read=remote.read)
        except LedgerError:
            # Whatever the log says or does not say, two views may say enough.
            self._accuse(two_of_one_size(log.key, views))
            raise
        self._accuse(found)
        copy = self._folder.mirror(log.name)
        if copied := copy.checkpoint():
            # A log that shows less than it did is held against the copy of what it did.
            held = View(self._folder.name, copied)
            self._accuse(contradictions(log.key, [shown], head=held, read=copy.read))

    def _accuse(self, found: Iterable[Contradiction]) -> None:
        for each in found:
            self._folder.store.keep_evidence(each.origin, each.first, each.second)
            self._tell(
                f"{each.origin} {each.told_by}",
                f"{each.origin} has shown {each.told_by} another history than it shows"
                " here. Both signed notes are kept in evidence/.",
            )

    def _remote(self, log: Party) -> RemoteLog:
        return RemoteLog(key=log.key, url=log.url, admission=self._folder.admission)

    def _try(self, what: str, do: Callable[[Party], None], log: Party) -> None:
        try:
            do(log)
        except (LedgerError, OSError) as error:
            self._tell(what, f"Trouble {what}: {error}")
        else:
            self._said.pop(what, None)

    def _tell(self, what: str, sentence: str) -> None:
        if self._said.get(what) != sentence:
            self._said[what] = sentence
            self._say(sentence)
