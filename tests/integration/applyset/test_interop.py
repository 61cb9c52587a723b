# Copyright (c) 2026 GreenLang. All rights reserved.
"""One set, worked on by kubectl and by us in turn (KEP-3659)."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import set_id

from tests.integration.applyset.objects import config_map


def secret(namespace, name):
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"value": "MQ=="},
    }


@pytest.fixture
def kubectl_apply(kubectl, namespace):
    def run(objects, *more):
        command = ["apply", "--server-side", "--prune", "--applyset=configmap/s", *more, "-f", "-"]
        given = {"apiVersion": "v1", "kind": "List", "items": objects}
        said = kubectl("-n", namespace, *command, given=given, everything=True)
        assert "conflict" not in said.lower()
        assert "failed" not in said.lower(), said
        return said

    return run


def names(client, namespace, *kinds):
    found = []
    for kind in kinds or ("ConfigMap",):
        found += [f"{kind}/{o['metadata']['name']}" for o in client.list("v1", kind, namespace)]
    return sorted(n for n in found if n not in ("ConfigMap/s", "ConfigMap/kube-root-ca.crt"))


def test_a_set_made_by_kubectl_is_adopted(apply, kubectl_apply, client, namespace):
    kubectl_apply([config_map(namespace, "a"), config_map(namespace, "b"), secret(namespace, "c")])

    adopted = apply([config_map(namespace, "a"), config_map(namespace, "b"), secret(namespace, "c")])
    assert not adopted.created
    assert len(adopted.configured) == 3
    assert not apply([config_map(namespace, "a"), config_map(namespace, "b"), secret(namespace, "c")]).changed

    # A Secret and a ConfigMap leave; the Secret's kind is known from kubectl's record alone.
    pruned = apply([config_map(namespace, "a")], prune=True)
    assert sorted(pruned.pruned) == [f"ConfigMap {namespace}/b", f"Secret {namespace}/c"]
    assert names(client, namespace, "ConfigMap", "Secret") == ["ConfigMap/a"]
    record = client.get("v1", "ConfigMap", "s", namespace)["metadata"]
    assert record["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap"
    assert record["annotations"]["applyset.kubernetes.io/tooling"].startswith("kubectl/v")


def test_a_set_made_here_is_accepted_by_kubectl(apply, kubectl_apply, client, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "b"), secret(namespace, "c")])
    output = kubectl_apply([config_map(namespace, "a")])
    assert "pruned" in output
    assert names(client, namespace, "ConfigMap", "Secret") == ["ConfigMap/a"]


def test_both_in_turn(apply, kubectl_apply, client, namespace):
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    kubectl_apply([config_map(namespace, "b"), config_map(namespace, "c")])
    assert names(client, namespace) == ["ConfigMap/b", "ConfigMap/c"]
    result = apply([config_map(namespace, "c"), config_map(namespace, "d")], prune=True)
    assert (result.pruned, result.created) == ([f"ConfigMap {namespace}/b"], [f"ConfigMap {namespace}/d"])
    kubectl_apply([config_map(namespace, "d")])
    assert names(client, namespace) == ["ConfigMap/d"]
    assert not apply([config_map(namespace, "d")], prune=True).changed


def test_the_identifier_is_kubectls(apply, kubectl_apply, client, namespace):
    kubectl_apply([config_map(namespace, "a")])
    labels = client.get("v1", "ConfigMap", "s", namespace)["metadata"]["labels"]
    assert labels["applyset.kubernetes.io/id"] == set_id("s", namespace)
    assert client.get("v1", "ConfigMap", "a", namespace)["metadata"]["labels"][
        "applyset.kubernetes.io/part-of"
    ] == set_id("s", namespace)


def test_members_in_other_namespaces_are_found(apply, kubectl_apply, client, namespace, kubectl):
    other = namespace + "-other"
    kubectl("create", "namespace", other)
    try:
        apply([config_map(namespace, "a"), config_map(other, "b")])
        assert (
            client.get("v1", "ConfigMap", "s", namespace)["metadata"]["annotations"][
                "applyset.kubernetes.io/additional-namespaces"
            ]
            == other
        )
        assert apply([config_map(namespace, "a")], prune=True).pruned == [f"ConfigMap {other}/b"]
        record = client.get("v1", "ConfigMap", "s", namespace)["metadata"]["annotations"]
        assert record["applyset.kubernetes.io/additional-namespaces"] == ""
    finally:
        kubectl("delete", "namespace", other, "--wait=false")


@pytest.mark.parametrize("side", [[], ["--server-side"]], ids=["its own side", "the server's side"])
def test_turns_lose_nothing(apply, kubectl, client, namespace, side):
    """Each prunes what the other brought, of kinds and namespaces that it never had itself; nothing is left at the end,
    and nobody needs a conflict to be forced for what is not in conflict."""
    other = namespace + "-other"
    kubectl("create", "namespace", other)

    def by_kubectl(*objects):
        given = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        command = ["apply", *side, "--prune", "--applyset=configmap/s", "-f", "-"]
        kubectl("-n", namespace, *command, given=given)

    def there():
        return names(client, namespace, "ConfigMap", "Secret") + names(client, other, "ConfigMap", "Secret")

    try:
        by_kubectl(config_map(namespace, "a"), secret(namespace, "b"))
        assert apply([config_map(namespace, "c")], prune=True).pruned == [
            f"ConfigMap {namespace}/a",
            f"Secret {namespace}/b",
        ]
        apply([config_map(namespace, "c"), secret(other, "d"), secret(namespace, "e")])
        by_kubectl(config_map(namespace, "c"), config_map(namespace, "f"))
        assert there() == ["ConfigMap/c", "ConfigMap/f"]
        # Without pruning it stays known, whoever had it.
        apply([secret(namespace, "g")])
        by_kubectl(config_map(namespace, "h"))
        assert there() == ["ConfigMap/h"]
        assert apply([secret(namespace, "i")], prune=True).pruned == [f"ConfigMap {namespace}/h"]
        assert there() == ["Secret/i"]
        assert not apply([secret(namespace, "i")], prune=True).changed
    finally:
        kubectl("delete", "namespace", other, "--wait=false")
