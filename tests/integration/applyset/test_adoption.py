# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that others applied or edited before us become what the manifest says, and check mode shows it."""

from __future__ import annotations

import contextlib
import copy
import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH, Client

LABELS = {"app": "web"}


def config_map(namespace, **data):
    meta = {"name": "settings", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def service(namespace, *ports):
    meta = {"name": "web", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": LABELS, "ports": list(ports)}}


def deployment(namespace, *variables, **spec):
    env = [{"name": name, "value": "1"} for name in variables]
    pod = {"containers": [{"name": "main", "image": "example/main:1", "env": env, "ports": [{"containerPort": 53}]}]}
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"matchLabels": LABELS}, "template": template, **spec},
    }


def changed(obj, **metadata):
    made = copy.deepcopy(obj)
    made["metadata"].update(metadata)
    return made


HTTP, DNS, DNS_UDP = (
    {"name": "http", "port": 80},
    {"name": "tcp", "port": 53},
    {"name": "udp", "port": 53, "protocol": "UDP"},
)
ADOPTED = {
    # name: what kubectl applied, what the set has, and what must be left of it
    "a value": (
        lambda ns: config_map(ns, a="1", b="2"),
        lambda ns: config_map(ns, a="1"),
        lambda obj: obj["data"] == {"a": "1"},
    ),
    "a value that differs as well": (
        lambda ns: config_map(ns, a="1", b="2"),
        lambda ns: config_map(ns, a="3"),
        lambda obj: obj["data"] == {"a": "3"},
    ),
    "a label and an annotation": (
        lambda ns: changed(config_map(ns, a="1"), labels={"old": "x"}, annotations={"old": "x"}),
        lambda ns: config_map(ns, a="1"),
        lambda obj: not {"old"} & (obj["metadata"]["labels"].keys() | obj["metadata"]["annotations"].keys()),
    ),
    "an item of a list": (
        lambda ns: deployment(ns, "A", "OLD"),
        lambda ns: deployment(ns, "A"),
        lambda obj: [e["name"] for e in obj["spec"]["template"]["spec"]["containers"][0]["env"]] == ["A"],
    ),
    "an item whose key has a default": (
        lambda ns: service(ns, DNS, DNS_UDP),
        lambda ns: service(ns, DNS_UDP),
        lambda obj: [port["protocol"] for port in obj["spec"]["ports"]] == ["UDP"],
    ),
    "a field with a default": (
        lambda ns: deployment(ns, revisionHistoryLimit=3),
        deployment,
        lambda obj: obj["spec"]["revisionHistoryLimit"] == 10,
    ),
    "the number of replicas is left as it is": (
        lambda ns: deployment(ns, replicas=3),
        deployment,
        lambda obj: obj["spec"]["replicas"] == 3,
    ),
}


def live(client, obj):
    meta = obj["metadata"]
    return client.get(obj["apiVersion"], obj["kind"], meta["name"], meta["namespace"])


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("case", ADOPTED)
def test_what_client_side_apply_set_and_the_manifest_has_not_leaves(apply, kubectl, client, namespace, case, force):
    before, wanted, is_left = ADOPTED[case]
    kubectl("apply", "-f", "-", given=before(namespace))
    kubectl("label", "-n", namespace, wanted(namespace)["kind"], wanted(namespace)["metadata"]["name"], "by-hand=1")
    obj = wanted(namespace)
    predicted = apply([obj], check=True, force_conflicts=force)
    done = apply([obj], force_conflicts=force)
    assert predicted.configured == done.configured != []
    assert predicted.diff == done.diff
    found = live(client, obj)
    assert is_left(found)
    assert found["metadata"]["labels"]["by-hand"] == "1"  # that was no apply
    assert "kubectl.kubernetes.io/last-applied-configuration" not in found["metadata"]["annotations"]
    assert not apply([obj]).changed
    assert not apply([obj], check=True).changed


@pytest.mark.parametrize("manager", ["OpenAPI-Generator", "kubectl"])
def test_other_clients_and_older_names_are_taken_over_too(apply, kubectl, client, namespace, manager):
    """What kubernetes.core.k8s with `apply: true` writes, and kubectl before 1.19, has the annotation."""
    kubectl("apply", f"--field-manager={manager}", "-f", "-", given=config_map(namespace, a="1", b="2"))
    assert apply([config_map(namespace, a="1")]).configured
    assert live(client, config_map(namespace))["data"] == {"a": "1"}


