"""Certificates of a local authority, good ones and bad ones, as files."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)
HERE = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Issued:
    """A certificate with its key; file holds both, and behind them those of its issuers that a server sends along."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    file: Path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def _alternatives(names: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
    )


def issue(
    file: Path,
    issuer: Issued | None,
    *,
    subject: str = "a server",
    names: Sequence[str] = HERE,
    days: tuple[int, int] = (-1, 30),
    authority: bool = False,
    for_clients: bool = False,
) -> Issued:
    """Make a certificate that is valid from the first to the second of days, counted from now. Without issuer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer.certificate.subject if issuer else _name(subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names and not authority:
        builder = builder.add_extension(_alternatives(names), critical=False)
    if for_clients:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    parts = [
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.public_bytes(pem),
        issuer.certificate.public_bytes(pem) if issuer else b"",
    ]
    file.write_bytes(b"".join(parts))
    return Issued(certificate, key, file)


def authority(file: Path, name: str) -> Issued:
    """A root of its own; beside file lies file.pem, the certificate alone, for those who trust it."""
    root = issue(file, None, subject=name, authority=True)
    trusted_file(root).write_bytes(root.certificate.public_bytes(serialization.Encoding.PEM))
    return root


def trusted_file(root: Issued) -> Path:
    """What ca_file names."""
    return root.file.with_suffix(".pem")
