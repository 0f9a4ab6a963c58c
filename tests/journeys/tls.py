"""A certificate authority of the tests' own, and certificates for this machine."""

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from django.utils import timezone

DAY = timedelta(days=1)


class Authority:
    """Signs certificates for servers on the loopback."""

    def __init__(self, name: str) -> None:
        self._key = generate_private_key(SECP256R1())
        self._name = _name(name)
        self._certificate = self._signed(
            self._name, self._key, x509.BasicConstraints(ca=True, path_length=0)
        )

    def write(self, path: Path) -> Path:
        """Its own certificate, by which others know it."""
        path.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        return path

    def certify(self, folder: Path) -> tuple[Path, Path]:
        """A new certificate for 127.0.0.1 with its key, as PEM files."""
        key = generate_private_key(SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = self._signed(_name("127.0.0.1"), key, here)
        paths = folder / "server.crt", folder / "server.key"
        paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        paths[1].touch(mode=0o600)
        paths[1].write_bytes(pem)
        return paths

    def _signed(
        self, subject: x509.Name, key: EllipticCurvePrivateKey, said: x509.ExtensionType
    ) -> x509.Certificate:
        now = timezone.now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(said, critical=isinstance(said, x509.BasicConstraints))
            .sign(self._key, SHA256())
        )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