class Late(Client):
    """Somebody deletes the object before the first request that would change it."""

    late = False

    def raw(self, method, path, **more):
        if method == "PATCH" and path.endswith("/settings") and not self.late:
            self.late = True
            self.request("DELETE", path)
        return super().raw(method, path, **more)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("by_kubectl", [True, False])
def test_what_is_gone_when_it_would_be_changed_is_created(apply, kubectl, kubeconfig, namespace, by_kubectl, check):
    if by_kubectl:
        kubectl("apply", "-f", "-", given=config_map(namespace, a="1", b="2"))
    else:
        apply([config_map(namespace, a="1")])
    late = Late.from_params({"kubeconfig": str(kubeconfig)})
    with contextlib.closing(late):
        done = apply([config_map(namespace, a="2")], client=late, check=check)
    assert done.created == [f"ConfigMap {namespace}/settings"]


@pytest.mark.parametrize("check", [True, False])
def test_who_only_has_the_name_of_an_old_kubectl_is_not_taken_over(apply, client, namespace, check):
    """So `kubectl rollout undo` writes."""
    apply([config_map(namespace, a="1")])
    body, query = {"data": {"a": "0"}}, {"fieldManager": "kubectl"}
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    client.request("PATCH", path, body=body, content_type=MERGE_PATCH, query=query)
    with pytest.raises(ApplyError, match=r"\.data\.a is owned by 'kubectl'"):
        apply([config_map(namespace, a="1")], check=check)


@pytest.mark.parametrize("check", [True, False])
def test_another_field_manager_than_before_is_told(apply, namespace, check):
    apply([config_map(namespace, a="1")])
    with pytest.raises(ApplyError, match=r"was applied by field manager 'greenlang\.vcci' before"):
        apply([config_map(namespace, a="2")], field_manager="other", check=check)
    assert apply([config_map(namespace, a="2")], field_manager="other", force_conflicts=True, check=check).changed


def test_what_others_set_by_hand_stays(apply, kubectl, client, namespace):
    kubectl("apply", "-f", "-", given=config_map(namespace, a="1", b="2"))
    kubectl("patch", "-n", namespace, "cm", "settings", "-p", '{"data": {"b": "3", "c": "4"}}', "--field-manager=hand")
    apply([config_map(namespace, a="1")])
    assert live(client, config_map(namespace))["data"] == {"a": "1", "b": "3", "c": "4"}


def test_conflicts_with_others_remain_conflicts(apply, kubectl, client, namespace):
    kubectl("apply", "-f", "-", given=config_map(namespace, a="1", b="2"))
    kubectl("patch", "-n", namespace, "cm", "settings", "-p", '{"data": {"b": "3"}}', "--field-manager=hand")
    for check in (True, False):
        with pytest.raises(ApplyError, match=r"\.data\.b is owned by 'hand'") as caught:
            apply([config_map(namespace, a="2", b="4")], check=check)
        assert "client-side" not in str(caught.value)


def test_a_port_of_one_number_that_is_removed_is_missed(apply, kubectl, client, namespace):
    wanted = service(namespace, DNS, DNS_UDP)
    apply([wanted])
    kubectl("patch", "-n", namespace, "svc", "web", "--type=json", "-p", '[{"op": "remove", "path": "/spec/ports/0"}]')
    assert apply([wanted], check=True).configured
    assert apply([wanted]).configured
    assert len(live(client, wanted)["spec"]["ports"]) == 2


def renumber(kubectl, namespace, number):
    change = [{"op": "replace", "path": "/spec/ports/0/port", "value": number}]
    kubectl("patch", "-n", namespace, "svc", "web", "--type=json", "-p", json.dumps(change), "--field-manager=hand")


def test_an_item_that_hides_ours_is_named_and_with_force_replaced(apply, kubectl, client, namespace):
    wanted = service(namespace, HTTP, DNS)
    apply([wanted])
    renumber(kubectl, namespace, 81)
    for check in (True, False):
        with pytest.raises(ApplyError, match=r'"port":81,"protocol":"TCP".*belongs to \'hand\'.*force_conflicts'):
            apply([wanted], check=check)
    predicted = apply([wanted], check=True, force_conflicts=True)
    done = apply([wanted], force_conflicts=True)
    assert predicted.diff == done.diff
    assert predicted.configured == done.configured != []
    assert [port["port"] for port in live(client, wanted)["spec"]["ports"]] == [80, 53]
    assert not apply([wanted]).changed
