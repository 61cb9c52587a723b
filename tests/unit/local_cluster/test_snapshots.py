# Copyright (c) 2026 GreenLang. All rights reserved.
"""The file of a snapshot: what was written comes back, whatever was done to it is found out; what a drill compares."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import snapshot_file, swap, versions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.drill import compare, counts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.snapshot_file import PIECE, TAG

KEY, OTHER, SALT = b"k" * 32, b"o" * 32, b"s" * 16
SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7]


def sealed(content: bytes, key: bytes = KEY) -> bytes:
    told = dict.fromkeys(snapshot_file.FIELDS, "")
    told.update(sha256=hashlib.sha256(content).hexdigest(), key=snapshot_file.fingerprint(key))
    target = io.BytesIO()
    snapshot_file.seal(io.BytesIO(content), target, told, key, SALT)
    return target.getvalue()


def opened(data: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    snapshot_file.unseal(io.BytesIO(data), target, key, "file")
    return target.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_comes_back(size: int) -> None:
    content = bytes(size)
    data = sealed(content)
    assert opened(data) == content
    assert size < 100 or content[:100] not in data


def line_end(data: bytes) -> int:
    return data.index(b"\n") + 1


def told(data: bytes, **changes: object) -> bytes:
    end = line_end(data)
    return json.dumps({**json.loads(data[:end]), **changes}, sort_keys=True).encode() + b"\n" + data[end:]


def exchanged(data: bytes) -> bytes:
    end, step = line_end(data), PIECE + TAG
    return data[:end] + data[end + step : end + 2 * step] + data[end : end + step] + data[end + 2 * step :]


WHOLE = sealed(b"a" * PIECE + b"b" * PIECE + b"c")
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "the end": lambda data: data[:-5],
    "a whole last piece": lambda data: data[: line_end(data) + PIECE + TAG],
    "everything but the line": lambda data: data[: line_end(data)],
    "pieces exchanged": exchanged,
    "a byte more": lambda data: data + b"x",
    "another time": lambda data: told(data, taken="2020-01-01T00:00:00Z"),
    "another cluster": lambda data: told(data, authority="other"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_found(what: str) -> None:
    with pytest.raises(InputError, match="file: is damaged"):
        opened(DAMAGES[what](WHOLE))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"{}",
        b"[]\n",
        b"null\n",
        b"\xff\xfe\n",
        b'{"format": "other"}\n',
        b"x" * 100_000,
        told(WHOLE, salt="ä"),
    ],
)
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="is no snapshot that this collection made"):
        opened(data)


def test_another_key_is_told_apart() -> None:
    with pytest.raises(InputError, match="Remedy: give the key with which it was made"):
        opened(WHOLE, OTHER)


NOW = {"/registry/pods/a/old": (5, "x"), "/registry/pods/a/new": (12, "y"), "/registry/secrets/a/s": (9, "z")}


@pytest.mark.parametrize(
    ("held", "same", "changed", "deleted", "wrong"),
    [
        ({"/registry/pods/a/old": (5, "x"), "/registry/secrets/a/s": (9, "z")}, 2, 1, 0, []),
        (
            {"/registry/pods/a/old": (5, "x"), "/registry/secrets/a/s": (9, "z"), "/registry/pods/a/gone": (3, "g")},
            2,
            1,
            1,
            [],
        ),
        ({"/registry/pods/a/old": (5, "X"), "/registry/secrets/a/s": (9, "z")}, 1, 1, 0, ["/registry/pods/a/old"]),
        ({"/registry/pods/a/old": (4, "x"), "/registry/secrets/a/s": (9, "z")}, 1, 1, 0, ["/registry/pods/a/old"]),
        ({}, 0, 1, 0, ["/registry/pods/a/old", "/registry/secrets/a/s"]),
        # written since, and in the snapshot as it was before
        ({**NOW, "/registry/pods/a/new": (2, "before")}, 2, 1, 0, []),
    ],
)
def test_a_drill_compares_what_nobody_wrote_since(
    held: dict, same: int, changed: int, deleted: int, wrong: list
) -> None:
    found = compare(held, NOW, revision=10)
    assert (found.same, found.changed, found.deleted, found.wrong) == (same, changed, deleted, wrong)


def test_kinds_are_counted() -> None:
    assert counts(NOW) == {"pods": 2, "secrets": 1}


@pytest.mark.parametrize(
    ("version", "minor"), [("v1.37.2", 37), ("1.36", 36), ("v1.9.0", 9), ("v1.36.3-eks-abc", 36), ("1.37+", 37)]
)
def test_minors(version: str, minor: int) -> None:
    assert versions.minor(version) == minor


@pytest.mark.parametrize("version", ["", "2.1", "v1", "1.x", "latest", "x1.37"])
def test_no_version(version: str) -> None:
    with pytest.raises(VcciError, match="is no version of Kubernetes"):
        versions.minor(version)


@pytest.mark.parametrize(
    ("there", "after"),
    [
        ({"etcd": "old"}, {"etcd": "old"}),  # nothing was begun
        (
            {"etcd": "old", "etcd.restored": "new"},
            {"etcd": "old", "etcd.restored": "new"},
        ),  # killed before etcd stopped
        ({"restore.begun": "", "etcd": "old", "etcd.restored": "new"}, {"etcd": "new", "etcd.before": "old"}),
        (
            {"restore.begun": "", "etcd": "old", "etcd.restored": "new", "etcd.before": "older"},
            {"etcd": "new", "etcd.before": "old"},
        ),
        ({"restore.begun": "", "etcd.before": "old", "etcd.restored": "new"}, {"etcd": "new", "etcd.before": "old"}),
        ({"restore.begun": "", "etcd": "new", "etcd.before": "old"}, {"etcd": "new", "etcd.before": "old"}),
    ],
)
def test_a_restore_goes_on_wherever_it_was_killed(tmp_path: Path, there: dict[str, str], after: dict[str, str]) -> None:
    for name, content in there.items():
        if name.startswith("etcd"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "data").write_text(content)
        else:
            (tmp_path / name).touch()
    layout = Layout("c", ipaddress.IPv4Network("10.1.0.0/16"), tmp_path, "none", [])
    swap.settle(layout)
    swap.settle(layout)
    assert {path.name: (path / "data").read_text() for path in tmp_path.iterdir()} == after
