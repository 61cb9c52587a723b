# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the API server makes of a tenant's load balancers and certificates, whoever writes them."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest

from tests.helpers import PATIENCE, eventually, kubectl

TENANT = {"id": "publishing-life", "name": "Publishing", "tier": "enterprise", "owners": [{"group": "publishers"}]}
WHERE = "vcci-tenant-publishing-life"
OWNER = ("--as=ann", "--as-group=publishers", "--as-group=system:authenticated")
CERT_MANAGER = ("--as=system:serviceaccount:cert-manager:cert-manager", "--as-group=system:masters")
PORTS = [{"port": 80, "targetPort": 8080}]


@pytest.fixture(scope="module", autouse=True)
def tenant(site, kubeconfig):
    """A tenant, once the API server obeys the policies of its load balancers."""
    site.run("tenant", tenant_list=[TENANT], tenant_overcommit={})
    dry = ("-n", WHERE, "create", "--dry-run=server", "-o", "json", "-f", "-")
    balancer = service("lb", type="LoadBalancer", allocateLoadBalancerNodePorts=False)
    eventually(lambda: '"Local"' in kubectl(kubeconfig, *dry, given=balancer), "not in force")


@pytest.fixture
def ask(kubeconfig):
    """kubectl in the tenant's namespace, as its owner unless said otherwise; what the server refused, or its answer."""

    def run(*arguments, given=None, who=OWNER):
        command = [
            str(kubeconfig.parent / "bin/kubectl"),
            "--kubeconfig",
            str(kubeconfig),
            "-n",
            WHERE,
            *who,
            *arguments,
        ]
        text = None if given is None else json.dumps(given)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=PATIENCE)
        return done.stdout if done.returncode == 0 else f"refused: {done.stderr}"

    return run


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": PORTS, **spec}}


def secret(name, **data):
    encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


def policy_of(ask, name):
    return json.loads(ask("get", "service", name, "-o", "json"))["spec"].get("externalTrafficPolicy")


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ({"type": "LoadBalancer"}, "Local"),  # as kubectl expose makes it
        ({"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"}, "Local"),
        ({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}, "Local"),
        ({"type": "ClusterIP"}, None),
        ({}, None),
    ],
)
def test_a_load_balancer_keeps_its_clients_addresses(ask, spec, kept):
    made = ask("create", "-f", "-", given=service("lb", **spec))
    try:
        assert "refused" not in made
        assert policy_of(ask, "lb") == kept
        if kept:
            patched = ask(
                "patch", "service", "lb", "--type=merge", "-p", '{"spec": {"externalTrafficPolicy": "Cluster"}}'
            )
            assert "refused" not in patched
            assert policy_of(ask, "lb") == "Local"
            assert "refused" not in ask(
                "patch", "service", "lb", "--type=merge", "-p", '{"spec": {"type": "ClusterIP"}}'
            )
            assert policy_of(ask, "lb") is None
        else:
            assert "refused" not in ask(
                "patch", "service", "lb", "--type=merge", "-p", '{"spec": {"type": "LoadBalancer"}}'
            )
            assert policy_of(ask, "lb") == "Local"
    finally:
        ask("delete", "service", "lb", "--wait=false")


@pytest.mark.parametrize(
    ("who", "data", "allowed"),
    [
        (OWNER, {"password": "x"}, True),
        (OWNER, {"ca_crt": "x"}, True),
        (OWNER, {"tls_key": "x"}, True),
        (OWNER, {"tls_crt": "x"}, False),
        (OWNER, {"tls_crt": "x", "tls_key": "x"}, False),
        (CERT_MANAGER, {"tls_crt": "x", "tls_key": "x"}, True),
        ((), {"tls_crt": "x"}, True),  # the platform itself
    ],
)
def test_certificates_are_cert_managers(ask, who, data, allowed):
    try:
        made = ask("create", "-f", "-", given=secret("s", **data), who=who)
        assert ("refused" not in made) is allowed, made
        if not allowed:
            assert "certificate not allowed" in made
            assert "cert-manager.io/cluster-issuer" in made
    finally:
        ask("delete", "secret", "s", who=())


def test_what_changes_is_judged_and_nothing_else(ask):
    ask("create", "-f", "-", given=secret("s", tls_crt="x"), who=())
    try:
        assert "refused" not in ask("label", "secret", "s", "mine=yes")
        other = base64.b64encode(b"other").decode()
        assert "refused" not in ask("patch", "secret", "s", "-p", json.dumps({"data": {"more": other}}))
        assert "certificate not allowed" in ask("patch", "secret", "s", "-p", json.dumps({"data": {"tls.crt": other}}))
        assert "refused" not in ask("patch", "secret", "s", "-p", '{"data": {"tls.crt": null}}')
    finally:
        ask("delete", "secret", "s", who=())


def test_without_mutation_another_policy_is_refused(ask, kubeconfig):
    """As on API servers that have no MutatingAdmissionPolicies; the last test, since it takes them away."""
    kubectl(kubeconfig, "delete", "mutatingadmissionpolicybinding", "vcci-tenant-load-balancers")

    def refused():
        made = ask("create", "-f", "-", given=service("lb", type="LoadBalancer"))
        ask("delete", "service", "lb", "--wait=false")
        return made if "refused" in made else None

    said = eventually(refused, "it is made Local for ever")
    assert "externalTrafficPolicy not allowed: Cluster; a load balancer of a tenant has Local" in said
    assert "refused" not in ask(
        "create", "-f", "-", given=service("lb", type="LoadBalancer", externalTrafficPolicy="Local")
    )
    ask("delete", "service", "lb", "--wait=false")
