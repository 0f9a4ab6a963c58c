"""Pages on which a family says which hospital may read what."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portal.acting import SignedInRequest
from portal.errors import PortalError
from portal.models import Institution
from records.access import own_patient_or_404
from records.actions.consents import NewConsent, withdraw_consent
from records.actions.moving import move_patient
from records.forms import ConsentForm
from records.history import name_for
from records.models import Document, Patient
from records.permissions import opened_by

MOST = 100
"""Documents to choose from, the newest; whoever means more means a kind."""


@login_required
@require_http_methods(["GET", "POST"])
def consents(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    """Permissions given; a new one is shown with what it opens before it is given."""
    patient = own_patient_or_404(request, patient_id)
    form = _form(request, patient)
    if request.method == "POST" and form.is_valid():
        new = NewConsent(
            institution=form.cleaned_data["institution"],
            until=form.cleaned_data["until"],
            scope=form.cleaned_data["scope"],
            purpose=form.cleaned_data["purpose"],
        )
        leaving = form.cleaned_data.get("leaving", Institution.objects.none())
        if "allow" not in request.POST:
            context = {"form": form, **_preview(patient, new, leaving)}
            return render(request, "records/consent_preview.html", context)
        try:
            granted = move_patient(
                patient=patient,
                new=new,
                leaving=leaving,
                by=request.acting,
            )
        except PortalError as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(
                request,
                _("%(hospital)s may now read: %(what)s.")
                % {"hospital": granted.institution, "what": granted.what},
            )
            return redirect("consents", patient.pk)
    context = {
        "patient": patient,
        "form": form,
        "consents": patient.consents.select_related("institution"),
        "may_ask": _to_ask(patient).exists(),
    }
    return render(request, "records/consents.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def withdraw(
    request: SignedInRequest, patient_id: UUID, consent_id: int
) -> HttpResponse:
    patient = own_patient_or_404(request, patient_id)
    consent = get_object_or_404(patient.consents, pk=consent_id)
    if request.method == "POST":
        try:
            withdraw_consent(consent=consent, by=request.acting)
            messages.success(
                request, f"{consent.institution} can no longer read the history."
            )
        except PortalError as problem:
            messages.error(request, str(problem))
        return redirect("consents", patient.pk)
    context = {
        "patient": patient,
        "consent": consent,
        "consequences": _consequences(
            consent.institution.name,
            closing=opened_by(consent.scope, patient, consent.institution).count(),
            kept=_made_by(patient, consent.institution).count(),
        ),
    }
    return render(request, "records/withdraw.html", context)


def _form(request: SignedInRequest, patient: Patient) -> ConsentForm:
    form = ConsentForm(request.POST or None)
    to_ask = _to_ask(patient)
    form.fields["institution"].queryset = to_ask  # type: ignore[attr-defined]
    form.fields["institution"].initial = to_ask.first() if to_ask.count() == 1 else None
    in_care = Institution.objects.filter(
        enrolments__patient=patient, enrolments__ended_at=None
    )
    if in_care.count() > 1:
        form.fields["leaving"].queryset = in_care  # type: ignore[attr-defined]
    else:
        del form.fields["leaving"]  # nobody else could be left
    kept = patient.documents.kept().select_related("institution", "about")
    newest = kept.prefetch_related("wraps", "about__wraps")[:MOST]
    form.fields["documents"].choices = [  # type: ignore[attr-defined]
        (str(document.pk), _described(request, document)) for document in newest
    ]
    return form


def _described(request: SignedInRequest, document: Document) -> str:
    image = name_for(request.acting, document.about or document)
    day = date_format(document.created_at, "j F Y")
    return f"{document.get_kind_display()}: {image} · {document.institution}, {day}"


def _preview(
    patient: Patient, new: NewConsent, leaving: QuerySet[Institution]
) -> dict[str, object]:
    """What it opens today, what it will open, what withdrawing would leave."""
    opens = opened_by(new.scope, patient, new.institution)
    return {
        "patient": patient,
        "new": new,
        "leaving": [(i, _made_by(patient, i).count()) for i in leaving],
        "opens": opens.count(),
        "kinds": _by_kind(opens),
        "hospitals": Institution.objects.filter(
            pk__in=opens.order_by().values("institution")
        ),
        "keeps": _made_by(patient, new.institution).count(),
        "takes_in": any(new.scope.takes_in(kind) for kind in Document.Kind),
    }


def _by_kind(documents: QuerySet[Document]) -> list[tuple[str, int]]:
    counted = documents.order_by("kind").values("kind").annotate(count=Count("pk"))
    return [(str(Document.Kind(c["kind"]).label), c["count"]) for c in counted]


def _made_by(patient: Patient, institution: Institution) -> QuerySet[Document]:
    return patient.documents.kept().filter(institution=institution)


def _consequences(hospital: str, *, closing: int, kept: int) -> list[str]:
    """What withdrawing does, what it cannot do."""
    loses = _("It can no longer open anything that other hospitals add.")
    if closing:
        loses = ngettext(
            "%(hospital)s can no longer open the %(count)d document that comes from"
            " elsewhere, nor anything that other hospitals add.",
            "%(hospital)s can no longer open the %(count)d documents that come from"
            " elsewhere, nor anything that other hospitals add.",
            closing,
        ) % {"hospital": hospital, "count": closing}
    keeps = _("It has made no document itself, so it will see none.")
    if kept:
        keeps = ngettext(
            "It keeps the %(count)d document it made itself.",
            "It keeps the %(count)d documents it made itself.",
            kept,
        ) % {"count": kept}
    return [
        loses,
        keeps,
        _("What was read before cannot be unread."),
        _("You can allow the hospital again at any time."),
    ]


def _to_ask(patient: Patient) -> QuerySet[Institution]:
    """Hospitals that have the patient in care and may not read yet."""
    allowed = patient.consents.live().values("institution")
    return Institution.objects.filter(
        kind=Institution.Kind.HOSPITAL,
        enrolments__patient=patient,
        enrolments__ended_at=None,
    ).exclude(pk__in=allowed)
