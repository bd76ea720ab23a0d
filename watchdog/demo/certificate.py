"""The certificate of the desk, and the authority of the demo that issues and renews it."""

import ipaddress
import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LASTS: Final = timedelta(days=90)
RENEWED_BEFORE: Final = timedelta(days=30)
AUTHORITY_LASTS: Final = timedelta(days=3650)
_EARLIER: Final = timedelta(hours=1)
"""How long before it is issued a certificate is valid: clocks of those who ask may be behind."""


class Certificate:
    """Keeps what the server shows in force. Every start has an authority of its own.

    Attributes:
        roots: The file by which others know the authority.
        context: What the server shows; a new certificate counts from the next connection on.
    """

    def __init__(self, folder: Path, host: str, now: datetime) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.roots = folder / "authority.pem"
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._file = folder / "desk.pem"
        self._host = host
        self._authority_key = ec.generate_private_key(ec.SECP256R1())
        self._authority = _authority(self._authority_key, now)
        self.roots.write_bytes(_pem(self._authority))
        self._asked = timedelta()
        self._ends_at = now
        self.tick(now, timedelta())

    def tick(self, now: datetime, ends_in: timedelta) -> None:
        """Show the certificate that there would be now.

        Args:
            ends_in: How long the one had left that was shown when this was asked first, and is
                not renewed; zero: it is renewed in time.
        """
        is_due = not ends_in and self._ends_at < now + RENEWED_BEFORE
        if is_due or ends_in != self._asked:
            self._issue(now, now + (ends_in or LASTS))
            self._asked = ends_in

    def _issue(self, now: datetime, ends_at: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _issued(key, self._authority, self._authority_key, self._host, now, ends_at)
        self._file.unlink(missing_ok=True)
        with open(self._file, "xb", opener=_only_for_us) as file:
            file.write(_pem(certificate))
            file.write(_pem_of_key(key))
        self.context.load_cert_chain(self._file)
        self._ends_at = ends_at


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("Incident Watchdog demo authority")
    return (
        _begun(name, name, key, now, now + AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _issued(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    host: str,
    now: datetime,
    ends_at: datetime,
) -> x509.Certificate:
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    known_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _begun(_name("support desk"), authority.subject, key, now, ends_at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(names, critical=False)
        .add_extension(known_by, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    ends_at: datetime,
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _only_for_us(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
