"""Pages on which devices are enrolled, seen and revoked."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.acting import SignedInRequest
from portal.errors import Refused
from portal.models import Institution
from portal.roles import MANAGE_DEVICES
from records.actions.devices import NewDevice, enrol_device, revoke_device
from records.device_forms import DeviceForm, FamilyDeviceForm, HospitalDeviceForm
from records.device_rules import (
    known_devices,
    may_revoke_device,
    patient_names,
)
from records.models import Device, Patient
from records.permissions import wards


@login_required
@require_http_methods(["GET", "POST"])
def devices(request: SignedInRequest) -> HttpResponse:
    """Those of the hospital acted for, for its admin."""
    here = request.acting.institution
    if here is None or not request.acting.may(MANAGE_DEVICES):
        raise Http404
    form = HospitalDeviceForm(request.POST or None, institution=here)
    return _page(request, form, for_family=False)


@login_required
@require_http_methods(["GET", "POST"])
def family_devices(request: SignedInRequest) -> HttpResponse:
    """Those of a guardian's children."""
    children = wards(request.acting.user)
    if not children.exists():
        raise Http404
    form = FamilyDeviceForm(request.POST or None, children=children)
    return _page(request, form, for_family=True)


def _page(
    request: SignedInRequest, form: DeviceForm, *, for_family: bool
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            device, token = _enrolled(request, form, for_family=for_family)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _shown_once(request, device, token)
    found = known_devices(request.acting, for_family=for_family)
    rows = found.select_related("institution", "enrolled_by").prefetch_related("wards")
    context = {
        "form": form,
        "for_family": for_family,
        "devices": [
            {
                "device": device,
                "names": patient_names(request.acting, device),
                "may_revoke": may_revoke_device(request.acting, device),
            }
            for device in rows
        ],
    }
    return render(request, "records/devices.html", context)


def _enrolled(
    request: SignedInRequest, form: DeviceForm, *, for_family: bool
) -> tuple[Device, str]:
    given = form.cleaned_data
    patients: list[Patient] = list(given["patients"])
    institution: Institution = given["institution"]
    new = NewDevice(
        name=given["name"],
        institution=institution,
        for_family=for_family,
        until=given["until"],
        certificate=given["certificate"],
    )
    return enrol_device(new=new, patients=patients, by=request.acting)


def _shown_once(request: SignedInRequest, device: Device, token: str) -> HttpResponse:
    """Not a redirect: the token would have to be kept until the next request."""
    site = settings.PUBLIC_URL
    pairs: list[tuple[str, Any]] = [
        (_("DICOMweb (STOW-RS)"), f"{site}/dicom-web/studies"),
        (_("Images by REST"), f"{site}/api/images/"),
        (_("AE title for C-STORE"), device.ae_title),
        (_("May send until"), date_format(localtime(device.expires_at), "j F Y")),
    ]
    context = {"device": device, "token": token, "pairs": pairs}
    return render(request, "records/device_token.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def revoke(request: SignedInRequest, device_id: UUID) -> HttpResponse:
    """Stop a device for good; asks once more first."""
    device = get_object_or_404(
        Device.objects.select_related("institution"), pk=device_id
    )
    if not may_revoke_device(request.acting, device):
        raise Http404
    back = "devices" if request.acting.may(MANAGE_DEVICES) else "family_devices"
    if request.method == "POST":
        try:
            revoke_device(device=device, by=request.acting)
            messages.success(
                request, _("%(device)s can send nothing more.") % {"device": device}
            )
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect(back)
    consequences = [
        _("From now on its token says nothing. It cannot be undone; enrol it again."),
        _("What it has sent stays in the history."),
    ]
    context = {"device": device, "back": back, "consequences": consequences}
    return render(request, "records/revoke_device.html", context)
