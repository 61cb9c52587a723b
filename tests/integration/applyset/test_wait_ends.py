# Copyright (c) 2026 GreenLang. All rights reserved.
"""What cannot come any more is not awaited; what to wait for may be said; what nobody speaks for is listed."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import expectation
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError, InputError, NotFound, WaitTimeout

from tests.helpers import PATIENCE, eventually
from tests.integration.applyset.objects import definition, made

MERGE = "application/merge-patch+json"


def pending_claim(namespace):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    return made("v1", "PersistentVolumeClaim", namespace, "claim", spec=spec)


def pod(namespace):
    """One that no scheduler cares for."""
    container = {"name": "main", "image": "example.invalid/a:1"}
    return made("v1", "Pod", namespace, "p", spec={"containers": [container], "schedulerName": "none"})


def job(namespace, **spec):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.invalid/a:1"}]}}
    template["spec"]["schedulerName"] = "none"
    return made("batch/v1", "Job", namespace, "j", spec={"template": template, **spec})


def later(seconds, what):
    """Do something while a run is waiting."""

    def act():
        time.sleep(seconds)
        eventually(lambda: not _not_found(what), "it is there")

    worker = threading.Thread(target=act)
    worker.start()
    return worker


def _not_found(what):
    try:
        what()
    except NotFound:
        return True
    return False


@pytest.fixture
def group(client, namespace):
    """A group with a kind Widget."""
    group = f"{namespace}.example.com"
    apply_set(client, [definition(group)], ApplyOptions())
    client.forget_kinds()
    yield group
    client.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}")


def test_what_others_delete_is_not_awaited(apply, client, namespace):
    gone = later(1, lambda: client.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/p"))
    with pytest.raises(WaitTimeout, match=r"^failed after \d+ s: .*was deleted by someone else") as caught:
        apply([pod(namespace), pending_claim(namespace)], wait=True, wait_timeout=600)
    gone.join()
    assert {entry["object"]: entry["state"] for entry in caught.value.pending} == {
        f"Pod {namespace}/p": "failed",
        f"PersistentVolumeClaim {namespace}/claim": "in progress",
    }
    assert len(caught.value.result.created) == 2


@pytest.mark.parametrize("held", [0, 1])
def test_what_others_replace_is_awaited(apply, client, namespace, held):
    """Also while it still is there and goes, here for so many seconds."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    first = pod(namespace)
    first["metadata"]["finalizers"] = ["example.com/held"] if held else []

    def replace():
        client.request("DELETE", f"{path}/p")
        if held:
            time.sleep(held)
            client.request("PATCH", f"{path}/p", body={"metadata": {"finalizers": None}}, content_type=MERGE)
        client.request("POST", path, body=pod(namespace))
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        client.request("PATCH", f"{path}/p/status", body={"status": status}, content_type=MERGE)

    replaced = later(1, replace)
    assert apply([first], wait=True, wait_timeout=PATIENCE).created
    replaced.join()


def test_a_failed_job_ends_the_wait_though_a_claim_is_pending(apply, namespace):
    with pytest.raises(WaitTimeout, match=r"failed after \d+ s: Job .*DeadlineExceeded"):
        apply([pending_claim(namespace), job(namespace, activeDeadlineSeconds=1)], wait=True, wait_timeout=600)


def test_a_job_that_is_done_and_gone_is_ready(apply, client, namespace):
    """It may be deleted before anybody has seen that it was done."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/j"
    gone = later(1, lambda: client.request("DELETE", path, body={"propagationPolicy": "Background"}))
    assert apply([job(namespace, ttlSecondsAfterFinished=0)], wait=True, wait_timeout=PATIENCE).created
    gone.join()


def test_a_job_that_failed_and_is_gone_is_not(apply, namespace):
    with pytest.raises(WaitTimeout, match="DeadlineExceeded"):
        apply([job(namespace, ttlSecondsAfterFinished=0, activeDeadlineSeconds=1)], wait=True, wait_timeout=PATIENCE)


def test_a_definition_whose_names_are_taken_is_refused_with_the_reason(client, group):
    taken = definition(group, plural="others")
    try:
        with pytest.raises(ApplyError, match=r'refused: .*"Widget(List)?" is already in use') as caught:
            apply_set(client, [taken], ApplyOptions())
        assert f"CustomResourceDefinition others.{group}" in str(caught.value)
    finally:
        delete_set(client, [taken], ApplyOptions(prune_named=(f"CustomResourceDefinition/others.{group}",)))


def test_what_to_wait_for_may_be_said(apply, client, namespace, group):
    widget = made(f"{group}/v1", "Widget", namespace, "w", spec={})
    path = f"/apis/{group}/v1/namespaces/{namespace}/widgets/w/status"

    def say(phase):
        return lambda: client.request("PATCH", path, body={"status": {"phase": phase}}, content_type=MERGE)

    given = {"kind": f"Widget.{group}", "field": "status.phase", "value": ["Up"], "failed": "Broken"}
    options = {"wait": True, "wait_timeout": PATIENCE, "wait_for": expectation.parse([given])}
    pending, up = later(0, say("Pending")), later(2, say("Up"))
    begun = time.monotonic()
    result = apply([widget], **options)
    assert time.monotonic() - begun >= 1.5
    assert result.created
    assert result.assumed_ready == []
    for worker in (pending, up):
        worker.join()
    say("Broken")()
    with pytest.raises(WaitTimeout, match=r"failed after .*status.phase is Broken"):
        apply([widget], **options)
    with pytest.raises(InputError, match="no Gadget"):
        apply([widget], wait=True, wait_for=expectation.parse([{"kind": "Gadget", "condition": "Ready"}]))


def test_what_nothing_speaks_for_is_listed(apply, client, namespace, group):
    silent = made(f"{group}/v1", "Widget", namespace, "silent", spec={})
    label = f"Widget.{group} {namespace}/silent"
    assert apply([silent], wait=True, wait_timeout=PATIENCE).to_dict()["assumed_ready"] == [label]
    path = f"/apis/{group}/v1/namespaces/{namespace}/widgets/silent/status"
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    client.request("PATCH", path, body={"status": status}, content_type=MERGE)
    assert apply([silent], wait=True).to_dict()["assumed_ready"] == []


def test_the_options_of_a_task(module, kubeconfig, namespace):
    def run(**options):
        given = {
            "kubeconfig": str(kubeconfig),
            "name": "s",
            "namespace": namespace,
            "wait_timeout": PATIENCE,
            **options,
        }
        return module("applyset", **given)

    first = job(namespace, suspend=True)
    assert run(definition=[first])["changed"]
    other = job(namespace, suspend=True, completionMode="Indexed", completions=1)
    assert "recreate: [Job]" in run(definition=[other])["msg"]
    suspended = {"kind": "Job", "condition": "Suspended", "status": True}
    done = run(definition=[other], recreate=["Job"], wait=True, wait_for=[suspended])
    assert done["recreated"] == [f"Job {namespace}/j"]
    assert (done["replaced"], done["assumed_ready"]) == ([], [])
    assert "needs wait: true" in run(definition=[other], wait_for=[suspended])["msg"]
    assert "is never deleted" in run(definition=[other], recreate=["PersistentVolume"])["msg"]
