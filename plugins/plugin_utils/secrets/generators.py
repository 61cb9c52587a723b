# Copyright (c) 2026 GreenLang. All rights reserved.
"""New values at random: texts, key pairs, certificates.

No I/O and no clock here. It is not pure: key pairs and serial numbers get their randomness from the operating system by
cryptography, which takes none from elsewhere.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import InputError

with contextlib.suppress(ImportError):  # ansible-core brings it; where ansible-test imports this, it is not
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.x509.oid import NameOID

RSA_BITS = (2048, 3072, 4096)
EARLIER = datetime.timedelta(minutes=5)  # that clocks may differ
ALPHABETS = {
    "alphanumeric": string.ascii_letters + string.digits,
    "lower": string.ascii_lowercase + string.digits,
    "digits": string.digits,
    "printable": string.ascii_letters + string.digits + "-_.~!*+=@%^",
}


class Source(Protocol):
    """Where randomness comes from: random.SystemRandom(), but in tests."""

    def choice(self, letters: str, /) -> str: ...
    def randbytes(self, count: int, /) -> bytes: ...


@dataclass(frozen=True)
class Generator:
    """Makes the new values of one run."""

    source: Source
    now: datetime.datetime

    def value(self, how: Mapping[str, Any]) -> bytes:
        """A new random value; `length` counts characters of a text, bytes of hex and base64, bits of an RSA key."""
        length, form = int(how.get("length", 32)), how.get("format", "text")
        if form in ("rsa", "ed25519"):
            return private_key(form, int(how.get("length", 3072)))
        if form == "uuid":
            return str(uuid.UUID(bytes=self.source.randbytes(16), version=4)).encode()
        if form == "hex":
            return self.source.randbytes(length).hex().encode()
        if form == "base64":
            return base64.b64encode(self.source.randbytes(length))
        # A character that is given twice must not be twice as likely.
        alphabet = "".join(sorted(set(letters(how))))
        return "".join([self.source.choice(alphabet) for _i in range(length)]).encode()

    def certificate(self, key: bytes, names: list[str], days: int, where: str) -> bytes:
        """Signed by itself, for the key of another value; `where` is for the message."""
        try:
            private: Any = serialization.load_pem_private_key(key, None)
            alternative = _subject_alternative(names)
        except (ValueError, TypeError):
            raise InputError(f"{where}: a certificate needs a private key in PEM, and names in ASCII") from None
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        ends = self.now + datetime.timedelta(days=days)
        made = _builder(name, private.public_key(), self.now - EARLIER, ends)
        made = made.add_extension(alternative, critical=False)
        digest = hashes.SHA256() if isinstance(private, rsa.RSAPrivateKey) else None
        return made.sign(private, digest).public_bytes(serialization.Encoding.PEM)


def letters(how: Mapping[str, Any]) -> str:
    """Those that a generated text consists of."""
    named = str(how.get("alphabet", "alphanumeric"))
    return ALPHABETS.get(named, named)


def private_key(form: str, bits: int = 3072) -> bytes:
    """PEM; `form` is rsa or ed25519."""
    if form == "ed25519":
        return _pem(ed25519.Ed25519PrivateKey.generate())
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def sealing_pair(begins: datetime.datetime, days: int, bits: int = 4096) -> tuple[bytes, bytes]:
    """A sealing certificate and its key, as the controller makes them, which tells the newest by its begin; PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return sealing_certificate(key, begins, days), _pem(key)


def sealing_certificate(key: Any, begins: datetime.datetime, days: int) -> bytes:
    """A sealing certificate of a key that is there; PEM."""
    made = _builder(x509.Name([]), key.public_key(), begins, begins + datetime.timedelta(days=days))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def still_good(held: bytes, key: bytes, names: list[str], now: datetime.datetime) -> bool:
    """Whether a certificate is of this key and these names, and a third of its life is left."""
    try:
        read = x509.load_pem_x509_certificate(held)
        private: Any = serialization.load_pem_private_key(key, None)
        own = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    left, life = read.not_valid_after_utc - now, read.not_valid_after_utc - read.not_valid_before_utc
    same_key = _der(read.public_key()) == _der(private.public_key())
    return same_key and own == _subject_alternative(names) and left > life / 3


def expiry(certificate: bytes) -> str:
    """When a certificate in PEM ends, as Kubernetes writes times; empty for what is none."""
    try:
        return f"{x509.load_pem_x509_certificate(certificate).not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    except ValueError:
        return ""


def _builder(name: x509.Name, key: Any, begins: datetime.datetime, ends: datetime.datetime) -> x509.CertificateBuilder:
    """A certificate signed by itself, but for what is special to it."""
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(begins).not_valid_after(ends)


def _subject_alternative(names: list[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(name) for name in names])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: Any) -> bytes:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made: bytes = key.private_bytes(serialization.Encoding.PEM, form, plain)
    return made


def _der(key: Any) -> bytes:
    made: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return made
