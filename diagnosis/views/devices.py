"""Where devices send images: by REST, by DICOMweb STOW-RS (PS3.18 §10.5)."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.views.decorators.http import require_POST
from rest_framework import status
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
    renderer_classes,
    throttle_classes,
)
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.device_access import DeviceAuthentication, DeviceThrottle, sender
from diagnosis.imaging.errors import ImageRefused
from diagnosis.receiving.identity import identify
from diagnosis.receiving.keeping import keep
from diagnosis.receiving.multipart import MultipartRefused, related, split
from diagnosis.receiving.statuses import keep_instance
from diagnosis.receiving.stow import status_of, store_response
from portal.errors import KeyUnavailable, Refused
from records.actions.receiving import DifferentImage
from records.storage.errors import StorageError

DICOM = "application/dicom"
PATIENT_HEADER = "Patient-Number"
View = Callable[..., Any]


class TooLarge(APIException):
    """A body above what an upload may have."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


class NotNow(APIException):
    """A key or the store cannot be used now; nothing was recorded."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The image cannot be kept now. Send it again in a minute."


class DicomJson(JSONRenderer):
    """DICOM JSON, for clients that ask for it by name."""

    media_type = "application/dicom+json"
    charset = None


def for_devices(*renderers: type[JSONRenderer]) -> Callable[[View], View]:
    """A view to which only a device may post."""
    wraps = (
        require_POST,
        api_view(["POST"]),
        authentication_classes([DeviceAuthentication]),
        permission_classes([]),  # who got past the authentication is a device
        throttle_classes([DeviceThrottle]),
        renderer_classes(renderers),
    )

    def wrapped(view: View) -> View:
        for wrap in reversed(wraps):
            view = wrap(view)
        return view

    return wrapped


@for_devices(JSONRenderer)
def image(request: Request) -> Response:
    """Keep the image that is the request's body: PNG, JPEG or DICOM.

    The header Patient-Number gives the patient's hospital number, where the device
    sends for several children and the file does not say it.

    201: kept · 200: it was here before · 422: no usable image · 403: of no child whom
    the device may send for · 409: another image has its SOP Instance UID
    """
    body = _body(request)
    try:
        identity = identify(body)
        number = request.headers.get(PATIENT_HEADER, "")
        receipt = keep(sender(request), body, identity, number=number)
    except ImageRefused as refusal:
        return _said(refusal, status.HTTP_422_UNPROCESSABLE_ENTITY)
    except DifferentImage as refusal:
        return _said(refusal, status.HTTP_409_CONFLICT)
    except Refused as refusal:
        return _said(refusal, status.HTTP_403_FORBIDDEN)
    except (KeyUnavailable, StorageError) as trouble:
        raise NotNow from trouble
    answer = {"document": str(receipt.document_id), "is_new": receipt.is_new}
    code = status.HTTP_201_CREATED if receipt.is_new else status.HTTP_200_OK
    return Response(answer, status=code)


@for_devices(DicomJson, JSONRenderer)
def store(request: Request, study: str = "") -> Response:
    """Keep the DICOM instances of a multipart/related body, each for itself.

    200: all kept, now or before · 202: some · 409: none · 400, 415: no such body
    """
    try:
        kind = related(request.content_type or "")
        if kind is None or kind.type != DICOM:
            raise UnsupportedMediaType(
                request.content_type or "nothing",
                'Send multipart/related; type="application/dicom".',
            )
        parts = split(_body(request), kind.boundary)
    except MultipartRefused as refusal:
        return _said(refusal, status.HTTP_400_BAD_REQUEST)
    if other := next((p.media_type for p in parts if p.media_type != DICOM), None):
        raise UnsupportedMediaType(other, "Every part must be application/dicom.")
    try:
        outcomes = [
            keep_instance(sender(request), p.content, study=study) for p in parts
        ]
    except (KeyUnavailable, StorageError) as trouble:
        # What is kept already is recognised when the device sends all of it again.
        raise NotNow from trouble
    return Response(store_response(outcomes), status=status_of(outcomes))


def _body(request: Request) -> bytes:
    """The whole body, never more than an upload may have.

    Raises:
        TooLarge: it is larger.
    """
    most = settings.MAX_UPLOAD_BYTES
    plain = request._request  # noqa: SLF001 - REST framework's API
    said = plain.META.get("CONTENT_LENGTH") or "0"
    # What says that it is too large is not read.
    is_large = said.isdecimal() and int(said) > most
    body = b"" if is_large else plain.read(most + 1)
    if is_large or len(body) > most:
        raise TooLarge(f"At most {filesizeformat(most)} can be sent at once.")
    return body


def _said(refusal: Exception, code: int) -> Response:
    return Response({"detail": str(refusal)}, status=code)
