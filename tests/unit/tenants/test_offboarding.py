# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of an offboarding, what counts as left over, and the certificate."""

from __future__ import annotations

import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import leftovers
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import record as o

WHERE = "vcci-tenant-acme"
NOW = "2026-11-23T10:00:00Z"


def obj(kind, name="x", namespace=None, labels=None, **content):
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels or {}}, **content}


def test_record_comes_back():
    data = {
        "phase": "cordoned",
        "tenant": {"id": "acme"},
        "existed": {"Pod": ["a"]},
        "cordoned": NOW,
        "copied": {"files": {"bytes": 1}},
    }
    made = o.record("acme", "vcci-platform", "part", data)
    assert made["metadata"]["name"] == "tenant-offboarding-acme"
    assert made["metadata"]["labels"]["tenant"] == "acme"
    assert all(isinstance(value, str) for value in made["data"].values())
    assert o.parse_record(made) == data
    assert o.parse_record(None) == {}


@pytest.mark.parametrize(
    ("data", "due"),
    [
        ({}, False),
        ({"phase": "cordoned", "quarantined_until": NOW}, False),
        ({"phase": "quarantined", "quarantined_until": NOW}, True),
        ({"phase": "quarantined", "quarantined_until": "2026-11-23T10:00:01Z"}, False),
        ({"phase": "deleting"}, True),
        ({"phase": "deleted"}, True),
    ],
)
def test_due(data, due):
    assert o.is_due(data, NOW) is due


def test_days():
    assert o.later(NOW, 30) == "2026-12-23T10:00:00Z"
    assert o.later(NOW, 0.5) == "2026-11-23T22:00:00Z"
    assert o.later(NOW, 0) == NOW


OURS = {"tenant": "acme", "app.kubernetes.io/managed-by": "greenlang.vcci"}
OF_ACME = {"claimRef": {"namespace": WHERE}}


@pytest.mark.parametrize(
    ("found", "why", "fate"),
    [
        (obj("ConfigMap", namespace=WHERE), "is in its namespace", "stays"),
        (obj("Namespace", WHERE), "is in its namespace", "stays"),
        (obj("ConfigMap", namespace="vcci-platform", labels=OURS), "has its label", "goes"),
        (obj("ConfigMap", namespace="billing", labels={"tenant": "acme"}), "has its label", "stays"),
        (obj("PersistentVolumeClaim", "invoices", "billing", {"tenant": "acme"}), "has its label", "stays"),
        (obj("PersistentVolumeClaim", "invoices", "billing", OURS), "has its label", "stays"),
        (obj("Namespace", "billing", labels=OURS), "has its label", "stays"),
        (obj("ConfigMap", namespace="vcci-platform", labels={"tenant": "acme-two"}), None, None),
        (
            obj("PersistentVolume", spec={**OF_ACME, "persistentVolumeReclaimPolicy": "Delete"}),
            "names its namespace",
            "waits",
        ),
        (
            obj("PersistentVolume", spec={**OF_ACME, "persistentVolumeReclaimPolicy": "Retain"}),
            "names its namespace",
            "stays",
        ),
        (
            obj("PersistentVolume", labels=OURS, spec={"persistentVolumeReclaimPolicy": "Delete"}),
            "has its label",
            "stays",
        ),
        (
            obj("ClusterRoleBinding", subjects=[{"kind": "ServiceAccount", "name": "a", "namespace": WHERE}]),
            "names its namespace",
            "goes",
        ),
        (
            obj("ClusterRoleBinding", subjects=[{"namespace": WHERE}, {"namespace": "other"}]),
            "names its namespace",
            "stays",
        ),
        (
            obj("ClusterRoleBinding", subjects=[{"kind": "Group", "name": f"system:serviceaccounts:{WHERE}"}]),
            "names its namespace",
            "stays",
        ),
        (obj("RoleBinding", namespace="billing", roleRef={"name": WHERE}), "names its namespace", "stays"),
        (
            obj(
                "NetworkPolicy",
                namespace="vcci-platform",
                spec={"a": [{"matchLabels": {"kubernetes.io/metadata.name": WHERE}}]},
            ),
            "names its namespace",
            "stays",
        ),
        (
            obj("ConfigMap", namespace="vcci-platform", data={"url": f"http://web.{WHERE}.svc:80"}),
            "names its namespace",
            "stays",
        ),
        (obj("ConfigMap", namespace="vcci-platform", data={"url": f"http://web.{WHERE}-two.svc:80"}), None, None),
        (
            obj("CiliumIdentity", **{"security-labels": {"k8s:io.kubernetes.pod.namespace": WHERE}}),
            "names its namespace",
            "goes",
        ),
        (obj("ConfigMap", namespace="vcci-tenant-other", data={"x": WHERE}), None, None),
        (obj("Event", namespace="default", involvedObject={"name": WHERE}), None, None),
        (obj("ConfigMap", "tenant-offboarding-acme", "vcci-platform", {"tenant": "acme"}), None, None),
    ],
)
def test_left_over(found, why, fate):
    assert leftovers.why_left(found, "acme", WHERE, ("vcci-platform", "tenant-offboarding-acme")) == why
    assert why is None or leftovers.fate(found, why, WHERE) == fate


