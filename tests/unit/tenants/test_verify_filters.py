# Copyright (c) 2026 GreenLang. All rights reserved.
"""Isolation probes: what they try, how they try it (with the real script), and the verdict."""

from __future__ import annotations

import csv
import io
import os
import shutil
import socket
import subprocess

import pytest
from ansible_collections.greenlang.vcci.plugins.filter import (
    tenant_matrix,
    tenant_probe_objects,
    tenant_probe_targets,
    tenant_proof,
)

from tests.helpers import PATIENCE

ADDRESSES = {"a": ["10.0.0.1", "10.9.0.1"], "b": ["10.0.0.2", "10.9.0.2"]}
COMMON = [{"name": "db", "host": "db.svc", "port": 5432, "expect": "closed"}]


def shown(targets, *keys):
    return [tuple(target[key] for key in keys) for target in targets]


def test_targets_of_tenants():
    targets = tenant_probe_targets.tenant_probe_targets(ADDRESSES, COMMON, names="hidden")
    assert shown(targets["b"], "name", "host", "port", "expect") == [
        # Others come first: they are tried in the first moment of a pod's life.
        ("a/pod", "10.0.0.1", 8080, "closed"),
        ("a/service", "10.9.0.1", 8080, "closed"),
        ("name:a/service", "vcci-probe-server.a.svc", "dns", "hidden"),
        ("name:a/pod", "10-0-0-1.a.pod", "dns", "hidden"),
        ("name-of:a/service", "10.9.0.1", "dns", "hidden"),
        ("name-of:a/pod", "10.0.0.1", "dns", "hidden"),
        ("own-service", "vcci-probe-server", 8080, "open"),
        ("own-service-address", "10.9.0.2", 8080, "open"),
        ("own-pod", "10.0.0.2", 8080, "open"),
        ("name:own-service", "vcci-probe-server.b.svc", "dns", "answered"),
        ("db", "db.svc", 5432, "closed"),
    ]
    every = tenant_probe_targets.tenant_probe_targets(ADDRESSES)
    assert {one["expect"] for one in every["a"] if one["name"].startswith("name") and "own" not in one["name"]} == {
        "any"
    }


def service(name, address, *ports, namespace="platform", **content):
    ports = [dict(zip(("name", "port", "protocol"), port, strict=False)) for port in ports]
    metadata = {"name": name, "namespace": namespace}
    return {"metadata": metadata, "spec": {"clusterIP": address, "ports": ports}, **content}


def behind(name, ports, *ready, namespace="platform"):
    """An EndpointSlice: name of a port to its number on the pods, and the pods' addresses."""
    labels = {"kubernetes.io/service-name": name}
    ends = [{"addresses": [one], "conditions": {"ready": True}} for one in ready]
    ends.append({"addresses": ["10.0.9.9"], "conditions": {"ready": False}})
    numbers = [{"name": name, "port": number} for name, number in ports.items()]
    return {"metadata": {"name": "x", "namespace": namespace, "labels": labels}, "endpoints": ends, "ports": numbers}


