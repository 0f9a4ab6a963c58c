"""Receives images by C-STORE (PS3.4 annex B) from devices that it recognises."""

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.template.defaultfilters import filesizeformat
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)
from pynetdicom import AE, _config, evt
from pynetdicom.events import InterventionEvent, NotificationEvent

from diagnosis.receiving.rate import seconds_to_wait
from diagnosis.receiving.statuses import (
    NOT_AUTHORIZED,
    OUT_OF_RESOURCES,
    SUCCESS,
    keep_instance,
)
from portal.errors import KeyUnavailable
from records.device_identity import (
    device_of_certificate,
    device_of_token,
    fingerprint,
    still_live,
)
from records.models import Device
from records.storage.errors import StorageError

VERIFICATION = "1.2.840.10008.1.1"
STORED = (UltrasoundImageStorage, UltrasoundMultiFrameImageStorage)
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
]
MOST_ASSOCIATIONS = 8
SILENCE_S = 60
COMMENT = 64
"""Characters of an Error Comment: VR LO."""
USERNAME_AND_PASSCODE = 2
PERMANENT, BY_USER, CALLING_TITLE = 0x01, 0x01, 0x03
"""Of A-ASSOCIATE-RJ (PS3.8 table 9-21): rejected, by the service user, the caller is
not recognised."""

Event = NotificationEvent | InterventionEvent
Handler = tuple[Event, Callable[..., Any]]
HandlerWithArguments = tuple[Event, Callable[..., Any], list[Any]]

log = logging.getLogger(__name__)


def receiver() -> AE:
    """What this site offers to a device: to be greeted, and to be sent ultrasound."""
    # Datasets are collected in a file, not in memory.
    _config.STORE_RECV_CHUNKED_DATASET = True
    entity = AE(ae_title="ANAMNESIS")
    entity.maximum_associations = MOST_ASSOCIATIONS
    entity.network_timeout = entity.dimse_timeout = entity.acse_timeout = SILENCE_S
    entity.add_supported_context(VERIFICATION)
    for sop_class in STORED:
        entity.add_supported_context(sop_class, SYNTAXES)
    return entity


def handlers() -> list[Handler | HandlerWithArguments]:
    """What is done about each event of an association."""
    return [
        (evt.EVT_REQUESTED, _turn_strangers_away),
        (evt.EVT_USER_ID, _recognise),
        (evt.EVT_C_STORE, _store),
    ]


def tls_context(certificate: Path, key: Path, devices: Path) -> ssl.SSLContext:
    """TLS in which both sides show a certificate.

    Args:
        certificate: of this site, PEM.
        key: its private key, PEM.
        devices: the certificates, or their issuers, that devices may show, PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(devices)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def _asking_the_database() -> Iterator[None]:
    """Each association has a thread, which ends without a word: so leave nothing open."""
    try:
        yield
    finally:
        connection.close()


@_asking_the_database()
def _turn_strangers_away(event: Any) -> None:
    """Reject, before anything is sent, whoever shows neither token nor certificate."""
    assoc = event.assoc
    if assoc.requestor.user_identity is None and _device(assoc) is None:
        assoc.acse.send_reject(PERMANENT, BY_USER, CALLING_TITLE)
        assoc.kill()


@_asking_the_database()
def _recognise(event: Any) -> tuple[bool, None]:
    """Whether user identity negotiation (PS3.7 D.3.3.7) names a device."""
    return _device(event.assoc) is not None, None


@_asking_the_database()
def _store(event: Any) -> int | Dataset:
    """Keep one instance; what went wrong is said in the status."""
    try:
        return _kept(event)
    except (KeyUnavailable, StorageError) as trouble:
        log.warning("An instance was not kept: %s", trouble)
        return _status(OUT_OF_RESOURCES, "It cannot be kept now. Send it again.")


def _kept(event: Any) -> int | Dataset:
    device = _device(event.assoc)
    if device is None or not still_live(device):
        return _status(NOT_AUTHORIZED, "This device is not known.")
    if seconds := seconds_to_wait(device):
        return _status(OUT_OF_RESOURCES, f"Too many. Go on in {seconds} s.")
    if event.dataset_path.stat().st_size > settings.MAX_UPLOAD_BYTES:
        most = filesizeformat(settings.MAX_UPLOAD_BYTES)
        return _status(OUT_OF_RESOURCES, f"Larger than {most}.")
    outcome = keep_instance(device, event.dataset_path.read_bytes())
    return SUCCESS if outcome.is_kept else _status(outcome.reason, outcome.sentence)


def _device(assoc: Any) -> Device | None:
    """Who calls: the AE title together with the token, or with the certificate of TLS.

    An AE title is no secret: alone it names nobody.
    """
    title = assoc.requestor.primitive.calling_ae_title.strip()
    certificate = _certificate(assoc)
    said = assoc.requestor.user_identity
    if said is None:
        return device_of_certificate(certificate, title)
    if said.user_identity_type != USERNAME_AND_PASSCODE:
        return None
    token = bytes(said.secondary_field or b"").decode("utf-8", errors="replace")
    device = device_of_token(token, certificate)
    return device if device and device.ae_title == title else None


def _certificate(assoc: Any) -> str:
    """The fingerprint of what the peer showed and TLS verified; none without TLS."""
    transport = assoc.dul.socket.socket if assoc.dul.socket else None
    if not isinstance(transport, ssl.SSLSocket):
        return ""
    shown = transport.getpeercert(binary_form=True)
    return fingerprint(shown) if shown else ""


def _status(reason: int, sentence: str) -> Dataset:
    said = Dataset()
    said.Status = reason
    fits = sentence if len(sentence) <= COMMENT else f"{sentence[: COMMENT - 3]}..."
    said.ErrorComment = fits.replace("\\", "/").encode("ascii", "replace").decode()
    return said
