# Copyright (c) 2026 GreenLang. All rights reserved.
"""Specs of sig-storage's Conformance on the real local cluster: docs/conformance.md says which."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.molecule.conformance import Ground, Object, ground, made, pod
from tests.molecule.conftest import Site

USER = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
BINARY = "/+79"  # base64
FIELDS = [
    {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
    {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
    {"path": "notes", "fieldRef": {"fieldPath": "metadata.annotations"}, "mode": 0o400},
    {"path": "memory", "resourceFieldRef": {"containerName": "main", "resource": "limits.memory"}},
    {
        "path": "cpu",
        "resourceFieldRef": {"containerName": "main", "resource": "requests.cpu", "divisor": "1m"},
    },
]
PROJECTED = [
    {"configMap": {"name": "words", "items": [{"key": "a", "path": "deep/word", "mode": 0o440}]}},
    {"secret": {"name": "words", "items": [{"key": "a", "path": "secret"}]}},
    {"downwardAPI": {"items": [FIELDS[0]]}},
    {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
    {"configMap": {"name": "later", "optional": True}},
]
VOLUMES = [
    {"name": "config", "configMap": {"name": "words", "defaultMode": 0o444}},
    {"name": "config-too", "configMap": {"name": "words"}},
    {"name": "secret", "secret": {"secretName": "words", "defaultMode": 0o440}},
    {"name": "later", "configMap": {"name": "later", "optional": True}},
    {"name": "fields", "downwardAPI": {"items": FIELDS}},
    {"name": "projected", "projected": {"sources": PROJECTED}},
    {"name": "disk", "emptyDir": {}},
    {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
]
SUBPATHS = [  # volume, what of it, where
    ("config", "a", "/etc/hostname.mine"),
    ("config", "a", "/etc/debian_version"),  # a file that is there
    ("secret", "a", "/sub/secret"),
    ("fields", "name", "/sub/name"),
    ("projected", "deep/word", "/sub/word"),
]


@pytest.fixture(scope="module")
def store(site: Site) -> Iterator[Ground]:
    """One pod with a volume of each kind."""
    for each in ground(site, "conformance-storage"):
        mounts = [{"name": volume["name"], "mountPath": f"/v/{volume['name']}"} for volume in VOLUMES]
        mounts += [{"name": name, "subPath": what, "mountPath": where} for name, what, where in SUBPATHS]
        each.apply(
            made("v1", "ConfigMap", "words", data={"a": "first", "b": "second"}, binaryData={"c": BINARY}),
            made("v1", "Secret", "words", stringData={"a": "hidden"}),
            made("v1", "Pod", "reader", {"app": "reader"}, spec=reader(mounts)),
        )
        each.wait("pod/reader")
        yield each


def reader(mounts: list[Object]) -> Object:
    """Two containers that share volumes."""
    spec = pod("exec sleep 3600", VOLUMES, mounts=mounts, securityContext=USER)
    [main] = spec["containers"]
    return {**spec, "containers": [main, {**main, "name": "other"}]}


def read(store: Ground, *paths: str) -> list[str]:
    return [store.sh("reader", f"cat /v/{path}") for path in paths]


def refreshed(store: Ground) -> None:
    """A kubelet looks at a pod's volumes when the pod changes, and else about once a minute."""
    store.kubectl("annotate", "pod", "reader", f"look={uuid.uuid4().hex}", "--overwrite")


def test_what_a_volume_shows_and_to_whom(store: Ground) -> None:
    assert read(store, "config/a", "config/b", "config-too/a", "secret/a") == ["first", "second", "first", "hidden"]
    assert store.sh("reader", "base64 /v/config/c") == BINARY
    modes = store.sh("reader", "cd /v; stat -L -c '%n %a %g' config/a secret/a fields/notes projected/deep/word")
    assert modes.splitlines() == [
        "config/a 444 10001",
        "secret/a 440 10001",
        "fields/notes 440 10001",  # a group that owns it reads what its owner reads
        "projected/deep/word 440 10001",
    ]
    assert store.sh("reader", "id -u; touch /v/config/x 2>&1 || true").splitlines()[1].endswith("Read-only file system")


def test_fields_of_the_pod_itself(store: Ground) -> None:
    assert read(store, "fields/name", "fields/memory", "fields/cpu") == ["reader", str(64 << 20), "5"]
    assert 'app="reader"' in read(store, "fields/labels")[0]


def test_parts_are_projected_into_one_volume(store: Ground) -> None:
    assert read(store, "projected/deep/word", "projected/secret", "projected/name") == ["first", "hidden", "reader"]
    assert read(store, "projected/token")[0].count(".") == 2


def test_subpaths_of_each_kind(store: Ground) -> None:
    told = store.sh(
        "reader", f"cd /; for file in {' '.join(path for _v, _s, path in SUBPATHS)}; do cat $file; echo; done"
    )
    assert [line for line in told.splitlines() if line] == ["first", "first", "hidden", "reader", "first"]


def test_empty_directories_by_disk_and_memory(store: Ground) -> None:
    """Everybody in the pod writes there, and a file keeps its mode; what is in memory has its size."""
    assert store.sh("reader", "stat -c %a /v/disk /v/memory | sort -u").splitlines()[0][-3:] == "777"
    for where in ("disk", "memory"):
        for mode in ("644", "666", "777"):
            store.sh("reader", f"echo {mode} > /v/{where}/{mode}; chmod {mode} /v/{where}/{mode}")
        script = f"cd /v/{where}; for file in 644 666 777; do cat $file; stat -c %a $file; done"
        told = store.kubectl("exec", "reader", "-c", "other", "--", "sh", "-c", script).split()
        assert told == ["644", "644", "666", "666", "777", "777"]
    assert store.sh("reader", "stat -f -c %T /v/memory") == "tmpfs"
    full = store.sh("reader", "head -c 2M /dev/zero > /v/memory/much 2>&1 || true; stat -c %s /v/memory/much")
    assert int(full.splitlines()[-1]) <= 1 << 20


def test_updates_are_reflected(store: Ground) -> None:
    """Of ConfigMaps, Secrets and labels, plain and projected; of one that came later too. A subpath keeps its own."""
    store.patch("configmap/words", {"data": {"a": "changed", "b": None}})
    store.patch("secret/words", {"stringData": {"a": "other"}})
    store.apply(made("v1", "ConfigMap", "later", data={"late": "here"}))
    store.kubectl("label", "pod", "reader", "more=yes")
    shown = ("config/a", "projected/deep/word", "secret/a", "projected/secret", "later/late", "projected/late")
    wanted = ["changed", "changed", "other", "other", "here", "here"]

    def there() -> bool:
        refreshed(store)
        now = [store.sh("reader", f"cat /v/{path} 2>/dev/null || true") for path in shown]
        return now == wanted and 'more="yes"' in read(store, "fields/labels")[0]

    store.until(there, "all is shown")
    assert store.sh("reader", "ls /v/config").split() == ["a", "c"]
    assert store.sh("reader", "cat /sub/word /etc/debian_version") == "firstfirst"
