# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every way in which somebody else may change what we applied, made with kubectl, is noticed; what does not concern us
is not.

For each row check mode must predict what the run then does, and a run after that must find nothing to do.
"""

from __future__ import annotations

import copy
import json

import pytest

LABELS = {"app": "web"}


def objects(namespace):
    pod = {
        "containers": [
            {
                "name": "main",
                "image": "example/main:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "metrics"}],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                "args": ["--one", "--two"],
            },
        ],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
    }
    meta = {"namespace": namespace, "labels": LABELS}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", **meta, "annotations": {"team": "vcci"}},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", **meta},
            "data": {"colour": "green", "size": "large"},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "login", **meta},
            "stringData": {"password": "correct horse"},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", **meta},
            "spec": {"selector": LABELS, "ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 81}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "web", **meta},
            "spec": {
                "podSelector": {},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": {"matchLabels": LABELS}}]}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "quota", **meta},
            "spec": {"hard": {"pods": "10", "requests.cpu": "1000m"}},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "reader", **meta},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
        },
    ]


def patch(kind, name, body, kind_of_patch="merge", *more):
    return ["patch", kind, name, "--type", kind_of_patch, "-p", json.dumps(body), *more]


def edited(namespace, kind, change):
    """The manifest of one of our objects, as another applier would have it."""
    obj = next(copy.deepcopy(o) for o in objects(namespace) if o["kind"] == kind)
    change(obj)
    return obj


def applied_by_other(change, kind="ConfigMap"):
    return lambda namespace: (
        ["apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f", "-"],
        edited(namespace, kind, change),
    )


def replaced(change, kind="ConfigMap"):
    return lambda namespace: (["replace", "-f", "-"], edited(namespace, kind, change))


DRIFTS = {
    # name: (commands, what is expected to be written again)
    "a value patched": ([patch("configmap", "settings", {"data": {"colour": "red"}})], "ConfigMap settings"),
    "a value removed": ([patch("configmap", "settings", {"data": {"colour": None}})], "ConfigMap settings"),
    "a whole map removed": (
        [patch("configmap", "settings", [{"op": "remove", "path": "/data"}], "json")],
        "ConfigMap settings",
    ),
    "scaled": ([["scale", "deployment", "web", "--replicas=5"]], "Deployment web"),
    "an image set": ([["set", "image", "deployment/web", "main=example/main:2"]], "Deployment web"),
    "an environment variable set": ([["set", "env", "deployment/web", "A=9"]], "Deployment web"),
    "one list item removed": ([["set", "env", "deployment/web", "B-"]], "Deployment web"),
    "one port of a keyed list removed": (
        [patch("service", "web", [{"op": "remove", "path": "/spec/ports/1"}], "json")],
        "Service web",
    ),
    "an atomic list changed": (
        [
            patch(
                "deployment",
                "web",
                [{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": ["--x"]}],
                "json",
            )
        ],
        "Deployment web",
    ),
    "a selector in an atomic struct changed": (
        [patch("service", "web", {"spec": {"selector": {"app": "other"}}})],
        "Service web",
    ),
    "a label overwritten": ([["label", "configmap", "settings", "app=db", "--overwrite"]], "ConfigMap settings"),
    "a label removed": ([["label", "configmap", "settings", "app-"]], "ConfigMap settings"),
    "an annotation removed": ([["annotate", "deployment", "web", "team-"]], "Deployment web"),
    "our membership label removed": (
        [["label", "configmap", "settings", "applyset.kubernetes.io/part-of-"]],
        "ConfigMap settings",
    ),
    "our digest removed": (
        [["annotate", "configmap", "settings", "applyset.greenlang.io/digest-"]],
        "ConfigMap settings",
    ),
    "a secret value changed": ([patch("secret", "login", {"stringData": {"password": "guessed"}})], "Secret login"),
    "a quota raised": ([patch("resourcequota", "quota", {"spec": {"hard": {"pods": "99"}}})], "ResourceQuota quota"),
    "a rule widened": (
        [patch("role", "reader", [{"op": "add", "path": "/rules/0/verbs/-", "value": "delete"}], "json")],
        "Role reader",
    ),
    "a policy opened": ([patch("networkpolicy", "web", {"spec": {"ingress": [{}]}})], "NetworkPolicy web"),
    "a resource request changed": (
        [["set", "resources", "deployment", "web", "--requests=cpu=900m"]],
        "Deployment web",
    ),
    "deleted": ([["delete", "configmap", "settings"]], "ConfigMap settings"),
    "deleted and created again as it was": (
        [["delete", "configmap", "settings"], ["create", "configmap", "settings", "--from-literal=colour=green"]],
        "ConfigMap settings",
    ),
    "replaced by another value": ([replaced(lambda o: o["data"].update(colour="red"))], "ConfigMap settings"),
    "a field taken by another applier": (
        [applied_by_other(lambda o: o["data"].update(colour="red"))],
        "ConfigMap settings",
    ),
    "changed and changed back": (
        [
            patch("configmap", "settings", {"data": {"colour": "red"}}),
            patch("configmap", "settings", {"data": {"colour": "green"}}),
        ],
        "ConfigMap settings",
    ),
    "managed fields wiped": (
        [patch("configmap", "settings", [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}], "json")],
        "ConfigMap settings",
    ),
    "edited under our own name": (
        [patch("configmap", "settings", {"data": {"colour": "red"}}, "merge", "--field-manager=greenlang.vcci")],
        "ConfigMap settings",
    ),
}

NOT_DRIFT = {
    "somebody's own label": [["label", "configmap", "settings", "extra=1"]],
    "somebody's own key": [patch("configmap", "settings", {"data": {"extra": "1"}})],
    "a status": [
        patch("resourcequota", "quota", {"status": {"used": {"pods": "3"}}}, "merge", "--subresource=status"),
        patch(
            "deployment",
            "web",
            {"status": {"conditions": [{"type": "Odd", "status": "True"}]}},
            "merge",
            "--subresource=status",
        ),
    ],
    "an additional list item": [["set", "env", "deployment/web", "C=3"]],
    "an additional port": [
        patch(
            "service", "web", [{"op": "add", "path": "/spec/ports/-", "value": {"name": "extra", "port": 99}}], "json"
        )
    ],
    "a restart": [["rollout", "restart", "deployment/web"]],
    "a finalizer of another controller": [
        patch("configmap", "settings", {"metadata": {"finalizers": ["example.com/hold"]}}),
        patch("configmap", "settings", {"metadata": {"finalizers": None}}),
    ],
    "the same value applied by another": [applied_by_other(lambda o: None)],
    "the same manifest applied by kubectl": [applied_by_other(lambda o: None, "Deployment")],
}


def make(kubectl, namespace, commands):
    for command in commands:
        arguments, stdin = command(namespace) if callable(command) else (command, None)
        kubectl("-n", namespace, *arguments, given=stdin)


def touched(result, namespace):
    return [name.replace(namespace + "/", "") for name in result.created + result.configured]


@pytest.mark.parametrize("drift", DRIFTS)
def test_drift_is_noticed_and_undone(apply, kubectl, namespace, drift):
    commands, expected = DRIFTS[drift]
    wanted = objects(namespace)
    assert len(apply(wanted).created) == len(wanted)
    make(kubectl, namespace, commands)

    predicted = apply(wanted, check=True, force_conflicts=True)
    done = apply(wanted, force_conflicts=True)
    again = apply(wanted)

    assert touched(done, namespace) == [expected]
    assert (predicted.created, predicted.configured, sorted(predicted.unchanged)) == (
        done.created,
        done.configured,
        sorted(done.unchanged),
    )
    assert predicted.diff == done.diff
    assert not again.changed
    assert again.requests <= 2 * len({o["kind"] for o in wanted}) + 1


@pytest.mark.parametrize("change", NOT_DRIFT)
def test_what_is_not_ours_is_left_alone(apply, kubectl, namespace, change):
    wanted = objects(namespace)
    apply(wanted)
    make(kubectl, namespace, NOT_DRIFT[change])
    assert not apply(wanted, check=True).changed
    done = apply(wanted)
    assert not done.changed
    assert done.requests == reads_of(wanted)  # nothing was sent, so nothing can have been written


def reads_of(wanted):
    return 1 + len({o["kind"] for o in wanted})  # the record, and a LIST a kind


def test_an_unchanged_set_sends_nothing(apply, namespace):
    wanted = objects(namespace)
    apply(wanted)
    result = apply(wanted)
    assert sorted(result.unchanged) == sorted(f"{o['kind']} {namespace}/{o['metadata']['name']}" for o in wanted)
    assert result.requests == reads_of(wanted)


def test_a_field_that_leaves_the_manifest_leaves_the_object(apply, client, namespace):
    wanted = objects(namespace)
    apply(wanted)
    del wanted[1]["data"]["size"]
    assert apply(wanted).configured == [f"ConfigMap {namespace}/settings"]
    assert client.get("v1", "ConfigMap", "settings", namespace)["data"] == {"colour": "green"}
