"""Pages about the versions of the networks, and the decisions about them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from diagnosis.actions.versions import (
    activate_version,
    retire_version,
    shadow_version,
)
from diagnosis.comparing import MOST, reports_about
from diagnosis.forms import ReasonForm
from diagnosis.markdown import to_html
from diagnosis.models import STEPS, ModelVersion, Standing
from diagnosis.permissions import (
    check_may_compare_models,
    may_compare_models,
    may_manage_models,
    visible_versions,
)
from portal.acting import SignedInRequest
from portal.errors import Refused


@dataclass(frozen=True)
class Decision:
    """Something that can be decided about a version, with its words."""

    to: Standing
    act: Callable[..., None]
    label: str | Promise
    title: str | Promise
    consequences: tuple[str | Promise, ...]
    is_grave: bool = False


DECISIONS = {
    "shadow": Decision(
        Standing.SHADOW,
        shadow_version,
        _("Try in shadow mode"),
        _("Try this version in shadow mode?"),
        (
            _("It grades every image beside the active version, unseen by doctors."),
            _("Each image takes a worker about twice as long meanwhile."),
        ),
    ),
    "activate": Decision(
        Standing.ACTIVE,
        activate_version,
        _("Activate"),
        _("Let this version grade?"),
        (
            _("It grades from the next image on, in place of the active version."),
            _("Grades that are there stay, each with the version that gave it."),
        ),
    ),
    "retire": Decision(
        Standing.RETIRED,
        retire_version,
        _("Retire"),
        _("Retire this version?"),
        (
            _("It grades no more, neither for doctors nor in shadow mode."),
            _("Where it is the active one, nothing is graded until another is."),
        ),
        is_grave=True,
    ),
}


@login_required
@require_GET
def versions(request: SignedInRequest) -> HttpResponse:
    if not may_manage_models(request.acting):
        raise Http404
    context = {"versions": ModelVersion.objects.all()}
    return render(request, "diagnosis/versions.html", context)


@login_required
@require_GET
def version(request: SignedInRequest, version_id: UUID) -> HttpResponse:
    found = version_or_404(request, version_id)
    manages = may_manage_models(request.acting)
    context = {
        "version": found,
        "card": to_html(found.card),
        "manages": manages,
        "decisions": _decisions(found) if manages else [],
        "steps": found.steps.select_related("actor") if manages else [],
        "compares": may_compare_models(request.acting),
        "compared": found.shadow_results.exists(),
    }
    return render(request, "diagnosis/version.html", context)


@login_required
@require_GET
def comparison(request: SignedInRequest, version_id: UUID) -> HttpResponse:
    found = version_or_404(request, version_id)
    if not may_manage_models(request.acting):
        raise Http404
    check_may_compare_models(request.acting)
    context = {
        "version": found,
        "reports": list(reports_about(found, by=request.acting)),
        "most": MOST,
    }
    return render(request, "diagnosis/comparison.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def decide(request: SignedInRequest, version_id: UUID, decision: str) -> HttpResponse:
    found = version_or_404(request, version_id)
    if not may_manage_models(request.acting) or decision not in DECISIONS:
        raise Http404
    chosen, form = DECISIONS[decision], ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            chosen.act(
                version=found, reason=form.cleaned_data["reason"], by=request.acting
            )
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            found.refresh_from_db()
            messages.success(request, f"{found}: {found.get_standing_display()}.")
        return redirect("version", found.pk)
    context = {"version": found, "decision": chosen, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "diagnosis/decide_version.html", context, status=status)


def version_or_404(request: SignedInRequest, version_id: UUID) -> ModelVersion:
    """The version, for whoever may know of it."""
    found: ModelVersion = get_object_or_404(
        visible_versions(request.acting), pk=version_id
    )
    return found


def _decisions(found: ModelVersion) -> list[dict[str, Any]]:
    """What its standing lets be decided, each with its address."""
    return [
        {
            "label": decision.label,
            "url": reverse("decide_version", args=[found.pk, name]),
            "is_grave": decision.is_grave,
        }
        for name, decision in DECISIONS.items()
        if decision.to in STEPS[Standing(found.standing)]
    ]
