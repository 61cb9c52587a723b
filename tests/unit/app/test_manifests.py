# Copyright (c) 2026 GreenLang. All rights reserved.
"""What roles apps and observability render, by default and in the local inventory: contracts, security, autoscaling."""

from __future__ import annotations

import pathlib

import pytest
import yaml

from tests import helpers
from tests.helpers import ROOT

POOLS = {"compute": {"pool": "compute"}, "memory": {"workload-type": "memory"}, "gpu": {"workload-type": "gpu"}}
SHARED = {
    "platform_environment": "production",
    "platform_domain": "vcci.example",
    "platform_node_selectors": POOLS,
    "cluster_api_server_cidrs": ["10.77.0.1/32"],
    "apps_worker_ml_enabled": True,
}
AUTOSCALED = {"vcci-backend-api": (3, 10), "vcci-worker": (2, 20), "vcci-worker-ml": (1, 3), "vcci-frontend": (2, 5)}
PORTS = {"vcci-backend-api": 8000, "vcci-frontend": 8080, "prometheus": 9090}
Manifests = dict[tuple[str, str, str], dict]


def render(folder: pathlib.Path, inventory: str = "", **values: object) -> Manifests:
    """(kind, namespace, name) → manifest, of both roles."""
    roles, files = ("apps", "observability"), []
    if inventory:
        of_roles = [
            ROOT / "inventories" / inventory / f"group_vars/vcci_{inventory}" / f"{role}.yml"
            for role in ("cluster", *roles)
        ]
        files = [ROOT / "group_vars/all/cluster.yml", *of_roles]
    documents = helpers.render(folder, *roles, inventory=files, **{**SHARED, **values})
    found = {(doc["kind"], doc["metadata"].get("namespace", ""), doc["metadata"]["name"]): doc for doc in documents}
    assert len(found) == len(documents), "two manifests of one kind and name"
    return found


@pytest.fixture(scope="module")
def production(tmp_path_factory) -> Manifests:
    return render(tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Manifests:
    return render(tmp_path_factory.mktemp("local"), "local")


def named(manifests: Manifests, kind: str) -> dict[str, dict]:
    return {name: manifest for (found, _namespace, name), manifest in manifests.items() if found == kind}


def workloads(manifests: Manifests) -> dict[str, dict]:
    return named(manifests, "Deployment") | named(manifests, "StatefulSet")


@pytest.mark.parametrize("inventory", ["production", "local"])
def test_every_pod_is_restricted_and_bounded(inventory: str, request) -> None:
    found = workloads(request.getfixturevalue(inventory))
    assert set(found) == {*AUTOSCALED, "api-gateway", "prometheus"}
    for name, workload in found.items():
        spec = workload["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is (name == "prometheus"), name
        assert spec["nodeSelector"] == POOLS["gpu" if name == "vcci-worker-ml" else "compute"], name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]) == {"requests", "limits"}
            assert ":v" in container["image"]


