"""How a device shows who it is over HTTP, and how much it may send."""

from typing import cast

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from diagnosis.receiving.rate import seconds_to_wait
from records.device_identity import device_of_token
from records.models import Device

SCHEME = "Bearer"
NOT_ACCEPTED = "This token is not accepted."
"""The same for one that is wrong, revoked or has run out."""


class DeviceAuthentication(BaseAuthentication):
    """A token in the Authorization header.

    A device that was enrolled with a client certificate is not known without the
    certificate's fingerprint, which the trusted proxy says in a header of its own.
    """

    def authenticate(self, request: Request) -> tuple[None, Device]:
        """The device, as `request.auth`; nobody is signed in.

        Raises:
            NotAuthenticated: no token.
            AuthenticationFailed: it names no device that may send now.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower() or not token.strip():
            raise NotAuthenticated("Send the device's token: Authorization: Bearer …")
        device = device_of_token(token.strip(), _certificate(request))
        if device is None:
            raise AuthenticationFailed(NOT_ACCEPTED)
        return None, device

    def authenticate_header(self, request: Request) -> str:
        """With it, DRF answers 401."""
        return SCHEME


class DeviceThrottle(BaseThrottle):
    """So many requests a minute."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the device may go on now."""
        self.seconds = seconds_to_wait(sender(request))
        return self.seconds == 0

    def wait(self) -> float:
        """For the Retry-After header."""
        return self.seconds


def sender(request: Request) -> Device:
    """The device that `DeviceAuthentication` recognised."""
    return cast(Device, request.auth)


def _certificate(request: Request) -> str:
    name = settings.DEVICE_CERTIFICATE_HEADER
    said = request.headers.get(name, "") if name else ""
    return said.replace(":", "").strip().lower()
