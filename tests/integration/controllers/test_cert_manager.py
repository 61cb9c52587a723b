# Copyright (c) 2026 GreenLang. All rights reserved.
"""cert-manager as it is built here, with the chart's arguments and rights, issues and refuses certificates."""

from __future__ import annotations

import base64
import contextlib
import pathlib
from collections.abc import Iterator

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from cryptography import x509

from tests.helpers import Client, connect, eventually, kubectl
from tests.integration.controllers import cert_manager

ISSUER = {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "vcci-ca"}
WEBHOOKS = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]
KINDS = "validatingwebhookconfigurations,mutatingwebhookconfigurations,crd,clusterrole,clusterrolebinding"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("cert-manager")


@pytest.fixture(scope="module")
def running(kubeconfig: pathlib.Path, programs: pathlib.Path, work: pathlib.Path) -> Iterator[None]:
    """The role's objects, without webhooks until somebody answers for them, and the programs."""
    try:
        cert_manager.install(kubeconfig, programs.parent, work, controllers_cert_manager_without=WEBHOOKS)
        with (
            contextlib.closing(connect(kubeconfig)) as client,
            cert_manager.running(client, kubeconfig, programs, work),
        ):
            assert cert_manager.install(kubeconfig, programs.parent, work)
            yield
    finally:
        options = ["--ignore-not-found", "--wait=false"]
        kubectl(
            kubeconfig, "delete", KINDS, *options, "-l", "app.kubernetes.io/instance=cert-manager", programs=programs
        )
        kubectl(kubeconfig, "delete", "namespace", "cert-manager", *options, programs=programs)


def path(namespace: str) -> str:
    return f"/apis/cert-manager.io/v1/namespaces/{namespace}/certificates"


def certificate(**spec: object) -> dict:
    made = {"secretName": "made", "issuerRef": ISSUER, **spec}
    return {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "made"}, "spec": made}


def secret(client: Client, namespace: str, name: str) -> dict[str, bytes]:
    data = client.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")["data"]
    return {key: base64.b64decode(value) for key, value in data.items()}


def issued(client: Client, namespace: str, name: str = "made") -> bool:
    found = client.request("GET", f"{path(namespace)}/{name}").get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in found)


@pytest.mark.usefixtures("running")
def test_pods_have_a_priority_that_is_there(client: Client) -> None:
    for deployment in cert_manager.DEPLOYMENTS.values():
        pod = client.get("apps/v1", "Deployment", deployment, "cert-manager")["spec"]["template"]["spec"]
        assert client.get("scheduling.k8s.io/v1", "PriorityClass", pod["priorityClassName"])


@pytest.mark.usefixtures("running")
def test_the_platforms_authority_issues_certificates(client: Client, namespace: str) -> None:
    eventually(lambda: issued(client, "cert-manager", "vcci-ca"), "the authority has no certificate")
    # The API server asks the webhook, once it knows whom to trust.
    body = certificate(dnsNames=["a.example.com"])
    eventually(lambda: created(client, path(namespace), body), "the webhook does not answer")
    eventually(lambda: issued(client, namespace), "the certificate is not issued")
    found = secret(client, namespace, "made")
    made, authority = (x509.load_pem_x509_certificate(found[key]) for key in ("tls.crt", "ca.crt"))
    made.verify_directly_issued_by(authority)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example.com"]
    assert found["ca.crt"] == secret(client, "cert-manager", "vcci-ca")["tls.crt"]


def created(client: Client, where: str, body: dict) -> bool:
    with contextlib.suppress(VcciError):
        client.request("POST", where, body=body)
        return True
    return False


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "at least one of commonName"),
        ({"dnsNames": ["a.example.com"], "duration": "1h", "renewBefore": "2h"}, "renewBefore"),
        (
            {"dnsNames": ["a.example.com"], "issuerRef": {**ISSUER, "kind": "Nothing"}},
            "must be one of Issuer or ClusterIssuer",
        ),
    ],
)
def test_the_webhook_refuses_what_cannot_be_issued(client: Client, namespace: str, spec: dict, message: str) -> None:
    with pytest.raises(VcciError, match=message):
        client.request("POST", path(namespace), body=certificate(**spec))


@pytest.mark.usefixtures("running")
def test_a_second_run_changes_nothing(kubeconfig: pathlib.Path, programs: pathlib.Path, work: pathlib.Path) -> None:
    """What the programs wrote into the role's objects (authorities, states) is theirs."""
    assert cert_manager.install(kubeconfig, programs.parent, work) == []
