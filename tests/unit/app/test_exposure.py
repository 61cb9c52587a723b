# Copyright (c) 2026 GreenLang. All rights reserved.
"""The platform's hosts through the ingress controller, by choice: what role apps renders then, and what it asks for."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import catalogue, variables

from tests.helpers import ROOT, ansible, play, render

SHARED = {"platform_environment": "production", "platform_domain": "vcci.example"}
HOSTS = {"api-gateway": "api.vcci.example", "vcci-frontend": "app.vcci.example"}
PORT = 8081
CONTROLLER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
TENANTS = {"app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": "tenant"}
Manifests = dict[tuple[str, str, str], dict]


def gateway(folder: Path, **values: object) -> Manifests:
    """(kind, namespace, name) → manifest, of the gateway."""
    made = render(folder, "apps", names=["api_gateway.yml.j2"], **{**SHARED, **values})
    return {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]): one for one in made}


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    return gateway(tmp_path_factory.mktemp("direct"))


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    values = {"apps_gateway_exposure": "ingress", "apps_api_gateway_service_annotations": {"cloud.example/lb": "nlb"}}
    return gateway(tmp_path_factory.mktemp("chosen"), platform_ingress_class="front", **values)


def platforms(manifests: Manifests, kind: str, name: str = "api-gateway") -> dict:
    return manifests[kind, "vcci-platform", name]


def test_each_host_has_an_ingress_that_any_controller_understands(chosen: Manifests) -> None:
    found = {name: one for (kind, _namespace, name), one in chosen.items() if kind == "Ingress"}
    assert set(found) == set(HOSTS)
    certificate = platforms(chosen, "Certificate", "vcci-api-cert")["spec"]
    for name, ingress in found.items():
        host, backend = HOSTS[name], {"service": {"name": "api-gateway", "port": {"number": PORT}}}
        assert not ingress["metadata"].get("annotations")
        assert ingress["spec"] == {
            "ingressClassName": "front",
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
            "tls": [{"hosts": [host], "secretName": certificate["secretName"]}],
        }
        assert host in certificate["dnsNames"]


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort", "ClusterIP"])
def test_its_service_is_reached_from_within_only(kind: str, direct, chosen, tmp_path: Path) -> None:
    service = platforms(chosen, "Service")
    assert service["spec"]["type"] == "ClusterIP"
    assert "externalTrafficPolicy" not in service["spec"]
    assert not service["metadata"]["annotations"]  # of a load balancer
    assert [(one["port"], one["targetPort"]) for one in service["spec"]["ports"]] == [(PORT, "ingress"), (443, "https")]
    other = platforms(gateway(tmp_path, apps_api_gateway_service_type=kind), "Service")["spec"]
    # The API server refuses the field for a type that nobody outside reaches.
    assert ("externalTrafficPolicy" in other) is (kind != "ClusterIP")
    assert other["ports"] == platforms(direct, "Service")["spec"]["ports"]


def test_both_ends_of_the_way_are_open_and_nothing_else(direct: Manifests, chosen: Manifests) -> None:
    http = {"protocol": "TCP", "port": PORT}
    here, there = platforms(chosen, "NetworkPolicy")["spec"], chosen["NetworkPolicy", "ingress-nginx", "api-gateway"]
    assert here["ingress"] == [
        {"from": [CONTROLLER], "ports": [http]},
        {"from": [{"namespaceSelector": {"matchLabels": TENANTS}}], "ports": [{"protocol": "TCP", "port": 8443}]},
    ]
    assert here["egress"] == platforms(direct, "NetworkPolicy")["spec"]["egress"]
    pods = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "vcci-platform"}},
        "podSelector": {"matchLabels": {"app": "api-gateway"}},
    }
    assert there["spec"] == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [pods], "ports": [http]}],
    }
    ports = platforms(chosen, "Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert {"name": "ingress", "containerPort": PORT} in ports


def test_what_is_there_by_default_is_without_all_of_it(direct: Manifests, chosen: Manifests) -> None:
    added = {
        ("Ingress", "vcci-platform", "api-gateway"),
        ("Ingress", "vcci-platform", "vcci-frontend"),
        ("NetworkPolicy", "ingress-nginx", "api-gateway"),
    }
    assert set(chosen) - set(direct) == added
    assert set(direct) <= set(chosen)
    changed = {key[0] for key in direct if direct[key] != chosen[key]}
    assert changed == {"ConfigMap", "Deployment", "NetworkPolicy", "Service"}
    assert str(PORT) not in str(direct)


def servers(manifests: Manifests) -> list[str]:
    configuration = platforms(manifests, "ConfigMap", "api-gateway-config")["data"]["nginx.conf"]
    return re.findall(r"^  server \{\n(.*?)^  \}\n", configuration, re.DOTALL | re.MULTILINE)


def test_only_the_controllers_port_believes_in_forwarded_addresses(direct: Manifests, chosen: Manifests) -> None:
    """Of them the last, which the controller wrote; nowhere else anybody's."""
    proxied = [one for one in servers(chosen) if f"listen {PORT};" in one]
    assert [re.findall(r"server_name (\S+);", one) for one in proxied] == [[host] for host in HOSTS.values()]
    for one in proxied:
        assert "set_real_ip_from 0.0.0.0/0;" in one
        assert "real_ip_recursive off;" in one
        assert "if ($http_x_forwarded_proto != https) { return 308 https://$host$request_uri; }" in one
    others = [one for one in servers(chosen) if one not in proxied]
    assert not [one for one in others if "real_ip" in one]
    nobodys = f"    listen {PORT} default_server;\n    return 404;\n"
    assert [one for one in others if one != nobodys] == servers(direct)
    text = platforms(chosen, "ConfigMap", "api-gateway-config")["data"]["nginx.conf"]
    before = platforms(direct, "ConfigMap", "api-gateway-config")["data"]["nginx.conf"]
    for whole, proto in ((text, "https"), (before, "$scheme")):
        assert f"proxy_set_header X-Forwarded-Proto {proto};" in whole


