# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting, with the part of the kubelet and of foreign controllers played by the test through the API."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import WaitTimeout

LABELS = {"app": "web"}


def deployment(namespace, name="web"):
    pod = {"containers": [{"name": "main", "image": "example.invalid/main:1"}], "nodeSelector": {"no": "such-node"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": pod},
        },
    }


def definition(group):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"kind": "Widget", "plural": "widgets"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def test_a_time_out_shows_the_pods_and_their_events(apply, namespace):
    said = []
    with pytest.raises(WaitTimeout) as caught:
        apply([deployment(namespace)], wait=True, wait_timeout=4, say=said.append)
    message = str(caught.value)
    assert f"not ready after 4 s: Deployment {namespace}/web (0/1 replicas available)" in message
    assert f"Pod {namespace}/web-" in message
    assert any(line.startswith("waiting (") and f"Deployment {namespace}/web" in line for line in said)
    assert caught.value.result.created == [f"Deployment {namespace}/web"]


def test_a_custom_resource_is_awaited_by_its_conditions(apply, client, namespace):
    group = f"{namespace}.example.com"
    widget = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": namespace},
        "spec": {"size": 1},
    }

    def controller():
        path = f"/apis/{group}/v1/namespaces/{namespace}/widgets/w"
        for ready in ("False", "True"):
            time.sleep(1)
            status = {"status": {"conditions": [{"type": "Ready", "status": ready, "reason": "Test"}]}}
            client.request("PATCH", path + "/status", body=status, content_type="application/merge-patch+json")

    try:
        apply_set(client, [definition(group)], ApplyOptions(name=None))
        worker = threading.Thread(target=controller)
        client.forget_kinds()
        began = time.monotonic()
        worker_started = threading.Timer(0.5, worker.start)
        worker_started.start()
        apply([widget], wait=True, wait_timeout=20)
        assert time.monotonic() - began > 2
        worker.join()
        # Ready already: one look.
        began = time.monotonic()
        assert not apply([widget], wait=True).changed
        assert time.monotonic() - began < 1
    finally:
        client.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}")


def test_a_failed_job_ends_the_wait(apply, client, namespace):
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.invalid/a:1"}]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j", "namespace": namespace},
        "spec": {"activeDeadlineSeconds": 1, "template": {"spec": pod}},
    }
    with pytest.raises(WaitTimeout, match=r"failed after .*DeadlineExceeded"):
        apply([job], wait=True, wait_timeout=60)


def test_a_claim_that_waits_for_its_consumer_is_ready(apply, client, namespace):
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": namespace},
        "provisioner": "example.com/none",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": namespace,
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": namespace},
        "spec": spec,
    }
    try:
        assert len(apply([storage, claim], wait=True, wait_timeout=5).created) == 2
    finally:
        client.request("DELETE", f"/apis/storage.k8s.io/v1/storageclasses/{namespace}")


def test_what_has_no_state_is_not_asked_for(apply, namespace):
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}}]
    apply(objects, wait=True)
    assert apply(objects, wait=True).requests == 2
