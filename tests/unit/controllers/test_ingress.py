# Copyright (c) 2026 GreenLang. All rights reserved.
"""The ingress controller as role controllers renders it: limits, TLS and ways on the network, whichever it is."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml

from tests import helpers

SHARED = {"platform_environment": "production", "cluster_api_server_cidrs": ["10.77.0.1/32"]}
LIMITS = {
    "requests_per_second": 7,
    "burst": 9,
    "body_bytes": 1234567,
    "header_seconds": 3,
    "idle_seconds": 5,
    "read_seconds": 11,
}
PORTS = {
    "traefik": (8000, 8443, 10254),
    "ingress-nginx": (80, 443, 10254),
    "f5-nginx": (80, 443, 10254),
}
WEAK = ("RC4", "3DES", "CBC", "MD5", "TLS_RSA", "NULL", "TLSv1 ", "TLSv1.1")


def render(folder: pathlib.Path, *names: str, **values: Any) -> dict[tuple[str, str], dict[str, Any]]:
    documents = helpers.render(folder, "controllers", names=names, **{**SHARED, **values})
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def chart_values(folder: pathlib.Path, controller: str, **values: Any) -> dict[str, Any]:
    """What the chart of a controller is given."""
    (folder / "templates").mkdir()
    text = "{{ __controllers_ingress_chart_values[controllers_ingress] | to_json }}"
    (folder / "templates" / "values.yml.j2").write_text(text, encoding="utf-8")
    given = {**SHARED, "controllers_ingress": controller, **values}
    return helpers.render(folder, "controllers", names=["values.yml.j2"], **given)[0]


@pytest.fixture(scope="module")
def traefik(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    names = ("ingress.yml.j2", "traefik.yml.j2")
    return render(tmp_path_factory.mktemp("traefik"), *names, controllers_ingress_limits=LIMITS)


def pod_of(manifests: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    return manifests["Deployment", "ingress-controller"]["spec"]["template"]


def test_its_pods_are_restricted_bounded_scraped_and_disrupted_one_by_one(traefik) -> None:
    pod, container = pod_of(traefik), pod_of(traefik)["spec"]["containers"][0]
    assert pod["metadata"]["annotations"].items() >= {
        ("prometheus.io/scrape", "true"),
        ("prometheus.io/port", "10254"),  # as in the reference document
    }
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert set(container["resources"]) == {"requests", "limits"}
    assert container["image"] == "docker.io/library/traefik:v3.7.15"
    assert traefik["PriorityClass", pod["spec"]["priorityClassName"]]["value"] > 0
    assert all(port["containerPort"] > 1023 for port in container["ports"])
    assert traefik["PodDisruptionBudget", "ingress-controller"]["spec"]["maxUnavailable"] == 1
    namespace = traefik["Namespace", "ingress-nginx"]["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"


def test_it_may_write_nothing_but_the_status_of_ingresses(traefik) -> None:
    verbs = {"list", "watch"}
    for rule in traefik["ClusterRole", "vcci-ingress-controller"]["rules"]:
        assert set(rule["verbs"]) == ({"update"} if rule["resources"] == ["ingresses/status"] else verbs)
        assert "*" not in [*rule["resources"], *rule["apiGroups"]]


def test_its_service_keeps_the_clients_addresses(traefik) -> None:
    spec = traefik["Service", "ingress-controller"]["spec"]
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
    assert [port["port"] for port in spec["ports"]] == [80, 443]


def test_what_traefik_is_told(traefik) -> None:
    files = {name: yaml.safe_load(text) for name, text in traefik["ConfigMap", "ingress-controller"]["data"].items()}
    provider = files["traefik.yml"]["providers"]["kubernetesIngressNGINX"]
    assert provider["disableSvcExternalName"] is True
    assert "allowSnippetAnnotations" not in provider
    assert "allowCrossNamespaceResources" not in provider
    assert provider["ingressClass"] == traefik["IngressClass", "nginx"]["metadata"]["name"]
    assert provider["controllerClass"] == traefik["IngressClass", "nginx"]["spec"]["controller"]
    assert provider["proxyBodySize"] == LIMITS["body_bytes"]
    assert provider["proxyReadTimeout"] == LIMITS["read_seconds"]
    assert "api" not in files["traefik.yml"]  # no dashboard
    for name in ("web", "websecure"):
        entry = files["traefik.yml"]["entryPoints"][name]
        assert entry["http"]["middlewares"] == ["limits@file"]
        assert entry["transport"]["respondingTimeouts"]["idleTimeout"] == "5s"
    dynamic = files["dynamic.yml"]
    assert dynamic["http"]["middlewares"]["limits"] == {"rateLimit": {"average": 7, "burst": 9}}
    assert dynamic["tls"]["options"]["default"]["minVersion"] == "VersionTLS12"
    assert dynamic["tls"]["options"]["default"]["sniStrict"] is True
    suites = dynamic["tls"]["options"]["default"]["cipherSuites"]
    assert all("ECDHE" in suite and ("GCM" in suite or "POLY1305" in suite) for suite in suites)


def test_pods_start_anew_with_what_they_are_told(traefik, tmp_path: pathlib.Path) -> None:
    key = "vcci.greenlang.io/config"
    other = render(tmp_path, "traefik.yml.j2", controllers_ingress_limits={**LIMITS, "burst": 10})
    assert pod_of(other)["metadata"]["annotations"][key] != pod_of(traefik)["metadata"]["annotations"][key]


@pytest.mark.parametrize("controller", PORTS)
def test_who_it_talks_to_whichever_it_is(controller: str, tmp_path: pathlib.Path) -> None:
    found = render(tmp_path, "ingress.yml.j2", controllers_ingress=controller)
    assert found["NetworkPolicy", "default-deny"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    spec = found["NetworkPolicy", "ingress-controller"]["spec"]
    world, scraped = spec["ingress"]
    web, websecure, metrics = PORTS[controller]
    assert [port["port"] for port in world["ports"]] == [web, websecure]
    assert "from" not in world
    assert [port["port"] for port in scraped["ports"]] == [metrics]
    assert "kubernetes.io/metadata.name" in scraped["from"][0]["namespaceSelector"]["matchLabels"]
    tenants, server = spec["egress"]
    assert tenants["to"] == [
        {
            "namespaceSelector": {
                "matchLabels": {
                    "app.kubernetes.io/managed-by": "greenlang.vcci",
                    "app.kubernetes.io/component": "tenant",
                }
            },
            "podSelector": {"matchLabels": {"tenant.vcci.io/published": "true"}},
        }
    ]
    assert [port["port"] for port in server["ports"]] == [443, 6443]


@pytest.mark.parametrize("controller", ["ingress-nginx", "f5-nginx"])
def test_what_charts_write_into_a_configmap_are_texts(controller: str, tmp_path: pathlib.Path) -> None:
    """Found by rendering the charts: a number becomes 1.048576e+07 in one, and stays a number in the other."""
    config = chart_values(tmp_path, controller)["controller"]["config"]
    assert {type(value) for value in config.get("entries", config).values()} == {str}


def test_no_directive_is_there_twice(tmp_path: pathlib.Path) -> None:
    """ingress-nginx's own configuration has it, and nginx refuses the second."""
    config = chart_values(tmp_path, "ingress-nginx")["controller"]["config"]
    assert "limit_req_status" not in config["http-snippet"]
    assert config["limit-req-status-code"] == "429"


