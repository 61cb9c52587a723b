# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the server refuses is told by object, field and remedy, alike in check mode and in the run."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError, InputError

from tests.helpers import eventually
from tests.integration.applyset.objects import config_map

LABELS = {"app": "db"}
FORCE = {"applyset.greenlang.io/force-conflicts": "true"}
RECREATE = {"applyset.greenlang.io/recreate": "true"}


def pods():
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main", "image": "example/db:1"}]}}


def stateful_set(namespace, size="1Gi", **meta):
    volume = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": namespace, **meta},
        "spec": {
            "serviceName": "db",
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": pods(),
            "volumeClaimTemplates": [volume],
        },
    }


def service(namespace, ip, **meta):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "svc", "namespace": namespace, **meta},
        "spec": {**({"clusterIP": ip} if ip else {}), "selector": LABELS, "ports": [{"port": 80}]},
    }


def job(namespace, image, **meta):
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job", "namespace": namespace, **meta},
        "spec": {"template": {"spec": spec}},
    }


def binding(namespace, role, **meta):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "rb", "namespace": namespace, **meta},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    }


def both_ways(apply, objects, **options):
    """The messages of check mode and of the run; they must be the same."""
    messages = []
    for check in (True, False):
        with pytest.raises(ApplyError) as caught:
            apply(objects, check=check, **options)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    return messages[0]


def test_a_conflict_names_object_field_and_owner(apply, namespace, kubectl):
    apply([config_map(namespace), config_map(namespace, "b")])
    kubectl("-n", namespace, "patch", "configmap", "a", "-p", '{"data":{"value":"9"}}', "--field-manager=somebody")
    message = both_ways(apply, [config_map(namespace), config_map(namespace, "b")])
    assert f"ConfigMap {namespace}/a: .data.value is owned by 'somebody'" in message
    assert "force_conflicts" in message


def test_conflicts_are_forced_by_set_or_by_object(apply, client, namespace, kubectl):
    objects = [config_map(namespace), config_map(namespace, "b")]
    for name in ("a", "b"):
        kubectl("-n", namespace, "create", "configmap", name, "--from-literal=value=9")
    with pytest.raises(ApplyError, match="1 of 2 objects failed"):
        apply([config_map(namespace, annotations=FORCE), config_map(namespace, "b")])
    assert client.get("v1", "ConfigMap", "a", namespace)["data"]["value"] == "1"
    assert client.get("v1", "ConfigMap", "b", namespace)["data"]["value"] == "9"
    apply(objects, force_conflicts=True)
    assert client.get("v1", "ConfigMap", "b", namespace)["data"]["value"] == "1"
    assert not apply(objects).changed
    assert (
        "applyset.greenlang.io/force-conflicts"
        not in client.get("v1", "ConfigMap", "a", namespace)["metadata"]["annotations"]
    )


IMMUTABLE = {
    "clusterIP of a Service": (
        lambda ns, **m: service(ns, "", **m),
        lambda ns, **m: service(ns, "None", **m),
        "spec.clusterIP",
    ),
    "volumeClaimTemplates of a StatefulSet": (
        lambda ns, **m: stateful_set(ns, "1Gi", **m),
        lambda ns, **m: stateful_set(ns, "2Gi", **m),
        "spec",
    ),
    "template of a Job": (
        lambda ns, **m: job(ns, "example/a:1", **m),
        lambda ns, **m: job(ns, "example/a:2", **m),
        "spec.template",
    ),
    "roleRef of a RoleBinding": (
        lambda ns, **m: binding(ns, "one", **m),
        lambda ns, **m: binding(ns, "two", **m),
        "roleRef",
    ),
}


@pytest.mark.parametrize("case", IMMUTABLE)
def test_an_immutable_field_is_an_error_with_its_remedy(apply, namespace, case):
    first, second, field = IMMUTABLE[case]
    apply([first(namespace)])
    message = both_ways(apply, [second(namespace)])
    assert field in message
    assert "applyset.greenlang.io/recreate" in message
    assert namespace in message
    assert not apply([first(namespace)]).changed


@pytest.mark.parametrize("case", IMMUTABLE)
def test_an_object_that_allows_it_is_recreated(apply, namespace, client, case):
    first, second, _field = IMMUTABLE[case]
    obj = first(namespace)
    apply([obj])
    before = client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], namespace)["metadata"]["uid"]
    wanted = [second(namespace, annotations=RECREATE)]
    predicted, done = apply(wanted, check=True), apply(wanted)
    assert predicted.recreated == done.recreated == [f"{obj['kind']} {namespace}/{obj['metadata']['name']}"]
    assert predicted.diff == done.diff
    assert client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], namespace)["metadata"]["uid"] != before
    assert not apply(wanted).changed


