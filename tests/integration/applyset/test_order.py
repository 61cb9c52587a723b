# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that refer to each other, in one set: the first run succeeds, each time, in check mode too."""

from __future__ import annotations

import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set

from tests.helpers import impersonating
from tests.integration.applyset.objects import made

RBAC, ADMISSION = "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1"
ANYTHING = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}


def granted(namespace, user, *rules):
    """Everything that makes `user` one who has these rules in the namespace."""
    subjects = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}]
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "given"}
    return [
        made(RBAC, "Role", namespace, "given", rules=[*rules]),
        made(RBAC, "RoleBinding", namespace, "given", roleRef=ref, subjects=subjects),
    ]


def pod(namespace, name="p", **spec):
    container = {"name": "main", "image": "example.invalid/a:1"}
    return made("v1", "Pod", namespace, name, spec={"containers": [container], **spec})


@pytest.fixture
def deployer(client, kubeconfig, namespace):
    """Who may write roles and their bindings, and has the rights that these give, but is no administrator."""
    access = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["*"]}
    roles = granted(namespace, namespace, access, ANYTHING)
    apply_set(client, roles, ApplyOptions())
    made_client = impersonating(kubeconfig, namespace, roles)
    yield made_client
    made_client.close()


def test_roles_come_before_their_bindings(apply, deployer, namespace):
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role"}
    objects = []
    for number in range(8):
        objects.append(made(RBAC, "RoleBinding", namespace, f"r{number}", roleRef={**ref, "name": f"r{number}"}))
        objects.append(made(RBAC, "Role", namespace, f"r{number}", rules=[ANYTHING]))
    predicted = apply(objects, client=deployer, name=None, check=True)
    done = apply(objects, client=deployer, name=None)
    assert len(done.created) == 16
    assert predicted.created == done.created


def test_accounts_come_before_what_is_issued_for_them(apply, client, namespace):
    objects = []
    for number in range(8):
        name, token = f"a{number}", {"kubernetes.io/service-account.name": f"a{number}"}
        meta, kind = {"annotations": token}, "kubernetes.io/service-account-token"
        objects.append(made("v1", "Secret", namespace, name, meta=meta, type=kind))
        objects.append(made("v1", "ServiceAccount", namespace, name))
    assert len(apply(objects).created) == 16
    time.sleep(2)  # in which the controller would delete them
    assert len([one for one in client.list("v1", "Secret", namespace) if one["type"].endswith("token")]) == 8
    assert not apply(objects).changed


def test_a_pod_of_a_new_namespace_finds_its_account_and_class(client, namespace):
    name = f"{namespace}-new"
    objects = [
        pod(name, "mine", serviceAccountName="mine", priorityClassName=name, runtimeClassName=name),
        pod(name, "plain"),
        made("v1", "ServiceAccount", name, "mine"),
        made("scheduling.k8s.io/v1", "PriorityClass", None, name, value=7),
        made("node.k8s.io/v1", "RuntimeClass", None, name, handler="runc"),
        made("v1", "Namespace", None, name),
    ]
    try:
        predicted = apply_set(client, objects, ApplyOptions(check=True))
        done = apply_set(client, objects, ApplyOptions())
        assert len(done.created) == len(objects)
        assert predicted.created == done.created
        assert client.get("v1", "Pod", "mine", name)["spec"]["priority"] == 7
    finally:
        delete_set(client, objects, ApplyOptions(prune_named=(f"Namespace/{name}",)))


def test_check_mode_knows_what_is_only_planned_in_a_namespace_that_is_there(apply, client, namespace):
    objects = [
        pod(namespace, serviceAccountName="mine", priorityClassName=namespace),
        made("v1", "ServiceAccount", namespace, "mine"),
        made("scheduling.k8s.io/v1", "PriorityClass", None, namespace, value=7),
    ]
    try:
        predicted = apply(objects, check=True)
        assert predicted.created == apply(objects).created
    finally:
        delete_set(client, objects[2:], ApplyOptions(force_conflicts=True))


@pytest.mark.parametrize("kind", ["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"])
def test_admission_comes_last_and_its_bindings_after_it(client, namespace, kind):
    """The policy forbids, or changes, just what is in the same set."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    spec = {"matchConstraints": {"resourceRules": [rule]}}
    if kind.startswith("Validating"):
        spec["validations"] = [{"expression": "false", "message": "nothing may be created"}]
        bound = {"policyName": namespace, "validationActions": ["Deny"]}
    else:
        patch = "Object{metadata: Object.metadata{labels: {'changed': 'yes'}}}"
        spec["mutations"] = [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": patch}}]
        spec["reinvocationPolicy"] = "Never"
        bound = {"policyName": namespace}
    chosen = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    objects = [
        made(ADMISSION, f"{kind}Binding", None, namespace, spec={**bound, "matchResources": chosen}),
        made(ADMISSION, kind, None, namespace, spec=spec),
        *(made("v1", "ConfigMap", namespace, f"c{number}") for number in range(20)),
    ]
    try:
        done = apply_set(client, objects, ApplyOptions())
        assert len(done.created) == len(objects)
        kept = [one for one in client.list("v1", "ConfigMap", namespace) if one["metadata"]["name"].startswith("c")]
        assert not [one for one in kept if one["metadata"].get("labels")]
        assert not apply_set(client, objects, ApplyOptions()).changed
    finally:
        delete_set(client, objects[:2], ApplyOptions())