def test_what_is_left_is_described_with_what_to_do():
    assert (
        leftovers.described(obj("ConfigMap", "of-acme", "billing"), "has its label")
        == "ConfigMap billing/of-acme has its label"
    )
    kept = obj("PersistentVolume", "pv-1", spec={"persistentVolumeReclaimPolicy": "Retain"})
    assert leftovers.described(kept, "names its namespace") == (
        "PersistentVolume pv-1 names its namespace, and its policy Retain keeps the disk: "
        "delete the disk where it is, then the PersistentVolume"
    )
    failed = obj(
        "PersistentVolume",
        "pv-1",
        spec={"persistentVolumeReclaimPolicy": "Delete"},
        status={"message": "still attached"},
    )
    assert leftovers.described(failed, "x").endswith("its provisioner has not deleted it: still attached")


def test_nothing_of_a_secret_is_kept():
    applied = json.dumps({"kind": "Secret", "stringData": {"password": "hidden-value"}})
    secret = {
        "kind": "Secret",
        "data": {"password": "aGlkZGVuLXZhbHVl"},
        "metadata": {
            "name": "x",
            "labels": {"app": "x"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
            "managedFields": [{}],
        },
    }
    assert o.without_secrets(secret) == {
        "kind": "Secret",
        "data": {"password": ""},
        "metadata": {"name": "x", "labels": {"app": "x"}},
    }
    other = {
        "kind": "ConfigMap",
        "data": {"a": "b"},
        "metadata": {"name": "x", "annotations": {"a": "b"}, "managedFields": [{}]},
    }
    assert o.without_secrets(other) == {
        "kind": "ConfigMap",
        "data": {"a": "b"},
        "metadata": {"name": "x", "annotations": {"a": "b"}},
    }


def test_certificate():
    data = {
        "tenant": {"id": "acme"},
        "cordoned": NOW,
        "quarantined_until": NOW,
        "existed": o.inventory([obj("Pod", "b"), obj("Pod", "a"), obj("Event")]),
        "backups": [],
    }
    text = o.certificate(data, cluster="uid", swept={"remaining": 0}, issued=NOW)
    assert text == o.certificate(dict(reversed(data.items())), cluster="uid", swept={"remaining": 0}, issued=NOW)
    said = json.loads(text)
    assert said["existed"] == {"Pod": ["a", "b"]}
    assert said["swept"] == {"remaining": 0}
    assert said["backups_checked"] is None
    assert (
        json.loads(o.certificate({**data, "backups_checked": NOW}, cluster="uid", swept={}, issued=NOW))[
            "backups_checked"
        ]
        == NOW
    )
