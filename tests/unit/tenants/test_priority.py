# Copyright (c) 2026 GreenLang. All rights reserved.
"""The platform's pods stay when a node is full: each has a class, above every one that a tier may name."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cluster import Cluster
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.judge import PLATFORM_PRIORITY
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.plan import parse_fleet, plan_fleet
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.quota import Allowance
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.settings import Settings

from tests.helpers import ROOT

LAYERS = ("data", "apps", "observability")
CLASS = re.compile(r"^  name: (vcci-\S+)\n(?:.*\n)*?value: (\d+)$", re.MULTILINE)
POD = re.compile(r"^ +securityContext: \{\{ __\w+_pod_security", re.MULTILINE)


def classes():
    found = {}
    for layer in LAYERS:
        found.update(CLASS.findall((ROOT / "roles" / layer / "templates/priority.yml.j2").read_text()))
    return {name: int(value) for name, value in found.items()}


def test_data_before_applications_before_workers():
    found = classes()
    assert sorted(found, key=found.get) == ["vcci-workers", "vcci-observability", "vcci-apps", "vcci-data"]
    assert min(found.values()) == PLATFORM_PRIORITY
    assert max(found.values()) <= 10**9  # what no class of the system is below


def test_every_pod_of_the_platform_has_a_class():
    for layer in LAYERS:
        for path in (ROOT / "roles" / layer / "templates").glob("*.j2"):
            text = path.read_text()
            named = re.findall(r"^ +priorityClassName: (.+)$", text, re.MULTILINE)
            assert len(named) == len(POD.findall(text)), path.name
            assert set(named) <= {*classes(), "{{ priority }}", "{{ __data_pod_class | to_json }}"}, path.name
    pods = yaml.safe_load((ROOT / "roles/data/vars/main/postgresql_archive_pod.yml").read_text())
    assert pods["__data_pod_class"] in classes()
    assert "priority='vcci-apps'" in (ROOT / "roles/apps/templates/workload.j2").read_text()
    assert "priority='vcci-workers'" in (ROOT / "roles/apps/templates/worker.yml.j2").read_text()


@pytest.mark.parametrize("value", [PLATFORM_PRIORITY - 1, PLATFORM_PRIORITY])
@pytest.mark.parametrize("where", ["tier", "overrides"])
def test_a_class_as_high_as_the_platform_is_no_tenants(value, where):
    named = {"priority_classes": ["batch"]}
    tenant = {"id": "acme", "name": "A", "tier": "own", "overrides": named if where == "overrides" else {}}
    fleet = parse_fleet([tenant], {"own": {"quota": {"pods": 1}, **(named if where == "tier" else {})}}, Problems())
    assert fleet.names_priorities()
    cluster = Cluster(priorities={"batch": value, "other": 10**9})
    _plan, wrong = plan_fleet(fleet, Settings("v", "v", (), ()), cluster, "now", Allowance())
    assert bool(wrong) is (value == PLATFORM_PRIORITY)
    assert all("tenant acme: priority_classes: batch" in line for line in wrong)