def test_the_same_limits_and_ways_on_both_ports(chosen: Manifests) -> None:
    found = servers(chosen)
    for host in HOSTS.values():
        both = [one.split(f"server_name {host};")[1] for one in found if f"server_name {host};" in one]
        assert len(both) == 2
        assert len(set(both)) == 1
        assert "limit_req zone=requests" in both[0]


LACKING = {
    "none lacks": ({}, []),
    "no controller": ({"platform_ingress_controller": "none"}, ["controllers_ingress none"]),
    "no class": ({"platform_ingress_class": ""}, ["platform_ingress_class is empty"]),
    "a class without a value": ({"platform_ingress_class": None}, ["platform_ingress_class is empty"]),
    "no host of the API": ({"apps_api_gateway_host": ""}, ['apps_api_gateway_host is ""']),
    "no host of the frontend": ({"apps_frontend_host": ""}, ['apps_frontend_host is ""']),
    "no host at all": (
        {"apps_api_gateway_host": "", "apps_frontend_host": None},
        ['apps_api_gateway_host is ""', 'apps_frontend_host is ""'],
    ),
    "every host": ({"apps_frontend_host": "*.vcci.example"}, ['apps_frontend_host is "*.vcci.example"']),
    "a URL": ({"apps_frontend_host": "https://a.example"}, ['apps_frontend_host is "https://a.example"']),
    "a port": ({"apps_api_gateway_host": "a.example:443"}, ['apps_api_gateway_host is "a.example:443"']),
    "capitals": ({"apps_api_gateway_host": "API.example"}, ['apps_api_gateway_host is "API.example"']),
    "a dot at the end": ({"apps_api_gateway_host": "a.example."}, ['apps_api_gateway_host is "a.example."']),
    "two lines": ({"apps_api_gateway_host": "a.example\n"}, ["apps_api_gateway_host is"]),
    "a label too long": ({"apps_api_gateway_host": f"{'a' * 64}.example"}, ["apps_api_gateway_host is"]),
    "one for both": ({"apps_frontend_host": "api.vcci.example"}, ["which is apps_api_gateway_host too"]),
    "several at once": (
        {"platform_ingress_controller": "none", "platform_ingress_class": "", "apps_frontend_host": ""},
        ["controllers_ingress none", "platform_ingress_class is empty", 'apps_frontend_host is ""'],
    ),
}