def test_every_object_is_labelled_selected_and_admitted(production: Manifests) -> None:
    for key, manifest in production.items():
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "vcci-scope3-platform", key
        assert labels["app.kubernetes.io/managed-by"] == "greenlang.vcci", key
    policies = named(production, "NetworkPolicy")
    for name, workload in workloads(production).items():
        assert workload["spec"]["selector"]["matchLabels"] == {"app": name}
        assert workload["spec"]["template"]["metadata"]["labels"]["app"] == name
        assert policies[name]["spec"]["podSelector"]["matchLabels"] == {"app": name}
        assert set(policies[name]["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_autoscalers_decide_replicas_and_budgets_bound_disruptions(production: Manifests) -> None:
    scalers = {
        scaler["spec"]["scaleTargetRef"]["name"]: scaler
        for scaler in named(production, "HorizontalPodAutoscaler").values()
    }
    assert {
        name: (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) for name, scaler in scalers.items()
    } == AUTOSCALED
    api = named(production, "HorizontalPodAutoscaler")["vcci-backend-api-hpa"]["spec"]
    assert api["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert (api["behavior"]["scaleUp"], api["behavior"]["scaleDown"]) == (
        {"stabilizationWindowSeconds": 60},
        {"stabilizationWindowSeconds": 300},
    )
    for name, deployment in named(production, "Deployment").items():
        assert ("replicas" in deployment["spec"]) is (name not in scalers), name
        assert named(production, "PodDisruptionBudget")[name]["spec"]["maxUnavailable"] == 1


def test_names_of_the_reference_document(production: Manifests) -> None:
    api = workloads(production)["vcci-backend-api"]["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in api] == ["api"]
    assert api[0]["image"] == "greenlang/vcci-backend-api:v1.0.0"
    assert api[0]["resources"] == {
        "requests": {"cpu": "500m", "memory": "1Gi"},
        "limits": {"cpu": "2000m", "memory": "4Gi"},
    }
    assert api[0]["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert api[0]["livenessProbe"]["httpGet"]["path"] == "/health/live"
    services = named(production, "Service")
    assert {name: services[name]["spec"]["ports"][0]["port"] for name in PORTS} == PORTS
    assert services["api-gateway"]["spec"]["type"] == "LoadBalancer"
    config = named(production, "ConfigMap")["platform-config"]["data"]
    assert (config["ENVIRONMENT"], config["LOG_LEVEL"], config["API_VERSION"]) == ("production", "INFO", "v1")
    certificate = named(production, "Certificate")["vcci-api-cert"]["spec"]
    assert certificate["dnsNames"] == ["api.vcci.example", "app.vcci.example"]
    assert certificate["secretName"] == "vcci-api-tls"


def test_gpu_workers(production: Manifests, tmp_path) -> None:
    assert "vcci-worker-ml" not in workloads(render(tmp_path, apps_worker_ml_enabled=False))
    spec = workloads(production)["vcci-worker-ml"]["spec"]["template"]["spec"]
    assert spec["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
    ]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_api_server_reaches_the_api_where_it_is_told_to(production: Manifests, local: Manifests) -> None:
    def blocks(manifests: Manifests) -> list:
        rules = named(manifests, "NetworkPolicy")["vcci-backend-api"]["spec"]["ingress"]
        assert all(rule["from"] for rule in rules), "a rule without peers admits everybody"
        return [peer["ipBlock"]["cidr"] for rule in rules for peer in rule["from"] if "ipBlock" in peer]

    assert blocks(production) == []
    assert blocks(local) == ["10.77.0.1/32"]


def test_pods_follow_their_configuration(production: Manifests, tmp_path) -> None:
    changed = render(
        tmp_path, apps_log_level="DEBUG", apps_api_gateway_rate=7, observability_prometheus_scrape_interval="7s"
    )

    def digest(manifests: Manifests, name: str) -> str:
        return workloads(manifests)[name]["spec"]["template"]["metadata"]["annotations"]["vcci.greenlang.io/config"]

    for name in ("vcci-backend-api", "vcci-worker", "vcci-worker-ml", "api-gateway", "prometheus"):
        assert digest(production, name) != digest(changed, name), name
    assert "rate=7r/s" in named(changed, "ConfigMap")["api-gateway-config"]["data"]["nginx.conf"]


def test_prometheus_verifies_whom_it_scrapes(production: Manifests) -> None:
    config = yaml.safe_load(named(production, "ConfigMap")["prometheus-config"]["data"]["prometheus.yml"])
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    # Pods and their parts in clear: each has a policy that lets nobody but Prometheus come to that port.
    assert set(jobs) == {"pods", "parts", "kubelet", "cadvisor", "apiserver"}
    assert "insecure_skip_verify" not in str(config)
    for name in ("kubelet", "cadvisor", "apiserver"):
        assert jobs[name]["scheme"] == "https"
        assert jobs[name]["tls_config"]["ca_file"].endswith("/ca.crt")
    rules = [rule for role in named(production, "ClusterRole").values() for rule in role["rules"]]
    assert all(set(rule["verbs"]) <= {"get", "list", "watch"} for rule in rules)
    assert "nodes/proxy" not in str(rules)
    assert {namespace for kind, namespace, _name in production if kind == "Role"} == {
        "vcci-platform",
        "vcci-observability",
        "kube-system",
        "ingress-nginx",
    }
