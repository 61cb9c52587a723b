# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who may reach the controller's HTTP server, as its role installed it."""

from __future__ import annotations

import pytest
import yaml

from tests.helpers import ROOT, render

pytestmark = pytest.mark.usefixtures("controller")


def test_only_metrics_are_open_and_only_to_prometheus(client) -> None:
    policy = client.get("networking.k8s.io/v1", "NetworkPolicy", "sealed-secrets-controller", "kube-system")["spec"]
    pods = client.get("apps/v1", "Deployment", "sealed-secrets-controller", "kube-system")["spec"]["template"]
    assert policy["podSelector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress"]
    [rule] = policy["ingress"]
    assert [port["port"] for port in rule["ports"]] == [8081]
    assert [list(peer) for peer in rule["from"]] == [["namespaceSelector"]]
    arguments = pods["spec"]["containers"][0]["args"]
    assert arguments[arguments.index("--key-renew-period") + 1] == "720h"


@pytest.mark.parametrize("verb", ["get", "create", "update"])
@pytest.mark.parametrize("group", ["system:authenticated", "system:serviceaccounts", "system:unauthenticated"])
def test_nobody_reaches_it_through_the_api_server(client, verb: str, group: str) -> None:
    attributes = {
        "namespace": "kube-system",
        "verb": verb,
        "resource": "services",
        "subresource": "proxy",
        "name": "http:sealed-secrets-controller:",
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "someone", "groups": [group]},
    }
    review["spec"]["resourceAttributes"] = attributes
    answer = client.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
    assert not answer["status"].get("allowed")


def test_alert_rules_are_prometheus_rules(tmp_path) -> None:
    given = {"controllers_sealed_secrets_alerts_namespace": "vcci-observability"}
    [config] = render(tmp_path, "controllers", names=["sealed_secrets_alerts.yml.j2"], **given)
    rules = [
        rule for group in yaml.safe_load(config["data"]["sealed-secrets.yml"])["groups"] for rule in group["rules"]
    ]
    assert {rule["alert"] for rule in rules} == {
        "SealedSecretUnsealError",
        "SealedSecretNotSynced",
        "SealedSecretsControllerGone",
    }
    assert all(set(rule) >= {"alert", "expr", "labels", "annotations"} for rule in rules)
    assert all((ROOT / rule["annotations"]["runbook"]).exists() for rule in rules)
