"""Recognises a device by its token or its certificate."""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from portal.row_security import UPKEEP, in_the_name_of
from records.models import Device
from records.models.patient import CODE_ALPHABET

TOKEN_BYTES = 32
HEARD_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a device was last heard."""


def new_token() -> str:
    """256 random bits, in letters that stand in a header."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """What is kept of a token: SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def new_ae_title() -> str:
    """A name for C-STORE that no other device has; it is no secret."""
    return "AN-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(10))


def fingerprint(certificate_der: bytes) -> str:
    """A certificate's SHA-256, hex."""
    return hashlib.sha256(certificate_der).hexdigest()


def device_of_token(token: str, certificate: str = "") -> Device | None:
    """The live device with this token, heard now.

    Args:
        token: as it was shown once.
        certificate: fingerprint of the client certificate shown, if any; a device
            enrolled with one is not known without it.
    """
    return _heard(
        Q(token_hash=token_hash(token)) & Q(certificate__in={"", certificate})
    )


def device_of_certificate(certificate: str, ae_title: str) -> Device | None:
    """The live device with this certificate, heard now.

    Args:
        certificate: fingerprint of what TLS itself has verified; never of a header.
        ae_title: under which it calls.
    """
    if not certificate:
        return None
    return _heard(Q(certificate=certificate, ae_title=ae_title))


def still_live(device: Device) -> bool:
    """Whether a device that was known a moment ago still is."""
    return _heard(Q(pk=device.pk)) is not None


def _heard(which: Q) -> Device | None:
    """Asked as the site: who asks is not known before."""
    now = timezone.now()
    with in_the_name_of(UPKEEP):
        live = Device.objects.live().filter(which)
        device = live.select_related("institution", "enrolled_by").first()
        if device and (not device.heard_at or device.heard_at < now - HEARD_EVERY):
            Device.objects.filter(pk=device.pk).update(heard_at=now)
    return device