def test_a_recreated_stateful_set_keeps_its_pods_and_volumes(apply, namespace, client):
    apply([stateful_set(namespace)])
    pod = until(lambda: client.get("v1", "Pod", "db-0", namespace))
    volume = client.get("v1", "PersistentVolumeClaim", "data-db-0", namespace)
    apply([stateful_set(namespace, "2Gi", annotations=RECREATE)])
    new = client.get("apps/v1", "StatefulSet", "db", namespace)
    adopted = until(lambda: owner_of(client.get("v1", "Pod", "db-0", namespace)) == new["metadata"]["uid"])
    assert adopted
    assert client.get("v1", "Pod", "db-0", namespace)["metadata"]["uid"] == pod["metadata"]["uid"]
    assert (
        client.get("v1", "PersistentVolumeClaim", "data-db-0", namespace)["metadata"]["uid"]
        == volume["metadata"]["uid"]
    )


def owner_of(pod):
    return next((o["uid"] for o in pod["metadata"].get("ownerReferences") or []), None)


def until(probe):
    return eventually(probe, "it did not happen")


def test_an_unknown_field_is_named(apply, namespace):
    obj = stateful_set(namespace)
    obj["spec"]["replica"] = 3
    assert "unknown field" in both_ways(apply, [obj]) or "field not declared in schema" in both_ways(apply, [obj])


def test_a_wrong_value_is_named(apply, namespace):
    obj = service(namespace, "None")
    obj["spec"]["ports"][0]["port"] = 99999
    assert "spec.ports[0].port" in both_ways(apply, [obj])


def test_a_quota_that_is_exhausted_is_named(apply, namespace):
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": namespace},
        "spec": {"hard": {"count/secrets": "1"}},
    }
    apply([quota], name="quota")
    until(lambda: apply([quota], name="quota") is not None)
    secrets = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"s{i}", "namespace": namespace}} for i in range(3)
    ]
    with pytest.raises(ApplyError, match=r"exceeded quota: q.*raise the quota"):
        until(lambda: apply(secrets, concurrency=1) and None)


def test_an_admission_policy_speaks_for_itself(apply, client, namespace, kubectl):
    name = namespace
    policy = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": ["configmaps"],
                        }
                    ]
                },
                "validations": [
                    {
                        "expression": "!has(object.data) || !('value' in object.data) || object.data.value != 'bad'",
                        "message": "bad values are not wanted here",
                    }
                ],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
            },
        },
    ]
    apply_set(client, policy, ApplyOptions(name=None))
    try:
        tries = itertools.count()

        def denied():  # a policy takes effect some time after it was written
            try:
                apply([config_map(namespace, f"try{next(tries)}", value="bad")], name=None)
            except ApplyError as exc:
                return str(exc)
            return None

        message = until(denied)
        assert "bad values are not wanted here" in message
        assert f"ConfigMap {namespace}/try" in message
        assert (
            both_ways(apply, [config_map(namespace, value="bad"), config_map(namespace, "b")]).count("ConfigMap") == 1
        )
    finally:
        kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", name)


def test_a_missing_namespace_is_named(apply, namespace):
    with pytest.raises(ApplyError, match="namespace nowhere does not exist; create it first"):
        apply([config_map("nowhere")])
    predicted = apply([config_map("nowhere")], check=True)
    assert predicted.created
    assert "nowhere does not exist and nothing so far creates it" in predicted.warnings[0]


def test_input_that_cannot_be_addressed(apply, namespace):
    cases = [
        (
            [{"apiVersion": "apps/v1", "kind": "Deploymnt", "metadata": {"name": "a", "namespace": namespace}}],
            "does not serve Deploymnt in apps/v1",
        ),
        (
            [
                {
                    "apiVersion": "extensions/v1beta1",
                    "kind": "Ingress",
                    "metadata": {"name": "a", "namespace": namespace},
                }
            ],
            "does not serve Ingress",
        ),
        ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}], "has no metadata.namespace"),
        ([config_map(namespace), config_map(namespace)], "is given twice"),
    ]
    for objects, message in cases:
        for check in (True, False):
            with pytest.raises(InputError, match=message):
                apply(objects, check=check)


def test_a_custom_kind_that_nobody_defines(apply, namespace):
    obj = {"apiVersion": "nobody.example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": namespace}}
    with pytest.raises(InputError, match=r"does not serve Thing in nobody.example.com/v1"):
        apply([obj])
    assert "right only if something brings its definition" in apply([obj], check=True).warnings[0]


def test_one_failure_does_not_hide_the_rest(apply, client, namespace):
    with pytest.raises(ApplyError) as caught:
        apply([config_map(namespace, "good"), config_map(namespace, "Bad Name")])
    assert [f["object"] for f in caught.value.failures] == [f"ConfigMap {namespace}/Bad Name"]
    assert caught.value.result.created == [f"ConfigMap {namespace}/good"]
