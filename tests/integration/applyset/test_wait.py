# Copyright (c) 2026 GreenLang. All rights reserved.
"""Waiting, with the part of the kubelet and of foreign controllers played by the test through the API."""

from __future__ import annotations

import re
import threading
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import NotFound, WaitTimeout

from tests.helpers import PATIENCE, eventually
from tests.integration.applyset.objects import definition

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


def test_a_time_out_shows_the_pods_and_their_events(apply, namespace):
    said = []
    with pytest.raises(WaitTimeout) as caught:
        apply([deployment(namespace)], wait=True, wait_timeout=15, say=said.append)
    message = str(caught.value)
    ended = re.search(rf"not ready after (\d+) s: Deployment {namespace}/web \(0/1 replicas available\)", message)
    assert ended
    assert int(ended[1]) >= 15
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

    said = []

    def say(ready):
        path = f"/apis/{group}/v1/namespaces/{namespace}/widgets/w/status"
        status = {"status": {"conditions": [{"type": "Ready", "status": ready, "reason": "Test"}]}}
        try:
            client.request("PATCH", path, body=status, content_type="application/merge-patch+json")
        except NotFound:
            return False
        said.append(ready)
        return True

    def controller():
        for ready in ("False", "True"):
            time.sleep(1)
            eventually(lambda ready=ready: say(ready), "the object is written")

    try:
        apply_set(client, [definition(group)], ApplyOptions(name=None))
        worker = threading.Thread(target=controller)
        client.forget_kinds()
        worker.start()
        apply([widget], wait=True, wait_timeout=PATIENCE)
        assert said == ["False", "True"]
        worker.join()
        again = apply([widget], wait=True)
        assert not again.changed
        assert again.requests == 3  # the record, a list, and one look at what is ready already
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
        apply([job], wait=True, wait_timeout=PATIENCE)


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
        assert len(apply([storage, claim], wait=True, wait_timeout=PATIENCE).created) == 2
    finally:
        client.request("DELETE", f"/apis/storage.k8s.io/v1/storageclasses/{namespace}")


def test_what_has_no_state_is_not_asked_for(apply, namespace):
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}}]
    apply(objects, wait=True)
    assert apply(objects, wait=True).requests == 2