@pytest.mark.parametrize("controller", ["ingress-nginx", "f5-nginx"])
def test_the_charts_get_the_same(controller: str, tmp_path: pathlib.Path) -> None:
    values = chart_values(tmp_path, controller, controllers_ingress_limits=LIMITS)
    given = values["controller"]
    config = given["config"].get("entries", given["config"])
    text = yaml.safe_dump(config)
    assert "rate=7r/s" in text
    assert "burst=9" in text
    assert str(LIMITS["body_bytes"]) in text
    assert config["ssl-protocols"] == "TLSv1.2 TLSv1.3"
    assert not [word for word in WEAK if word in config["ssl-ciphers"]]
    assert given["service"]["externalTrafficPolicy"] == "Local"
    # F5's chart annotates pods itself where it has metrics.
    scraped = values.get("prometheus", {"create": True, "port": PORTS[controller][2]})
    assert scraped == {"create": True, "port": PORTS[controller][2]}
    if controller == "ingress-nginx":
        assert given["podAnnotations"] == {"prometheus.io/scrape": "true", "prometheus.io/port": "10254"}
    assert [one["topologyKey"] for one in given["topologySpreadConstraints"]] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert not given.get("allowSnippetAnnotations", given.get("enableSnippets"))
    classes = [given["ingressClass"], given.get("ingressClassResource", {})]
    assert [one["name"] for one in classes if isinstance(one, dict) and one] == ["nginx"]
