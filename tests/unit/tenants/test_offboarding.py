# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of an offboarding, what counts as left over, and the certificate."""

from __future__ import annotations

import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import (
    digests,
    ending,
    finalizers,
    kept,
    leftovers,
    removal,
)
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
        (
            obj(
                "FlowSchema", "vcci-tenants-3", None, {"app.kubernetes.io/managed-by": "greenlang.vcci"}, x=f":{WHERE}"
            ),
            None,
            None,
        ),
        (obj("FlowSchema", "theirs", x=f"system:serviceaccounts:{WHERE}"), "names its namespace", "stays"),
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
    data = {"tenant": {"id": "acme"}, "cordoned": NOW, "quarantined_until": NOW}
    existed = o.inventory([obj("Pod", "b"), obj("Pod", "a"), obj("Event")])
    forced = [{"object": "ConfigMap held", "what": "finalizers taken off: example.com/held"}]
    lists = {"existed": existed, "backups": [], "forced": forced}

    def made(**more):
        return o.certificate({**data, **more}, lists, cluster="uid", swept={"remaining": 0}, issued=NOW)

    assert made() == o.certificate(
        dict(reversed(data.items())), lists, cluster="uid", swept={"remaining": 0}, issued=NOW
    )
    said = json.loads(made())
    assert said["existed"] == {"Pod": ["a", "b"]}
    assert said["forced"] == forced
    assert said["swept"] == {"remaining": 0}
    assert said["backups_checked"] is None
    assert json.loads(made(backups_checked=NOW))["backups_checked"] == NOW


def test_a_record_is_small_whatever_a_tenant_has(tmp_path):
    """Names of 253 characters, as many as one likes: they are in files, of which the record has number and digest."""
    names = [f"{number:05}".ljust(253, "x") for number in range(20000)]
    data = {"phase": "deleting", o.LISTS: {}}
    for name in ("existed", "copied", "backups", "forced"):
        data[o.LISTS][name] = kept.write(tmp_path, name, {"ConfigMap": names} if name == "existed" else names)
    made = o.record("acme", "vcci-platform", "part", data)
    assert len(json.dumps(made)) < 4096
    said = o.parse_record(made)[o.LISTS]
    assert said["backups"]["number"] == 20000
    assert kept.read(tmp_path, said["existed"]) == {"ConfigMap": names}
    assert kept.read(tmp_path, said["forced"]) == names
    assert digests.of_folder(tmp_path) == []  # they are no part of the backup


def test_a_list_is_the_one_that_was_recorded_or_none(tmp_path):
    first = kept.write(tmp_path, "forced", ["a"])
    second = kept.write(tmp_path, "forced", ["a", "b"])  # killed before the record was written: the first still counts
    assert kept.read(tmp_path, first) == ["a"]
    kept.tidy(tmp_path, "forced", second)
    assert kept.read(tmp_path, first) is None
    assert kept.read(tmp_path, second) == ["a", "b"]
    (tmp_path / second["file"]).write_text("[]")
    assert kept.read(tmp_path, second) is None


GRACES = [
    ({}, {}, 300, 30),
    ({"terminationGracePeriodSeconds": 5}, {}, 300, 5),
    ({"terminationGracePeriodSeconds": 0}, {}, 300, 0),
    ({"terminationGracePeriodSeconds": 31536000}, {}, 300, 300),
    ({"terminationGracePeriodSeconds": 31536000}, {"phase": "Failed"}, 300, 0),
    ({}, {}, 10, 10),
]


@pytest.mark.parametrize(("spec", "status", "most", "seconds"), GRACES)
def test_no_pod_has_longer_to_stop_than_is_granted(spec, status, most, seconds):
    assert ending.grace_of({"spec": spec, "status": status}, most) == seconds


CLEANUP = "service.kubernetes.io/load-balancer-cleanup"
BALANCED = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}


@pytest.mark.parametrize(
    ("kind", "content", "stays"),
    [
        ("ConfigMap", {}, []),
        ("ConfigMap", BALANCED, []),
        ("Service", {}, []),  # there is no load balancer that anybody could forget
        ("Service", {"status": {"loadBalancer": {}}}, []),
        ("Service", BALANCED, [CLEANUP]),
        ("Ingress", {}, []),
        ("Ingress", BALANCED, [CLEANUP]),
        ("PersistentVolumeClaim", {}, []),
        ("Widget", {}, []),
    ],
)
def test_every_finalizer_goes_but_the_one_behind_which_a_load_balancer_would_be_left(kind, content, stays):
    every = [
        "example.com/held",
        "kubernetes.io/pvc-protection",
        "kubernetes.io/fake",
        "batch.kubernetes.io/job-tracking",
    ]
    every += ["foregroundDeletion", "orphan", CLEANUP]
    found = {"kind": kind, "metadata": {"name": "x", "finalizers": every}, **content}
    assert finalizers.staying(found) == stays
    assert finalizers.going(found) == [one for one in every if one not in stays]
    assert finalizers.going(obj(kind)) == []


def test_what_holds_a_namespace_is_said():
    def condition(kind, message, status="True"):
        return {"type": kind, "status": status, "message": message}

    remaining = condition("NamespaceFinalizersRemaining", "finalizers remaining: example.com/held in 1 instances")
    unknown = condition("NamespaceDeletionDiscoveryFailure", "Discovery failed for some groups")
    past = condition("NamespaceContentRemaining", "old", "False")
    assert removal.what_holds({"status": {"conditions": [remaining, past]}}) == remaining["message"]
    assert removal.what_holds({"status": {"conditions": [unknown]}}).endswith("see kubectl get apiservice")
    assert removal.what_holds({}) == ""
