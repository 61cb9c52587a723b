# Copyright (c) 2026 GreenLang. All rights reserved.
"""The checks of the CIS Kubernetes Benchmark that docs/hardening.md calls met, as far as flags show them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import control_plane_daemons, node_daemons
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.daemon import Daemon
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import (
    Layout,
    expand_pools,
    parse_subnet,
)

from tests.helpers import ROOT

# How many checks each section of the benchmark has.
SECTIONS = {"1.1": 21, "1.2": 30, "1.3": 7, "1.4": 2, "2": 7, "3.1": 3, "3.2": 2, "4.1": 10, "4.2": 14, "4.3": 1}
FILES = {"1.1", "4.1"}  # modes and owners: tests/molecule/test_site_faults.py

Flags = Mapping[str, str]
LAYOUT = Layout("local", parse_subnet("10.77.0.0/16"), Path("/state"), "real", expand_pools([{"name": "a"}], "real"))
PARTS = dict.fromkeys(("etcd", "kubernetes", "containerd", "runc", "cilium", "portmap"), Path("/programs"))


def flags(daemon: Daemon) -> Flags:
    split = [argument.removeprefix("--").partition("=") for argument in daemon.argv[1:]]
    return {name: value or "true" for name, _equals, value in split}


CONTROL = {daemon.name: flags(daemon) for daemon in control_plane_daemons.daemons(LAYOUT, PARTS)}
ETCD, API = CONTROL["etcd"], CONTROL["kube-apiserver"]
MANAGER, SCHEDULER = CONTROL["kube-controller-manager"], CONTROL["kube-scheduler"]
FILES_OF_NODE = node_daemons.configuration(LAYOUT, LAYOUT.nodes[0], PARTS, "pause", True)


def configuration(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILES_OF_NODE[name])
    return found


KUBELET, PROXY = configuration("kubelet.json"), configuration("kube-proxy.json")


def listed(given: Flags, name: str) -> set[str]:
    return set(given.get(name, "").split(","))


def strong(ciphers: set[str]) -> bool:
    return bool(ciphers) and all(re.fullmatch(r"TLS_ECDHE_\w+_WITH_(AES_\d+_GCM|CHACHA20)_\w+", one) for one in ciphers)


def sealed(given: Flags, prefix: str) -> bool:
    return given[f"{prefix}client-cert-auth"] == "true" and bool(given[f"{prefix}trusted-ca-file"])


PLUGINS, OFF = listed(API, "enable-admission-plugins"), listed(API, "disable-admission-plugins")
MODES = listed(API, "authorization-mode")
LOGGED = {rule["level"] for rule in control_plane_daemons.AUDIT_POLICY["rules"]}  # type: ignore[index]  # a policy has rules
CHECKS: Mapping[str, Callable[[], object]] = {
    "1.2.1": lambda: API["anonymous-auth"] == "false",
    "1.2.2": lambda: "token-auth-file" not in API,
    "1.2.4": lambda: API["kubelet-client-certificate"] and API["kubelet-client-key"],
    "1.2.5": lambda: API["kubelet-certificate-authority"],
    "1.2.6": lambda: "AlwaysAllow" not in MODES,
    "1.2.7": lambda: "Node" in MODES,
    "1.2.8": lambda: "RBAC" in MODES,
    "1.2.9": lambda: "EventRateLimit" in PLUGINS and API["admission-control-config-file"],
    "1.2.10": lambda: "AlwaysAdmit" not in PLUGINS,
    "1.2.12": lambda: "ServiceAccount" not in OFF,
    "1.2.13": lambda: "NamespaceLifecycle" not in OFF,
    "1.2.14": lambda: "NodeRestriction" in PLUGINS,
    "1.2.15": lambda: API["profiling"] == "false",
    "1.2.16": lambda: API["audit-log-path"],
    "1.2.17": lambda: int(API["audit-log-maxage"]) >= 30,
    "1.2.18": lambda: int(API["audit-log-maxbackup"]) >= 10,
    "1.2.19": lambda: int(API["audit-log-maxsize"]) >= 100,
    "1.2.21": lambda: API.get("service-account-lookup", "true") == "true",
    "1.2.22": lambda: API["service-account-key-file"],
    "1.2.23": lambda: API["etcd-certfile"] and API["etcd-keyfile"],
    "1.2.24": lambda: API["tls-cert-file"] and API["tls-private-key-file"],
    "1.2.25": lambda: API["client-ca-file"],
    "1.2.26": lambda: API["etcd-cafile"],
    "1.2.27": lambda: API["encryption-provider-config"],
    "1.2.28": lambda: API["encryption-provider-config"],  # that nothing is in clear: test_local_cluster.py
    "1.2.29": lambda: strong(listed(API, "tls-cipher-suites")),
    "1.2.30": lambda: API["service-account-extend-token-expiration"] == "false",
    "1.3.1": lambda: int(MANAGER["terminated-pod-gc-threshold"]) > 0,
    "1.3.2": lambda: MANAGER["profiling"] == "false",
    "1.3.3": lambda: MANAGER["use-service-account-credentials"] == "true",
    "1.3.4": lambda: MANAGER["service-account-private-key-file"],
    "1.3.5": lambda: MANAGER["root-ca-file"],
    "1.3.6": lambda: "feature-gates" not in MANAGER,
    "1.3.7": lambda: MANAGER["bind-address"] == LAYOUT.loopback,
    "1.4.1": lambda: SCHEDULER["profiling"] == "false",
    "1.4.2": lambda: SCHEDULER["bind-address"] == LAYOUT.loopback,
    "2.1": lambda: ETCD["cert-file"] and ETCD["key-file"],
    "2.2": lambda: sealed(ETCD, ""),
    "2.3": lambda: "auto-tls" not in ETCD,
    "2.4": lambda: ETCD["peer-cert-file"] and ETCD["peer-key-file"],
    "2.5": lambda: sealed(ETCD, "peer-"),
    "2.6": lambda: "peer-auto-tls" not in ETCD,
    "2.7": lambda: ETCD["trusted-ca-file"] != API["client-ca-file"],
    "3.2.1": lambda: API["audit-policy-file"],
    "3.2.2": lambda: {"None", "Metadata"} == LOGGED,
    "4.2.1": lambda: KUBELET["authentication"]["anonymous"]["enabled"] is False,
    "4.2.2": lambda: KUBELET["authorization"]["mode"] == "Webhook",
    "4.2.3": lambda: KUBELET["authentication"]["x509"]["clientCAFile"],
    "4.2.4": lambda: KUBELET["readOnlyPort"] == 0,
    "4.2.5": lambda: KUBELET.get("streamingConnectionIdleTimeout") != "0s",
    "4.2.9": lambda: KUBELET["tlsCertFile"] and KUBELET["tlsPrivateKeyFile"],
    "4.2.11": lambda: "featureGates" not in KUBELET,
    "4.2.12": lambda: strong(set(KUBELET["tlsCipherSuites"])),
    "4.2.13": lambda: 0 < KUBELET["podPidsLimit"] <= 1024,
    "4.2.14": lambda: KUBELET["seccompDefault"] is True,
    "4.3.1": lambda: PROXY["metricsBindAddress"].startswith("127.0.0.1:"),
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_is_met(check: str) -> None:
    assert CHECKS[check]()


def numbers(text: str) -> list[str]:
    """Of the first column of a row: `1.2.6 to 1.2.8` are three, `1.3.2, 1.4.1` two."""
    found = []
    for part in text.split(", "):
        first, _to, last = part.partition(" to ")
        section, _dot, number = first.rpartition(".")
        end = int((last or first).rpartition(".")[2])
        found += [f"{section}.{one}" for one in range(int(number), end + 1)]
    return found


def test_the_page_names_each_check_once_and_calls_met_what_is_asserted() -> None:
    text = (ROOT / "docs/hardening.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([0-9][^|]*) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    here = [(number, word) for first, word in rows for number in numbers(first)]
    every = [f"{section}.{number + 1}" for section, count in SECTIONS.items() for number in range(count)]
    assert sorted(number for number, _word in here) == sorted(every)
    met = {number for number, word in here if word == "met" and number.rpartition(".")[0] not in FILES}
    assert met == set(CHECKS)
