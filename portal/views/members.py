"""The people of an institution, and its rules, for its admin."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.acting import SignedInRequest
from portal.actions.institutions import set_rules
from portal.actions.members import add_member
from portal.errors import Refused
from portal.forms import MemberForm, RulesForm
from portal.roles import MANAGE_MEMBERS, SET_RULES, Role


@login_required
@require_http_methods(["GET", "POST"])
def members(request: SignedInRequest) -> HttpResponse:
    institution = request.acting.institution
    if institution is None or not request.acting.may(MANAGE_MEMBERS):
        raise Http404
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            added = add_member(
                institution=institution,
                email=data["email"],
                full_name=data["full_name"],
                role=Role(data["role"]),
                by=request.acting.user,
            )
        except Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            messages.success(request, f"{added.user} is now a member of {institution}.")
            return redirect("members")
    people = institution.memberships.select_related("user").order_by("since")
    return render(request, "portal/members.html", {"form": form, "people": people})


@login_required
@require_http_methods(["GET", "POST"])
def rules(request: SignedInRequest) -> HttpResponse:
    institution = request.acting.institution
    if institution is None or not request.acting.may(SET_RULES):
        raise Http404
    now = {
        "age_of_majority": institution.age_of_majority,
        "retention_years": institution.retention_years,
    }
    form = RulesForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        set_rules(institution=institution, **form.cleaned_data, by=request.acting)
        messages.success(request, "The rules are set, and on the ledger.")
        return redirect("members")
    return render(request, "portal/rules.html", {"form": form})
