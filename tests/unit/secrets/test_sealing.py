# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing and unsealing are inverse, and what was sealed for one place unseals in no other."""

from __future__ import annotations

import base64
import datetime
import os
from collections.abc import Callable

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime.datetime.now(datetime.UTC)
KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _i in range(2))


def certificate(days: int = 10) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sealing")])
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key()).serial_number(1)
    )
    builder = builder.not_valid_before(NOW - datetime.timedelta(days=20)).not_valid_after(
        NOW + datetime.timedelta(days=days)
    )
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@settings(max_examples=25, deadline=None)
@given(value=st.binary(max_size=500), scope=st.sampled_from(_sealing.SCOPES))
def test_unsealing_is_the_inverse(value: bytes, scope: str) -> None:
    bound_to = _sealing.label(scope, "place", "name")
    assert _sealing.unseal([KEY], _sealing.seal(KEY.public_key(), value, bound_to, os.urandom), bound_to) == value


PLACES = st.tuples(
    st.sampled_from(_sealing.SCOPES), st.sampled_from(["place", "other"]), st.sampled_from(["name", "another"])
)


@settings(max_examples=60, deadline=None)
@given(sealed_for=PLACES, opened_as=PLACES)
def test_another_place_never_unseals(sealed_for: tuple[str, str, str], opened_as: tuple[str, str, str]) -> None:
    sealed = _sealing.seal(KEY.public_key(), b"value", _sealing.label(*sealed_for), os.urandom)
    if _sealing.label(*sealed_for) == _sealing.label(*opened_as):
        assert _sealing.unseal([KEY], sealed, _sealing.label(*opened_as)) == b"value"
    else:
        with pytest.raises(_sealing.Unsealable):
            _sealing.unseal([KEY], sealed, _sealing.label(*opened_as))


def test_any_of_the_keys_unseals_and_no_other() -> None:
    sealed = _sealing.seal(KEY.public_key(), b"value", b"", os.urandom)
    assert _sealing.unseal([OTHER, KEY], sealed, b"") == b"value"
    with pytest.raises(_sealing.Unsealable, match="no sealing key decrypts"):
        _sealing.unseal([OTHER], sealed, b"")


@settings(max_examples=25, deadline=None)
@given(bit=st.integers(min_value=0, max_value=(2 + 256 + 5 + 16) * 8 - 1))
def test_a_flipped_bit_never_unseals(bit: int) -> None:
    data = bytearray(base64.b64decode(_sealing.seal(KEY.public_key(), b"value", b"", os.urandom)))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(_sealing.Unsealable):
        _sealing.unseal([KEY], base64.b64encode(bytes(data)).decode(), b"")


@settings(max_examples=50, deadline=None)
@given(text=st.one_of(st.text(), st.binary().map(lambda data: base64.b64encode(data).decode())))
def test_nonsense_never_unseals(text: str) -> None:
    with pytest.raises(_sealing.Unsealable):
        _sealing.unseal([KEY], text, b"")


def test_certificates_are_checked() -> None:
    assert _sealing.Certificate(certificate(), "here").check(NOW).fingerprint.startswith("SHA256:")
    with pytest.raises(InputError, match="expired"):
        _sealing.Certificate(certificate(days=-1), "here").check(NOW)
    with pytest.raises(InputError, match="not a PEM certificate"):
        _sealing.Certificate(b"nonsense", "here")
    private = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(InputError, match="private key"):
        _sealing.Certificate(private, "here")


def wrapped(text: str, end: str) -> str:
    return "".join(text[at : at + 64] + end for at in range(0, len(text), 64))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_breaks_in_what_is_sealed_are_ignored(end: str) -> None:
    sealed = _sealing.seal(KEY.public_key(), b"value", b"", os.urandom)
    assert _sealing.unseal([KEY], wrapped(sealed, end), b"") == b"value"
    assert _sealing.unseal([KEY], end + sealed + end, b"") == b"value"


NO_BASE64: dict[str, Callable[[str], object]] = {
    "a space": lambda text: text[:64] + " " + text[64:],
    "a tab": lambda text: text + "\t",
    "a comma": lambda text: text + ",",
    "the other alphabet": lambda text: "-_" + text[2:],
    "no padding": lambda text: text.rstrip("=") + "A",
    "no ASCII": lambda text: "ä" + text[1:],
    "nothing": lambda _text: None,
    "a number": lambda _text: 12,
}


@pytest.mark.parametrize("case", NO_BASE64)
def test_what_is_no_base64_is_called_that(case: str) -> None:
    sealed = NO_BASE64[case](_sealing.seal(KEY.public_key(), b"value", b"", os.urandom))
    with pytest.raises(_sealing.NotSealed, match="is not base64"):
        _sealing.unseal([KEY], sealed, b"")


@pytest.mark.parametrize("text", ["", "AA==", "AQA=", "AQAA", "\n"])
def test_what_is_too_short_is_called_that(text: str) -> None:
    with pytest.raises(_sealing.NotSealed, match="is too short"):
        _sealing.unseal([KEY], text, b"")
