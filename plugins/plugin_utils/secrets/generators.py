# Copyright (c) 2026 GreenLang. All rights reserved.
"""Key pairs and certificates as generated values. Their randomness is the operating system's."""

from __future__ import annotations

import datetime
import ipaddress
from typing import Any

from ..errors import InputError

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.x509.oid import NameOID
except ImportError:  # _sealing.MISSING says so
    pass

RSA_BITS = (2048, 3072, 4096)


def private_key(form: str, bits: int = 3072) -> bytes:
    made: Any = rsa.generate_private_key(public_exponent=65537, key_size=bits) if form == "rsa" else ed25519.Ed25519PrivateKey.generate()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _names(names: list[str]) -> Any:
    def one(name: str) -> Any:
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)

    return x509.SubjectAlternativeName([one(name) for name in names])


def certificate(key: bytes, names: list[str], days: int, where: str, now: datetime.datetime | None = None) -> bytes:
    """Signed by itself, for the key of another value."""
    try:
        private: Any = serialization.load_pem_private_key(key, None)
        alternative = _names(names)
    except (ValueError, TypeError):
        raise InputError(f"{where}: a certificate needs a private key in PEM, and names in ASCII") from None
    now = now or datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=days))
    digest = hashes.SHA256() if isinstance(private, rsa.RSAPrivateKey) else None
    return made.add_extension(alternative, critical=False).sign(private, digest).public_bytes(serialization.Encoding.PEM)


def still_good(held: bytes, key: bytes, names: list[str], now: datetime.datetime | None = None) -> bool:
    """Whether a certificate is of this key and these names, and a third of its life is left."""
    try:
        read = x509.load_pem_x509_certificate(held)
        private: Any = serialization.load_pem_private_key(key, None)
        own = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    left = read.not_valid_after_utc - (now or datetime.datetime.now(datetime.UTC))
    life = read.not_valid_after_utc - read.not_valid_before_utc
    return read.public_key().public_bytes(*form) == private.public_key().public_bytes(*form) and own == _names(names) and left > life / 3
