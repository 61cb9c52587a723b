# Copyright (c) 2026 GreenLang. All rights reserved.
"""Isolation probes: what they try, how they try it (with the real script), and the verdict."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess

import pytest
from ansible_collections.greenlang.vcci.plugins.filter import tenant_matrix, tenant_probe_objects, tenant_probe_targets

ADDRESSES = {"a": ["10.0.0.1", "10.9.0.1"], "b": ["10.0.0.2", "10.9.0.2"]}
COMMON = [{"name": "db", "host": "db.svc", "port": 5432, "expect": "closed"}]


def test_targets_and_objects():
    targets = tenant_probe_targets.tenant_probe_targets(ADDRESSES, COMMON)
    assert [(t["name"], t["host"], t["expect"]) for t in targets["b"]] == [
        ("db", "db.svc", "closed"),
        ("own-service", "vcci-probe-server", "open"),
        ("a/service-name", "vcci-probe-server.a.svc", "closed"),
        ("a/service", "10.9.0.1", "closed"),
        ("a/pod-name", "10-0-0-1.a.pod", "closed"),
        ("a/pod", "10.0.0.1", "closed"),
    ]
    servers = tenant_probe_objects.tenant_probe_objects(["a", "b"], "image")
    assert [(o["kind"], o["metadata"]["namespace"]) for o in servers] == [
        ("Pod", "a"),
        ("Service", "a"),
        ("Pod", "b"),
        ("Service", "b"),
    ]
    probes = tenant_probe_objects.tenant_probe_objects(["a", "b"], "image", targets, 1, 2, {"runAsUser": 7})
    assert probes[1]["spec"]["containers"][0]["command"][4:] == [
        "2",
        "1",
        "db|db.svc|5432",
        "own-service|vcci-probe-server|8080",
        "a/service-name|vcci-probe-server.a.svc|8080",
        "a/service|10.9.0.1|8080",
        "a/pod-name|10-0-0-1.a.pod|8080",
        "a/pod|10.0.0.1|8080",
    ]
    assert probes[0]["spec"]["restartPolicy"] == "Never"
    assert probes[0]["spec"]["securityContext"]["runAsNonRoot"]
    assert probes[0]["spec"]["securityContext"]["runAsUser"] == 7
    assert "runAsUser" not in servers[0]["spec"]["securityContext"]


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
            f"yes|HOST|{listener.getsockname()[1]}",
            f"no|127.0.0.1|{reserved.getsockname()[1]}",
            "nowhere|does-not-exist.invalid|80",
        ]
        log = subprocess.run(
            command,
            env=dict(os.environ, NODE_ADDRESS="127.0.0.1"),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
    assert sorted(log.splitlines()) == [
        "1 no closed",
        "1 nowhere unresolved",
        "1 yes open",
        "2 no closed",
        "2 nowhere unresolved",
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
    ],
)
def test_verdict(expect, log, right):
    verdict = tenant_matrix.tenant_matrix({"a": log}, {"a": [{"name": "x", "host": "h", "port": 1, "expect": expect}]})
    assert (verdict["wrong"] == []) is right
    assert verdict["cells"] == 1
    assert len(verdict["lines"]) == 2
    assert verdict["lines"][1].endswith("ok" if right else "WRONG")
