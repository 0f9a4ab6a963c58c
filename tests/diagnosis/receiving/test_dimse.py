"""By C-STORE, too, only a device that shows its token or certificate adds an image."""

import datetime
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from pydicom import dcmread
from pydicom.uid import generate_uid
from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from diagnosis.receiving.dimse import STORED, VERIFICATION, handlers, receiver
from diagnosis.receiving.dimse import tls_context as server_context
from diagnosis.scanner.sending import NotTaken, Target, TryAgain, send_cstore
from records.actions.devices import revoke_device
from records.device_identity import fingerprint
from records.models import Act, Device, Document
from tests.cast import Cast, picture
from tests.diagnosis.receiving.sending import instance, send_image, store

# pynetdicom leaves the sockets of its associations to the garbage collector.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*unclosed.*:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A receiver on the loopback; its address."""
    server = receiver().start_server(
        ("127.0.0.1", 0), block=False, ssl_context=context, evt_handlers=handlers()
    )
    assert server
    assert server.socket
    try:
        yield f"127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()


def sent() -> int:
    return Document.objects.filter(received__isnull=False).count()


def test_what_is_sent_by_c_store_is_kept_once_whichever_way_it_comes_again(
    committed_cast: Cast,
):
    device, token = committed_cast.device()
    content = instance(SOPInstanceUID=generate_uid())
    with receiving() as address:
        target = Target(address=address, token=token, ae_title=device.ae_title)
        send_cstore(target, content)
        send_cstore(target, content)
    assert sent() == 1
    assert Act.objects.filter(device=device).count() == 1
    assert store(token, content).status_code == 200
    assert send_image(token, content).status_code == 200
    assert sent() == 1


def test_what_is_no_ultrasound_comes_back_with_a_sentence(committed_cast: Cast):
    device, token = committed_cast.device()
    with receiving() as address:
        target = Target(address=address, token=token, ae_title=device.ae_title)
        with pytest.raises(NotTaken, match="a computed tomography"):
            send_cstore(target, instance(modality="CT"))
        with pytest.raises(NotTaken, match="no DICOM file"):
            send_cstore(target, picture(41))
    assert sent() == 0


STRANGERS = {
    "no token": lambda d, t: (d.ae_title, None),
    "another token": lambda d, t: (d.ae_title, b"x" + t.encode()),
    "another's title": lambda d, t: ("AN-SOMEBODY", t.encode()),
    "no text": lambda d, t: (d.ae_title, b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_who_is_not_recognised_gets_no_association(committed_cast: Cast, stranger):
    title, passcode = stranger(*committed_cast.device())
    with receiving() as address:
        association = associated(address, title, passcode)
        assert association.is_rejected
    assert sent() == 0


def test_a_device_that_is_revoked_meanwhile_sends_nothing_more(committed_cast: Cast):
    device, token = committed_cast.device()
    with receiving() as address:
        association = associated(address, device.ae_title, token.encode())
        assert association.send_c_echo().Status == 0
        revoke_device(device=device, by=committed_cast.grace)
        answer = association.send_c_store(dcmread(BytesIO(instance())))
        association.release()
    assert (answer.Status, answer.ErrorComment) == (
        0x0124,
        "This device is not known.",
    )
    assert sent() == 0


def test_with_tls_a_certificate_says_who_calls(committed_cast: Cast, tmp_path: Path):
    device, token = committed_cast.device()
    site, own, other = (made(tmp_path, name) for name in ("site", "own", "other"))
    known = tmp_path / "known.pem"
    known.write_bytes(own.certificate.read_bytes() + other.certificate.read_bytes())
    Device.objects.filter(pk=device.pk).update(certificate=own.fingerprint)
    context = server_context(site.certificate, site.key, known)
    with receiving(context) as address:
        alone = associated(address, device.ae_title, None, tls=own.context)
        assert alone.is_established
        answer = alone.send_c_store(dcmread(BytesIO(instance())))
        alone.release()
        assert answer.Status == 0
        for title, passcode, shown in (
            ("AN-SOMEBODY", None, own),
            (device.ae_title, None, other),
            (device.ae_title, token.encode(), other),
        ):
            refused = associated(address, title, passcode, tls=shown.context)
            assert refused.is_rejected
    with receiving() as address:
        # Its token alone is not enough.
        target = Target(address=address, token=token, ae_title=device.ae_title)
        with pytest.raises(TryAgain):
            send_cstore(target, instance())
    assert sent() == 1


def associated(
    address: str,
    title: str,
    passcode: bytes | None,
    tls: ssl.SSLContext | None = None,
) -> Any:
    entity = AE(ae_title=title)
    for sop_class in (VERIFICATION, *STORED):
        entity.add_requested_context(sop_class)
    said = UserIdentityNegotiation()
    said.user_identity_type = 2
    said.primary_field, said.secondary_field = title.encode(), passcode or b""
    host, port = address.split(":")
    return entity.associate(
        host,
        int(port),
        ext_neg=[] if passcode is None else [said],
        tls_args=(tls, "localhost") if tls else None,
    )


@dataclass(frozen=True)
class Shown:
    certificate: Path
    key: Path
    fingerprint: str

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.certificate, self.key)
        return context


def made(folder: Path, name: str) -> Shown:
    """A certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2200))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    at, key_at = folder / f"{name}.pem", folder / f"{name}.key"
    at.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_at.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return Shown(at, key_at, fingerprint(certificate.public_bytes(Encoding.DER)))


@pytest.mark.parametrize(
    "options", [{"host": "0.0.0.0"}, {"host": "scanner.example"}, {"key": Path("x")}]
)
def test_beyond_loopback_tls_is_asked_for(options: dict[str, Any]):
    with pytest.raises(CommandError, match=r"TLS|loopback"):
        call_command("receive_dicom", **options)