def test_targets_of_the_cluster():
    """Every TCP port behind which a pod is ready, by every address, closed but for what is open; each once."""
    gate = {"status": {"loadBalancer": {"ingress": [{"ip": "10.1.0.10"}, {"hostname": "x.example"}]}}}
    services = [
        service("gate", "10.9.1.1", ("https", 443, "TCP"), ("http", 80, "TCP"), **gate),
        service("db", "10.9.1.2", ("db", 5432)),
        service("db-headless", "None", ("db", 5432)),
        service("logs", "10.9.1.3", ("syslog", 514, "UDP")),
        service("idle", "10.9.1.4", ("http", 80)),
        service("same-name", "10.9.1.5", ("http", 80), namespace="other"),
    ]
    slices = [
        behind("gate", {"https": 8443, "http": 8080}, "10.0.1.1", "10.0.1.2"),
        behind("db", {"db": 5432}, "10.0.1.3"),
        behind("db-headless", {"db": 5432}, "10.0.1.3", "10.0.1.4"),
        behind("logs", {"syslog": 514}, "10.0.1.5"),
        behind("same-name", {"http": 80}, "10.0.1.6"),
    ]
    nodes = [{"metadata": {"name": "n1"}, "status": {"addresses": [{"type": "InternalIP", "address": "10.7.0.11"}]}}]
    found = tenant_probe_targets.tenant_probe_targets(
        {"a": ["10.0.0.1", "10.9.0.1"]},
        services=services,
        slices=slices,
        open=["platform/gate:443"],
        nodes=nodes,
        names="hidden",
    )["a"][4:]
    assert shown([one for one in found if one["port"] != "dns"], "name", "host", "port", "expect") == [
        ("platform/db:5432", "10.9.1.2", 5432, "closed"),
        ("platform/db:5432/pod-0", "10.0.1.3", 5432, "closed"),
        ("platform/db-headless:5432/pod-1", "10.0.1.4", 5432, "closed"),
        ("platform/gate:443", "10.9.1.1", 443, "open"),
        ("platform/gate:443/pod-0", "10.0.1.1", 8443, "open"),
        ("platform/gate:443/pod-1", "10.0.1.2", 8443, "open"),
        ("platform/gate:80", "10.9.1.1", 80, "closed"),
        ("platform/gate:80", "10.1.0.10", 80, "closed"),
        ("platform/gate:80/pod-0", "10.0.1.1", 8080, "closed"),
        ("platform/gate:80/pod-1", "10.0.1.2", 8080, "closed"),
        ("node/n1:kubelet", "10.7.0.11", 10250, "closed"),
    ]
    names = {one["name"]: one["expect"] for one in found if one["port"] == "dns"}
    assert names["name:platform/db"] == names["name-of:platform/db"] == names["name:other/same-name"] == "hidden"
    assert names["name:platform/gate"] == "any"  # what tenants call, they may know
    assert "name-of:platform/db-headless" not in names


def test_objects():
    targets = tenant_probe_targets.tenant_probe_targets(ADDRESSES, COMMON)
    servers = tenant_probe_objects.tenant_probe_objects(["a", "b"], "image")
    assert [(o["kind"], o["metadata"]["namespace"]) for o in servers] == [
        ("Pod", "a"),
        ("Service", "a"),
        ("Pod", "b"),
        ("Service", "b"),
    ]
    probes = tenant_probe_objects.tenant_probe_objects(["a", "b"], "image", targets, 1, 2, {"runAsUser": 7})
    command = probes[1]["spec"]["containers"][0]["command"]
    assert command[4:7] == ["2", "1", str(tenant_probe_objects.AT_ONCE)]
    assert command[7:] == [f"{one['name']}|{one['host']}|{one['port']}" for one in targets["b"]]
    assert probes[0]["spec"]["restartPolicy"] == "Never"
    assert probes[0]["spec"]["securityContext"]["runAsNonRoot"]
    assert probes[0]["spec"]["securityContext"]["runAsUser"] == 7
    assert "runAsUser" not in servers[0]["spec"]["securityContext"]


def test_probes_keep_within_the_bounds_of_their_namespace():
    ranged = {"metadata": {"namespace": "a"}, "spec": {"limits": [{"type": "Container", "min": {"cpu": "100m"}}]}}
    quota = {"metadata": {"namespace": "b"}, "spec": {"hard": {"limits.cpu": "300m"}}}
    made = tenant_probe_objects.tenant_probe_objects(["a", "b", "c"], "image", bounds=[ranged, quota])
    found = [one["spec"]["containers"][0]["resources"] for one in made if one["kind"] == "Pod"]
    assert [one["requests"]["cpu"] for one in found] == ["100m", "10m", "10m"]
    assert [one["limits"]["cpu"] for one in found] == ["300m", "100m", "300m"]