def test_what_is_lacking_is_told_at_once_before_anything_is_written(tmp_path: Path) -> None:
    """Field, value and remedy, whatever of it; no cluster is asked."""
    role = {"name": "greenlang.vcci.apps", "tasks_from": "exposure", "apply": {"ignore_errors": True}}
    chosen = {"apps_gateway_exposure": "ingress"}
    tasks = [{"ansible.builtin.include_role": role, "vars": {**chosen, **given}} for given, _told in LACKING.values()]
    ways = {"module_defaults": {"group/greenlang.vcci.k8s": {"kubeconfig": str(tmp_path / "none")}}}
    files = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
    results, said = play(tmp_path, tasks, vars=SHARED, vars_files=files, **ways)
    found = [result for result in results if "checks" in result or "errors" in result]
    assert len(found) == len(LACKING), said
    for (name, (_given, told)), result in zip(LACKING.items(), found, strict=True):
        errors = result.get("errors", [])
        assert len(errors) == len(told), (name, errors)
        for error, part in zip(errors, told, strict=True):
            assert part in error, name
            assert "Remedy: " in error, name


@pytest.mark.parametrize("given", [{}, {"apps_gateway_exposure": "ingress", "apps_api_gateway_enabled": False}])
def test_nothing_is_asked_for_where_it_is_not_chosen(tmp_path: Path, given: dict[str, object]) -> None:
    role = {"name": "greenlang.vcci.apps", "tasks_from": "exposure"}
    lacking = {"platform_ingress_controller": "none", "platform_ingress_class": "", "apps_frontend_host": ""}
    files = [str(path) for path in sorted((ROOT / "group_vars" / "all").glob("*.yml"))]
    task = {"ansible.builtin.include_role": role, "vars": {**lacking, **given}}
    results, said = play(tmp_path, [task], vars=SHARED, vars_files=files)
    assert not [result for result in results if result.get("failed")], said


def test_the_whole_site_is_refused_before_its_first_layer() -> None:
    given = ["-e", "apps_gateway_exposure=ingress", "-e", "controllers_ingress=none", "-e", "cluster_local_name=none"]
    done = ansible("ansible-playbook", "site.yml", "-i", "inventories/local", *given)
    assert done.returncode == 2
    assert "apps_gateway_exposure is ingress, and controllers_ingress none" in " ".join(done.stdout.split())
    assert done.stdout.count("PLAY [") == 1, done.stdout


def test_no_class_is_a_value() -> None:
    """The whole site is judged before its first layer; a class that is empty says that nobody serves hosts."""
    site, name = catalogue.contract("site"), "platform_ingress_class"
    judged = dataclasses.replace(site, options={name: catalogue.settings_of(site)[name]})
    assert variables.faults_of_values(judged, {name: ""}) == []


def test_one_word_of_which_controller_there_is() -> None:
    """Role controllers has the default, and whoever else asks gets the same."""
    default = yaml.safe_load((ROOT / "roles/controllers/defaults/main/ingress.yml").read_text())["controllers_ingress"]
    shared = yaml.safe_load((ROOT / "group_vars/all/platform.yml").read_text())["platform_ingress_controller"]
    assert shared == f"{{{{ controllers_ingress | default('{default}') }}}}"
