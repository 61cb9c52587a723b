# Copyright (c) 2026 GreenLang. All rights reserved.
"""The platform's hosts through an ingress controller, and back: what the API server then has, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.result import Result
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set

from tests.helpers import Client, eventually, make_namespace, render

MERGE = "application/merge-patch+json"
# What the gateway's set has, but for the Certificate, whose type is cert-manager's to bring.
KINDS = (
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
)


@pytest.fixture
def front(client: Client, namespace: str) -> Iterator[str]:
    """A namespace as that of the ingress controller."""
    name = f"{namespace}-front"
    make_namespace(client, name)
    yield name
    client.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def apply(client: Client, namespace: str, front: str, tmp_path: Path) -> Callable[[str, bool], Result]:
    """Apply the gateway as role apps does, exposed so; what was done."""
    where = {"platform_namespace": namespace, "platform_ingress_namespace": front}
    made = {}
    for exposure in ("loadbalancer", "ingress"):
        values = {**where, "apps_gateway_exposure": exposure, "platform_domain": "vcci.test"}
        (tmp_path / exposure).mkdir()
        documents = render(
            tmp_path / exposure, "apps", names=["api_gateway.yml.j2"], platform_environment="local", **values
        )
        made[exposure] = [one for one in documents if one["kind"] != "Certificate"]

    def run(exposure: str, check: bool = False) -> Result:
        options = ApplyOptions(name="apps-api-gateway", namespace=namespace, prune=True, check=check)
        return apply_set(client, made[exposure], options)

    return run


def there(client: Client, *namespaces: str) -> set[tuple[str, str, str]]:
    found = set()
    for namespace in namespaces:
        for api_version, kind in KINDS:
            found |= {(kind, namespace, one["metadata"]["name"]) for one in client.list(api_version, kind, namespace)}
    return {one for one in found if one[2] != "kube-root-ca.crt"}


def test_there_and_back_nothing_is_left(client: Client, namespace: str, front: str, apply) -> None:
    def changes(exposure: str, check: bool = False) -> list[list[str]]:
        done = apply(exposure, check)
        assert not [*done.failed, *done.recreated]
        found = [sorted(done.created), sorted(done.configured), sorted(done.pruned)]
        return found if done.changed else []

    apply("loadbalancer")
    before = there(client, namespace, front)
    assert not changes("loadbalancer")
    eventually(lambda: address(client, namespace), "the load balancer has no address")
    foreseen = changes("ingress", check=True)
    assert there(client, namespace, front) == before
    assert changes("ingress") == foreseen
    assert not changes("ingress")
    assert there(client, namespace, front) - before == {
        ("Ingress", namespace, "api-gateway"),
        ("Ingress", namespace, "vcci-frontend"),
        ("NetworkPolicy", front, "api-gateway"),
    }
    spec = client.get("v1", "Service", "api-gateway", namespace)["spec"]
    assert spec["type"] == "ClusterIP"
    assert not {"externalTrafficPolicy", "healthCheckNodePort"} & set(spec)
    assert not [one for one in spec["ports"] if "nodePort" in one]
    eventually(lambda: not address(client, namespace), "it still has the address of a load balancer")
    foreseen = changes("loadbalancer", check=True)
    assert changes("loadbalancer") == foreseen
    assert not changes("loadbalancer")
    assert there(client, namespace, front) == before
    spec = client.get("v1", "Service", "api-gateway", namespace)["spec"]
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
    assert [one["port"] for one in spec["ports"]] == [80, 443]


def address(client: Client, namespace: str) -> list:
    return (client.get("v1", "Service", "api-gateway", namespace)["status"].get("loadBalancer") or {}).get(
        "ingress", []
    )


def test_the_check_asks_through_the_ingress(module, client: Client, kubeconfig: Path, namespace: str, apply) -> None:
    """One that is not there, and one that no controller took, are faults with what to look at."""
    options = {"namespace": namespace, "api_host": "api.vcci.test", "kubeconfig": str(kubeconfig), "timeout": 1}

    def fault(**more: str) -> dict:
        faults = {one["object"]: one for one in module("platform_check", **options, **more)["faults"]}
        return faults[f"Ingress {namespace}/api-gateway"]

    assert fault(ingress="api-gateway")["wrong"] == "is not there, so that no door can be asked"
    apply("ingress")
    told = fault(ingress="api-gateway")
    assert told["wrong"] == "has no address of an ingress controller, so that no door can be asked"
    assert told["remedy"] == f"kubectl describe ingress api-gateway -n {namespace}, and its events"
