# Copyright (c) 2026 GreenLang. All rights reserved.
"""The file of a snapshot of etcd: a line of JSON that anybody may read, then its content, encrypted. Pure.

    {"format": …, "cluster": …, "sha256": …, "salt": …, …}\n
    content in pieces of 1 MiB, each with 16 bytes more: AES-256-GCM, the number of the piece and whether it is the last
    as its nonce (STREAM, as age and Tink have it)

The key of a file is derived (HKDF-SHA256) from the cluster's key of snapshots, the file's salt and its first line:
whoever changes the line, leaves out a piece or exchanges two is found out. Salt and streams are passed in.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ..errors import InputError, brief

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:  # where ansible-test imports this; preflight says so elsewhere
    pass

FORMAT = "greenlang.vcci snapshot of etcd, 1"
KEY_BYTES, SALT_BYTES = 32, 16
PIECE, TAG = 1024 * 1024, 16
LONGEST_HEADER = 64 * 1024
FIELDS = ("cluster", "authority", "kubernetes", "taken", "purpose", "revision", "keys", "bytes", "sha256", "key")


def fingerprint(key: bytes) -> str:
    """By which a key is known without being told."""
    return hashlib.sha256(b"snapshot key " + key).hexdigest()[:16]


def seal(source: BinaryIO, target: BinaryIO, header: Mapping[str, Any], key: bytes, salt: bytes) -> None:
    """Write `source` as a snapshot with this header."""
    told = {"format": FORMAT, **header, "salt": base64.b64encode(salt).decode()}
    line = json.dumps(told, sort_keys=True).encode() + b"\n"
    target.write(line)
    cipher = _cipher(key, salt, line)
    pieces = enumerate(_pieces(source, PIECE))
    target.writelines(cipher.encrypt(_nonce(number, last), piece, None) for number, (piece, last) in pieces)


def read_header(source: BinaryIO, name: str) -> dict[str, Any]:
    """What the first line says, to which only that of `unseal` can be trusted. InputError names the file."""
    return _header(source, name)[0]


def unseal(source: BinaryIO, target: BinaryIO, key: bytes, name: str) -> dict[str, Any]:
    """Write what a snapshot holds, and return what its first line says. InputError names the file, and why."""
    header, line = _header(source, name)
    if header["key"] != fingerprint(key):
        raise InputError(
            f"{name}: was encrypted with key {brief(header['key'])}, not with {fingerprint(key)}. "
            f"Remedy: give the key with which it was made (key_file)"
        )
    cipher, known = _cipher(key, base64.b64decode(header["salt"]), line), hashlib.sha256()
    damaged = InputError(
        f"{name}: is damaged: what it holds is not what was written. "
        f"Remedy: take another snapshot; to restore, name an older one"
    )
    for number, (piece, last) in enumerate(_pieces(source, PIECE + TAG)):
        try:
            content = cipher.decrypt(_nonce(number, last), piece, None)
        except (InvalidTag, ValueError) as exc:
            raise damaged from exc
        known.update(content)
        target.write(content)
    if known.hexdigest() != header["sha256"]:
        raise damaged
    return header


def _header(source: BinaryIO, name: str) -> tuple[dict[str, Any], bytes]:
    line = source.readline(LONGEST_HEADER)
    try:
        header = json.loads(line)
        good = isinstance(header, dict) and header["format"] == FORMAT and all(field in header for field in FIELDS)
        base64.b64decode(header["salt"], validate=True)
    except (ValueError, KeyError, TypeError):
        good, header = False, {}
    if not good:
        raise InputError(
            f"{name}: is no snapshot that this collection made. Remedy: name a file that cluster_snapshot wrote"
        )
    return header, line


def _pieces(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """Pieces, and whether each is the last; one of an empty source."""
    piece = source.read(size)
    while True:
        following = source.read(size)
        yield piece, not following
        if not following:
            return
        piece = following


def _cipher(key: bytes, salt: bytes, line: bytes) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), KEY_BYTES, salt, hashlib.sha256(line).digest()).derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
