# Copyright (c) 2026 GreenLang. All rights reserved.
"""A cluster's certificate authorities, certificates and kubeconfigs, as kubeadm lays them out.

(https://kubernetes.io/docs/setup/best-practices/certificates/) Keys are ECDSA P-256 but for the service account key
(RSA 2048: what OIDC consumers accept everywhere). Files are written once, mode 0600, and a certificate is made anew
when it is within `RENEW_BEFORE` of its end or no longer says what is asked of it.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import VcciError
from ..files import write_whole

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    MISSING: str | None = None
except ImportError as exc:  # where ansible-test imports this; preflight says so elsewhere
    MISSING = str(exc)

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 365
RENEW_BEFORE = datetime.timedelta(days=60)


class Authority:
    """One certificate authority in a directory: `<dir>/<name>.crt` and `.key`, made on first use."""

    def __init__(self, directory: Path, name: str) -> None:
        self.certificate_file, key_file = directory / f"{name}.crt", directory / f"{name}.key"
        if not (self.certificate_file.exists() and key_file.exists()):
            self._make(name, key_file)
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise VcciError(
                f"{key_file} is not the key that was written there. "
                f"Remedy: remove the cluster (state absent) and create it anew."
            )
        self._key = key
        self._certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())

    def issue(
        self,
        path: Path,
        common_name: str,
        organization: str | None = None,
        names: Sequence[str] = (),
        server: bool = False,
    ) -> tuple[Path, Path]:
        """Return the certificate and key files at `path` (.crt, .key), made where missing or no longer good.

        They are a client's; for `server` also valid to serve as `names`.
        """
        certificate_file, key_file = path.with_suffix(".crt"), path.with_suffix(".key")
        subject, alternatives = _name(common_name, organization), [_alternative(name) for name in names]
        if certificate_file.exists() and key_file.exists():
            old = x509.load_pem_x509_certificate(certificate_file.read_bytes())
            if self._still_good(old, subject, alternatives):
                return certificate_file, key_file
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if server else [])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            _builder(subject, self._certificate.subject, key, CERTIFICATE_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(issuer_key, critical=False)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        write_whole(key_file, _pem(key), 0o600, durable=False)
        write_whole(certificate_file, _signed(builder, self._key), 0o600, durable=False)
        return certificate_file, key_file

    def _make(self, name: str, key_file: Path) -> None:
        key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name, None)
        builder = (
            _builder(subject, subject, key, AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        write_whole(key_file, _pem(key), 0o600)
        write_whole(self.certificate_file, _signed(builder, key), 0o600)

    def _still_good(self, old: x509.Certificate, subject: x509.Name, alternatives: list[x509.GeneralName]) -> bool:
        try:
            has = list(old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        except x509.ExtensionNotFound:
            has = []
        fresh = old.not_valid_after_utc - datetime.datetime.now(datetime.UTC) > RENEW_BEFORE
        return fresh and old.subject == subject and has == alternatives and old.issuer == self._certificate.subject


def service_account_key(directory: Path) -> tuple[Path, Path]:
    """The key pair that signs service account tokens: private and public file."""
    private, public = directory / "sa.key", directory / "sa.pub"
    if not private.exists():
        key = rsa.generate_private_key(65537, 2048)
        shape = serialization.PublicFormat.SubjectPublicKeyInfo
        write_whole(public, key.public_key().public_bytes(serialization.Encoding.PEM, shape), 0o600)
        write_whole(private, _pem(key), 0o600)
    return private, public


def kubeconfig(path: Path, server: str, authority: Authority, certificate: tuple[Path, Path], context: str) -> Path:
    """Write a kubeconfig, mode 0600, with everything embedded, when its content differs."""
    cluster = {"server": server, "certificate-authority-data": _base64(authority.certificate_file)}
    user = {"client-certificate-data": _base64(certificate[0]), "client-key-data": _base64(certificate[1])}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }
    write_changed(path, json.dumps(content, indent=1))
    return path


def write_changed(path: Path, text: str) -> None:
    """Write a file that only its owner reads and that can be made again, when its content differs."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text, 0o600, durable=False)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common_name: str, organization: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
