# Copyright (c) 2026 GreenLang. All rights reserved.
"""What docs/applyset.md calls the least rights is enough: a deployer with a Role in the set's namespaces does all that
needs no object of the whole cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import snapshot
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError, ApplyError, WaitTimeout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

from tests.helpers import PATIENCE, impersonating
from tests.integration.applyset.objects import config_map

# The table of docs/applyset.md, section "Rights".
APPLY = ("get", "list", "create", "patch")
PRUNE = (*APPLY, "delete")
DELETE = ("get", "list", "patch", "delete")  # patch is for the record
KINDS = [
    {"apiGroups": [""], "resources": ["configmaps", "secrets", "services", "persistentvolumeclaims"]},
    {"apiGroups": ["apps"], "resources": ["deployments"]},
]
READ = {
    "apiGroups": ["", "apps"],
    "resources": ["pods", "pods/log", "events", "replicasets"],
    "verbs": ["get", "list"],
}


def role(namespace, user, verbs, more):
    rules = [*({**rule, "verbs": list(verbs)} for rule in KINDS), *more]
    meta = {"name": user, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": user},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        },
    ]


@contextlib.contextmanager
def deployer(
    kubeconfig, client: Client, namespaces: Sequence[str], verbs: Sequence[str], *more: object
) -> Iterator[Client]:
    """A user who may do that with KINDS in these namespaces, what further rules say, and nothing else."""
    user = f"deployer-{namespaces[0]}"
    roles = [obj for place in namespaces for obj in role(place, user, verbs, more)]
    apply_set(client, roles, ApplyOptions())
    made = impersonating(kubeconfig, user, roles)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def places(client, namespace):
    """More namespaces than LISTs are made for one by one."""
    names = [f"{namespace}-{number}" for number in range(snapshot.FEW_NAMESPACES + 1)]
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    apply_set(client, made, ApplyOptions())
    yield [namespace, *names]
    delete_set(client, made, ApplyOptions())


def secret(namespace):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}}


def claim(namespace, storage_class):
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": storage_class}
    meta = {"name": "data", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def deployment(namespace):
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "example/web:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def test_a_deployer_of_a_few_namespaces_does_everything(kubeconfig, client, places):
    """For one namespace, for few, and for more than are listed one by one; and for few and many objects in each."""
    with deployer(kubeconfig, client, places, PRUNE) as user:
        for count in (1, 2, len(places)):
            everything(user, places[:count], f"s{count}")
            assert client.get("v1", "ConfigMap", f"s{count}", places[0]) is None


def everything(user, mine, name):
    options = {"name": name, "namespace": mine[0]}
    many = [config_map(place, f"c{number}") for place in mine for number in range(snapshot.FEW_OBJECTS + 2)]
    whole = [*many, *(secret(place) for place in mine)]
    for check in (True, False):
        assert len(apply_set(user, whole, ApplyOptions(**options, check=check)).created) == len(whole)
    assert not apply_set(user, whole, ApplyOptions(**options, prune=True, wait=True)).changed
    for check in (True, False):
        result = apply_set(user, many, ApplyOptions(**options, prune=True, check=check))
        assert sorted(result.pruned) == sorted(f"Secret {place}/s" for place in mine)
        assert not result.warnings
    named = [many[0], config_map(mine[-1], "never was")]
    for check in (True, False):
        assert len(delete_set(user, named, ApplyOptions(**options, check=check)).deleted) == 1
    for check in (True, False):
        deleted = delete_set(user, None, ApplyOptions(**options, prune_limit=-1, check=check, wait=True)).deleted
        assert len(deleted) == len(many) - 1


def test_workloads_and_claims_are_awaited_without_rights_on_the_cluster(kubeconfig, client, namespace):
    options = {"name": "s", "namespace": namespace, "wait": True, "wait_timeout": PATIENCE}
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": namespace},
        "provisioner": "example.org/none",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    objects = [deployment(namespace), claim(namespace, namespace)]
    apply_set(client, [storage_class], ApplyOptions())
    try:
        with deployer(kubeconfig, client, [namespace], PRUNE, READ) as user:
            assert len(apply_set(user, objects, ApplyOptions(**options)).created) == 2
            assert not apply_set(user, objects, ApplyOptions(**options)).changed
    finally:
        delete_set(client, [storage_class], ApplyOptions())


def test_without_the_right_to_read_pods_a_wait_has_fewer_reasons_and_the_same_end(kubeconfig, client, namespace):
    options = {"name": "s", "namespace": namespace, "wait": True}
    stuck = deployment(namespace)
    stuck["metadata"]["name"] = "stuck"
    stuck["spec"]["template"]["spec"]["nodeSelector"] = {"no": "where"}
    with deployer(kubeconfig, client, [namespace], PRUNE) as user:
        assert apply_set(user, [deployment(namespace)], ApplyOptions(**options, wait_timeout=PATIENCE)).created
        with pytest.raises(WaitTimeout, match=f"Deployment {namespace}/stuck"):
            apply_set(user, [deployment(namespace), stuck], ApplyOptions(**options, wait_timeout=2))


def test_whoever_only_applies_needs_no_right_to_delete(kubeconfig, client, namespace):
    options = {"name": "s", "namespace": namespace}
    with deployer(kubeconfig, client, [namespace], APPLY) as user:
        assert len(apply_set(user, [config_map(namespace), secret(namespace)], ApplyOptions(**options)).created) == 2
        assert apply_set(user, [config_map(namespace, value="2")], ApplyOptions(**options)).configured
        with pytest.raises(ApplyError, match=r"could not be deleted: .* cannot delete") as caught:
            apply_set(user, [config_map(namespace)], ApplyOptions(**options, prune=True))
        assert caught.value.result.changed


def test_whoever_only_deletes_needs_no_right_to_create(kubeconfig, client, namespace):
    options = {"name": "s", "namespace": namespace}
    apply_set(client, [config_map(namespace), secret(namespace)], ApplyOptions(**options))
    with deployer(kubeconfig, client, [namespace], DELETE) as user:
        assert delete_set(user, [secret(namespace)], ApplyOptions(**options, wait=True)).deleted
        assert delete_set(user, None, ApplyOptions(**options, wait=True)).deleted == [f"ConfigMap {namespace}/a"]
    assert client.get("v1", "ConfigMap", "s", namespace) is None


def test_an_error_names_the_list_that_is_forbidden(kubeconfig, client, places):
    """A record that lists a namespace of others: what is there cannot be known, and so nothing is pruned."""
    mine, other = places[:2]
    options = {"name": "s", "namespace": mine}
    apply_set(client, [config_map(mine), config_map(other), secret(mine)], ApplyOptions(**options))
    with deployer(kubeconfig, client, [mine], PRUNE) as user:
        with pytest.raises(
            ApiError, match=rf"listing \w+ in {other} is forbidden.*ConfigMap {mine}/s says.*if that namespace is gone"
        ):
            apply_set(user, [config_map(mine)], ApplyOptions(**options, prune=True))
        # Without pruning nobody needs to know.
        assert apply_set(user, [config_map(mine, value="2")], ApplyOptions(**options)).configured
    assert client.get("v1", "Secret", "s", mine)


def test_kinds_of_the_cluster_are_listed_only_if_the_record_has_them(kubeconfig, client, namespace):
    options = {"name": "s", "namespace": namespace}
    asked = []

    class Spy(Client):
        def iter_list(self, resource, *arguments, **more):
            asked.append((resource.kind, arguments[0]))
            return super().iter_list(resource, *arguments, **more)

    spy = Spy.from_params({"kubeconfig": str(kubeconfig)})
    apply_set(spy, [config_map(namespace)], ApplyOptions(**options))
    apply_set(spy, [config_map(namespace)], ApplyOptions(**options, prune=True))
    assert set(asked) == {("ConfigMap", namespace)}
    spy.close()