@pytest.mark.skipif(not shutil.which("nc"), reason="needs netcat")
def test_the_script_tells_open_from_closed():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        command = [
            "bash",
            "-c",
            tenant_probe_objects.TRY,
            "probe",
            "2",
            "1",
            "2",
            f"yes|HOST|{listener.getsockname()[1]}",
            f"no|127.0.0.1|{reserved.getsockname()[1]}",
            "nowhere|does-not-exist.invalid|80",
            "known|localhost|dns",
            "unknown|does-not-exist.invalid|dns",
        ]
        log = subprocess.run(
            command,
            env=dict(os.environ, NODE_ADDRESS="127.0.0.1"),
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout
    assert sorted(log.splitlines()) == [
        "1 known answered",
        "1 no closed",
        "1 nowhere unresolved",
        "1 unknown unresolved",
        "1 yes open",
        "2 known answered",
        "2 no closed",
        "2 nowhere unresolved",
        "2 unknown unresolved",
        "2 yes open",
    ]


@pytest.mark.parametrize(
    ("expect", "log", "right"),
    [
        ("closed", "1 x closed\n2 x closed", True),
        ("closed", "1 x open\n2 x closed", False),  # open in a pod's first second is open
        ("closed", "", False),  # a probe that did not run proves nothing
        ("closed", "1 y closed", False),
        ("closed", "1 x unresolved\n2 x unresolved", False),  # nor does a name that is not there
        ("closed", "1 x unresolved\n2 x closed", True),
        ("open", "1 x unresolved\n2 x open", True),
        ("open", "1 x closed\n2 x open", True),
        ("open", "2 x open\n1 x closed", True),
        ("open", "1 x open\n2 x closed", False),
        ("open", None, False),
        ("answered", "1 x unresolved\n2 x answered", True),
        ("answered", "1 x unresolved", False),
        ("answered", "", False),
        ("hidden", "1 x unresolved\n2 x unresolved", True),
        ("hidden", "1 x answered\n2 x unresolved", False),  # once told is told
        ("hidden", "", False),
        ("any", "1 x unresolved", True),
        ("any", "1 x answered", True),
        ("any", "", False),
    ],
)
def test_verdict(expect, log, right):
    verdict = tenant_matrix.tenant_matrix({"a": log}, {"a": [{"name": "x", "host": "h", "port": 1, "expect": expect}]})
    assert (verdict["wrong"] == []) is right
    assert verdict["cells"] == 1
    assert len(verdict["lines"]) == 2
    unproved = expect == "any" and "answered" in (log or "")
    assert verdict["rows"][0][4] == ("not enforced" if unproved else "ok" if right else "WRONG")
    assert verdict["lines"][1].endswith(verdict["rows"][0][4])


PARTS = {
    "API": [
        ["a", "owner: a <pod>", "allowed", "allowed", "ok"],
        ["a", "owner: a bad pod", "refused", "refused", "ok"],
        ["b", "owner: a bad pod", "refused", "allowed", "WRONG"],
    ],
    "Network": [["a", "db", "closed", "closed", "ok"], ["a", "name:db", "any", "answered", "not enforced"]],
}


def test_summary():
    assert tenant_proof.tenant_proof(PARTS, "summary") == (
        "5 cells (API 3, Network 2): 1 must be allowed, 4 must not; 1 are wrong, 1 are not enforced by this cluster"
    )
    assert tenant_proof.tenant_proof({"API": []}, "summary") == (
        "0 cells (API 0): 0 must be allowed, 0 must not; 0 are wrong"
    )


def test_csv_has_a_line_for_each_cell():
    rows = list(csv.reader(io.StringIO(tenant_proof.tenant_proof(PARTS, "csv"))))
    assert rows[0] == ["part", "tenant", "what", "must be", "was", "verdict"]
    assert len(rows) == 6
    assert rows[3] == ["API", *PARTS["API"][2]]


def test_page_has_allowed_and_refused_side_by_side():
    page = tenant_proof.tenant_proof(PARTS, "html", "Isolation <of> tenants")
    assert "<h1>Isolation &lt;of&gt; tenants</h1>" in page
    assert '<tr class="granted"><td>owner: a &lt;pod&gt;</td><td>allowed</td>' in page
    line = next(line for line in page.splitlines() if "a bad pod" in line)
    assert line.endswith('<td class="ok">refused ok</td><td class="wrong">allowed WRONG</td></tr>')
    assert "<th>a</th><th>b</th>" in page
    assert "<script" not in page
    assert "http" not in page


def test_a_form_that_there_is_not():
    with pytest.raises(ValueError, match="form must be one of summary, csv, html, not 'pdf'"):
        tenant_proof.tenant_proof({}, "pdf")
