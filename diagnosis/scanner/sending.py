"""The three ways in which a scanner sends one file."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from io import BytesIO
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from diagnosis.imaging.decoding import sniff
from diagnosis.imaging.errors import ImageRefused

TIMEOUT_S = 60
TYPES = {"png": "image/png", "jpeg": "image/jpeg", "dicom": "application/dicom"}
AGAIN_CODES = {401, 408, 425, 429, 500, 502, 503, 504}
"""A token can be set anew, so that what was queued with the old one is not lost."""
STORED, OUT_OF_RESOURCES = 0x0000, 0xA700
USERNAME_AND_PASSCODE = 2


class TryAgain(Exception):
    """It was not acknowledged; perhaps it arrived. The message says why."""


class NotTaken(Exception):
    """The portal will not take this file, however often it is sent."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a scanner sends, and as whom."""

    address: str
    """`http://host:port` of the portal; for C-STORE `host:port`."""
    token: str
    ae_title: str = ""


Send = Callable[[Target, bytes], None]


def send_rest(target: Target, content: bytes) -> None:
    """As the body of one request.

    Raises:
        TryAgain: no answer, or one that may change.
        NotTaken: the portal says why.
    """
    _post(target, "/api/images/", content, _media_type(content))


def send_stow(target: Target, content: bytes) -> None:
    """As the one instance of a STOW-RS request.

    Raises:
        TryAgain: no answer, or one that may change.
        NotTaken: the portal says why.
    """
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = head + content + f"\r\n--{boundary}--\r\n".encode()
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    _post(target, "/dicom-web/studies", body, kind)


def send_cstore(target: Target, content: bytes) -> None:
    """As one C-STORE, the token as passcode of the association.

    Raises:
        TryAgain: no association, no answer, or one that may change.
        NotTaken: the portal says why.
    """
    try:
        dataset = dcmread(BytesIO(content))
        sop_class, syntax = dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID
    except Exception as error:  # pydicom raises almost anything on a broken file
        raise NotTaken("This is no DICOM file; send it by REST.") from error
    entity = AE(ae_title=target.ae_title)
    entity.connection_timeout = entity.dimse_timeout = TIMEOUT_S
    entity.add_requested_context(sop_class, syntax)
    host, _, port = target.address.partition(":")
    association = entity.associate(host, int(port), ext_neg=[_identity(target)])
    if not association.is_established:
        raise TryAgain("no association")
    try:
        answer = association.send_c_store(dataset)
    except ValueError as error:
        raise NotTaken("Such images are not taken by C-STORE.") from error
    finally:
        association.release()
    _check(answer)


WAYS: dict[str, Send] = {"rest": send_rest, "stow": send_stow, "cstore": send_cstore}


def _identity(target: Target) -> UserIdentityNegotiation:
    said = UserIdentityNegotiation()
    said.user_identity_type = USERNAME_AND_PASSCODE
    said.primary_field = target.ae_title.encode()
    said.secondary_field = target.token.encode()
    return said


def _check(answer: Any) -> None:
    status = answer.get("Status")
    if status is None or status == OUT_OF_RESOURCES:
        raise TryAgain(str(answer.get("ErrorComment") or "no answer"))
    if status != STORED:
        raise NotTaken(str(answer.get("ErrorComment") or f"status {status:04X}"))


def _media_type(content: bytes) -> str:
    try:
        return TYPES[sniff(content)]
    except ImageRefused:
        return "application/octet-stream"


def _post(target: Target, path: str, body: bytes, kind: str) -> None:
    if urlsplit(target.address).scheme not in {"http", "https"}:
        raise NotTaken(f"{target.address} is no web address.")
    request = Request(  # noqa: S310 - its scheme was looked at
        f"{target.address}{path}",
        data=body,
        headers={"Content-Type": kind, "Authorization": f"Bearer {target.token}"},
    )
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            answer.read()
    except HTTPError as error:
        with error:
            sentence = _sentence(error.read(), error.code)
        kind_of = TryAgain if error.code in AGAIN_CODES else NotTaken
        raise kind_of(sentence) from error
    except (URLError, OSError, HTTPException) as error:
        raise TryAgain(str(error)) from error


def _sentence(body: bytes, code: int) -> str:
    """What the portal says: its detail, or the text of the one instance that failed."""
    try:
        said = json.loads(body)
    except ValueError:
        return f"HTTP {code}"
    for key in ("00081198", "0008119A"):
        for item in said.get(key, {}).get("Value", []):
            return str(item["0040A160"]["Value"][0])
    return str(said.get("detail", f"HTTP {code}"))
