"""The exchange of the UPJO paper's Fig. 7, step by step, with time and proof."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from diagnosis.models import SetAct, SetContent, SetRun
from ledger.commitments import meta_commitment
from ledger.encoding import Statement
from ledger.events import Event
from ledger.history import Progress, progress, statements
from records.history import Proof, said_of

HOSPITAL, STORE, SERVICE = 1, 2, 3
"""The lanes of the figure, from the left."""


@dataclass(frozen=True)
class Step:
    """One arrow of the figure; without a time it has not been taken.

    Attributes:
        sender: the lane where it begins.
        receiver: the lane where it ends.
        sentence: what goes over.
        at: when.
        who: by whom, if it was a person.
        cid: of what goes over.
        cid_name: what the paper calls it.
        weights: digest of what graded, hex, where the step names it.
        proof: of the step's own ledger entry.
    """

    sender: int
    receiver: int
    sentence: str
    at: datetime | None = None
    who: str = ""
    cid: str = ""
    cid_name: str = ""
    weights: str = ""
    proof: Proof | None = None

    @property
    def lanes(self) -> str:
        """The step's place in the figure, as its style sheet knows it."""
        return f"{self.sender}-{self.receiver}"


def set_steps(run: SetRun) -> list[Step]:
    """The steps (3) and (4) of a data set's run, those to come without a time."""
    acts = run.data_set.acts.select_related("actor").order_by("at")
    taken: dict[int, SetAct] = {}
    for act in acts:
        if act.run_id in (None, run.pk):
            taken.setdefault(act.event, act)
    proofs = act_proofs(taken.values())
    cids = _cids(run)
    return [
        _step(wanted, taken.get(wanted[0]), proofs, cids)
        for wanted in (
            (
                Event.DATA_SET_STORED, HOSPITAL, STORE, "CID_H",
                _("The hospital puts the set, without names, into the store."),
            ),
            (
                Event.DATA_SET_GIVEN, HOSPITAL, SERVICE, "CID_H",
                _("It gives the service this CID with the key to the set."),
            ),
            (
                Event.DATA_SET_FETCHED, STORE, SERVICE, "CID_H",
                _("The service fetches the set by its CID and opens it with its own key."),
            ),
            (
                Event.DATA_SET_GRADED, SERVICE, STORE, "CID_M",
                _("It grades, and puts its results, sealed for the hospital, into the store."),
            ),
            (
                Event.RESULTS_FETCHED, STORE, HOSPITAL, "CID_M",
                _("The hospital fetches the results by their CID and opens them."),
            ),
        )
    ]  # fmt: skip


def act_proofs(acts: Iterable[SetAct]) -> dict[bytes, Proof]:
    """How far each act has come on the ledger, by statement id.

    An act whose row is not what its statement committed to is broken.
    """
    by_id = {bytes(act.statement_id): act for act in acts}
    found, said = progress(by_id), statements(by_id)
    return {
        key: _proof(act, found.get(key), said.get(key)) for key, act in by_id.items()
    }


def _proof(act: SetAct, found: Progress | None, said: Statement | None) -> Proof:
    if found is None or said is None:
        return Proof("broken", _("The ledger does not know this act."), "")
    url = reverse("proof", args=[bytes(act.statement_id).hex()])
    committed = meta_commitment(bytes(act.salt), act.metadata)
    if said.kind != act.event or said.meta_commit != committed:
        sentence = _("What is told here is not what the ledger holds of this act.")
        return Proof("broken", sentence, url)
    # A proof has a page once the entry is in the log.
    return said_of(found, url if found.seq is not None else "")


def _cids(run: SetRun) -> dict[str, str]:
    contents = run.data_set.contents.filter(
        kind__in=[SetContent.Kind.IMAGES, SetContent.Kind.RESULTS]
    )
    names = {SetContent.Kind.IMAGES: "CID_H", SetContent.Kind.RESULTS: "CID_M"}
    return {
        names[SetContent.Kind(content.kind)]: content.cid
        for content in contents
        if content.run_id in (None, run.pk)
    }


def _step(
    wanted: tuple[Event, int, int, str, str],
    act: SetAct | None,
    proofs: dict[bytes, Proof],
    cids: dict[str, str],
) -> Step:
    _event, sender, receiver, cid_name, sentence = wanted
    if act is None:
        return Step(sender, receiver, sentence, cid_name=cid_name)
    return Step(
        sender=sender,
        receiver=receiver,
        sentence=sentence,
        at=act.at,
        who=act.actor.full_name if act.actor else "",
        cid=cids.get(cid_name, ""),
        cid_name=cid_name,
        weights=act.metadata.get("weights", ""),
        proof=proofs[bytes(act.statement_id)],
    )
