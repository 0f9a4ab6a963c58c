"""The ledger as each person may see it: what happened, by whom, about what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import BinaryField, QuerySet
from django.db.models.functions import Substr
from django.urls import reverse
from django.utils.translation import gettext as _

from ledger.encoding import ZERO32, Statement, decode_statement
from ledger.events import EVENTS, Event
from ledger.history import Progress, progress
from ledger.models import Entry, Inbox
from ledger.witnessing.anchoring import SITE
from portal.acting import Acting
from portal.models import Institution
from portal.roles import HANDLE_DATA_SETS, MANAGE_INSTITUTIONS, SEE_ACTS
from records.history import Proof, said_of, with_proofs
from records.models import Act
from records.permissions import wards

PAGE = 50
OF_INSTITUTIONS = (
    Event.INSTITUTION_REGISTERED,
    Event.MEMBER_ADDED,
    Event.KEY_CREATED,
    Event.RULES_CHANGED,
    Event.LOG_ANCHORED,
)
"""What whoever runs the site may see, where it concerns no patient."""
OF_DATA_SETS = range(Event.DATA_SET_ADDED, Event.VALIDATION_PUBLISHED + 1)
"""What a hospital's doctors may see, too: it concerns no patient by name."""
SUBJECT = 124
"""Where an entry's bytes hold its subject tag (ledger/encoding.py)."""


@dataclass(frozen=True)
class Row:
    """One entry, or a statement that waits to become one."""

    what: str
    who: str
    where: str
    about: str
    kind: str
    at: datetime | None
    seq: int | None
    proof: Proof


def page_for(acting: Acting, number: str | None) -> tuple[Page[Any], list[Row]]:
    """One page of the ledger, newest first, as far as the person may see it.

    A guardian sees what concerns their children; a doctor what they did themselves; a
    hospital's admin all that their hospital did; the platform's admin what concerns
    institutions.
    """
    if acting.institution and acting.may(SEE_ACTS):
        tenant = acting.institution.pk
        return _of_entries(Entry.objects.filter(tenant=tenant), number, tenant)
    if acting.may(MANAGE_INSTITUTIONS):
        return _of_entries(_of_institutions(), number)
    return _of_acts(own_acts(acting), number)


def own_acts(acting: Acting) -> QuerySet[Act]:
    """For a guardian, what concerns their children; for a doctor, what they did."""
    if acting.institution:
        return Act.objects.filter(actor=acting.user, institution=acting.institution)
    return Act.objects.filter(patient__in=wards(acting.user))


def may_see_entry(acting: Acting, entry: Entry) -> bool:
    """Whether the person may see the proof of an entry that is no act about a patient."""
    if acting.may(MANAGE_INSTITUTIONS):
        return _of_institutions().filter(pk=entry.pk).exists()
    own = acting.institution
    if own is None or entry.tenant != own.pk:
        return False
    if acting.may(SEE_ACTS):
        return True
    return acting.may(HANDLE_DATA_SETS) and entry.kind in OF_DATA_SETS


def _of_institutions() -> QuerySet[Entry]:
    subject = Substr("bytes", SUBJECT + 1, len(ZERO32), output_field=BinaryField())
    entries = Entry.objects.filter(kind__in=OF_INSTITUTIONS)
    return entries.alias(subject=subject).filter(subject=ZERO32)


def _of_acts(acts: QuerySet[Act], number: str | None) -> tuple[Page[Any], list[Row]]:
    rows = acts.select_related("patient", "institution", "actor", "device", "document")
    page = Paginator(rows.order_by("-at"), PAGE).get_page(number)
    found = progress(bytes(act.statement_id) for act in page)
    return page, [
        _act_row(act, proof, found.get(bytes(act.statement_id)))
        for act, proof in with_proofs(page)
    ]


def _of_entries(
    which: QuerySet[Entry], number: str | None, tenant: int | None = None
) -> tuple[Page[Any], list[Row]]:
    page = Paginator(which.order_by("-seq"), PAGE).get_page(number)
    entries: Sequence[Entry] = list(page)
    waiting = _waiting(tenant) if tenant and page.number == 1 else []
    ids = [each.statement_id for each in waiting]
    ids += [bytes(entry.statement_id) for entry in entries]
    acts = _acts_of(ids)
    tenants = {*(each.tenant for each in waiting), *(each.tenant for each in entries)}
    names = _names_of(tenants)
    found = progress(ids)
    rows = [
        acts.get(each.statement_id) or _waiting_row(each, names) for each in waiting
    ]
    for entry in entries:
        key = bytes(entry.statement_id)
        rows.append(acts.get(key) or _entry_row(entry, names, found[key]))
    return page, rows


def _waiting(tenant: int) -> list[Statement]:
    """An institution's statements that are not entered yet, the newest first."""
    queued = Inbox.objects.order_by("-id").values_list("statement", flat=True)[:PAGE]
    said = [decode_statement(bytes(data)) for data in queued]
    return [each for each in said if each.tenant == tenant]


def _acts_of(ids: Iterable[bytes]) -> dict[bytes, Row]:
    acts = Act.objects.filter(statement_id__in=list(ids)).select_related(
        "patient", "institution", "actor", "document"
    )
    found = progress(bytes(act.statement_id) for act in acts)
    return {
        (key := bytes(act.statement_id)): _act_row(act, proof, found.get(key))
        for act, proof in with_proofs(acts)
    }


def _act_row(act: Act, proof: Proof, found: Progress | None) -> Row:
    return Row(
        what=act.sentence,
        who=act.done_by,
        where=act.institution.name,
        about=act.patient.full_name,
        kind=act.document.get_kind_display() if act.document else "",
        at=act.at,
        seq=found.seq if found else None,
        proof=proof,
    )


def _waiting_row(said: Statement, names: dict[int, str]) -> Row:
    return Row(
        what=EVENTS[said.kind].sentence,
        who=names.get(said.tenant, _("This site")),
        where="",
        about="",
        kind="",
        at=None,
        seq=None,
        proof=said_of(Progress("accepted"), ""),
    )


def _entry_row(entry: Entry, names: dict[int, str], found: Progress) -> Row:
    where = names.get(entry.tenant, _("This site"))
    return Row(
        what=EVENTS[Event(entry.kind)].sentence,
        who=where,
        where="",
        about="",
        kind="",
        at=entry.sequenced_at,
        seq=entry.seq,
        proof=said_of(found, reverse("proof", args=[bytes(entry.statement_id).hex()])),
    )


def _names_of(tenants: set[int]) -> dict[int, str]:
    rows = Institution.objects.filter(pk__in=tenants - {SITE})
    return dict(rows.values_list("pk", "name"))
