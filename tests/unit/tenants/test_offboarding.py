# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of an offboarding, what counts as left over, and the certificate."""
from __future__ import annotations

import json

import pytest
from ansible_collections.greenlang.vcci.plugins.module_utils import _tenant_offboarding as o

WHERE = "vcci-tenant-acme"
NOW = "2026-11-23T10:00:00Z"


def obj(kind, name="x", namespace=None, labels=None, **content):
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels or {}}, **content}


def test_record_comes_back():
    data = {"phase": "cordoned", "tenant": {"id": "acme"}, "existed": {"Pod": ["a"]}, "cordoned": NOW}
    made = o.record("acme", "vcci-platform", "part", data)
    assert made["metadata"]["name"] == "tenant-offboarding-acme" and made["metadata"]["labels"]["tenant"] == "acme"
    assert all(isinstance(value, str) for value in made["data"].values())
    assert o.read_record(made) == data and o.read_record(None) == {}


@pytest.mark.parametrize("data, due", [
    ({}, False), ({"phase": "cordoned", "quarantined_until": NOW}, False), ({"phase": "quarantined", "quarantined_until": NOW}, True),
    ({"phase": "quarantined", "quarantined_until": "2026-11-23T10:00:01Z"}, False), ({"phase": "deleting"}, True), ({"phase": "deleted"}, True)])
def test_due(data, due):
    assert o.is_due(data, NOW) is due


def test_days():
    assert o.later(NOW, 30) == "2026-12-23T10:00:00Z" and o.later(NOW, 0.5) == "2026-11-23T22:00:00Z" and o.later(NOW, 0) == NOW


@pytest.mark.parametrize("found, why, goes", [
    (obj("ConfigMap", namespace=WHERE), "is in its namespace", False),
    (obj("Namespace", WHERE), "is in its namespace", False),
    (obj("ConfigMap", namespace="vcci-platform", labels={"tenant": "acme"}), "has its label", True),
    (obj("ConfigMap", namespace="vcci-platform", labels={"tenant": "acme-two"}), None, None),
    (obj("PersistentVolume", spec={"claimRef": {"namespace": WHERE}}), "names its namespace", True),
    (obj("ClusterRoleBinding", subjects=[{"kind": "ServiceAccount", "name": "a", "namespace": WHERE}]), "names its namespace", True),
    (obj("ClusterRoleBinding", subjects=[{"namespace": WHERE}, {"namespace": "other"}]), "names its namespace", False),
    (obj("ClusterRoleBinding", subjects=[{"kind": "Group", "name": f"system:serviceaccounts:{WHERE}"}]), "names its namespace", False),
    (obj("NetworkPolicy", namespace="vcci-platform", spec={"a": [{"matchLabels": {"kubernetes.io/metadata.name": WHERE}}]}), "names its namespace", False),
    (obj("ConfigMap", namespace="vcci-platform", data={"url": f"http://web.{WHERE}.svc:80"}), "names its namespace", False),
    (obj("ConfigMap", namespace="vcci-platform", data={"url": f"http://web.{WHERE}-two.svc:80"}), None, None),
    (obj("CiliumIdentity", **{"security-labels": {"k8s:io.kubernetes.pod.namespace": WHERE}}), "names its namespace", True),
    (obj("ConfigMap", namespace="vcci-tenant-other", data={"x": WHERE}), None, None),
    (obj("Event", namespace="default", involvedObject={"name": WHERE}), None, None),
    (obj("ConfigMap", "tenant-offboarding-acme", "vcci-platform", {"tenant": "acme"}), None, None),
])
def test_left_over(found, why, goes):
    assert o.why_left(found, "acme", WHERE, ("vcci-platform", "tenant-offboarding-acme")) == why
    assert why is None or o.may_go(found, why, WHERE) is goes


def test_certificate():
    data = {"tenant": {"id": "acme"}, "cordoned": NOW, "quarantined_until": NOW, "existed": o.inventory([obj("Pod", "b"), obj("Pod", "a"), obj("Event")]),
            "backups": []}
    text = o.certificate(data, cluster="uid", swept={"remaining": 0}, issued=NOW)
    assert text == o.certificate(dict(reversed(data.items())), cluster="uid", swept={"remaining": 0}, issued=NOW)
    assert json.loads(text)["existed"] == {"Pod": ["a", "b"]} and json.loads(text)["swept"] == {"remaining": 0}
