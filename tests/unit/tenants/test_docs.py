# Copyright (c) 2026 GreenLang. All rights reserved.
"""What docs/tiers.md shows can be written as it stands there, and its numbers are those of the role."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.contract import Contract
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.counts import DEFAULTS
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.tiers import parse_tiers

from tests.helpers import ROOT

PAGE = (ROOT / "docs" / "tiers.md").read_text(encoding="utf-8")
TIERS = yaml.safe_load((ROOT / "roles" / "tenant" / "vars" / "main" / "tiers.yml").read_text())["__tenant_tiers"]
# First cell of a row → the limits that it shows.
AMOUNTS = {
    "`quota`: CPU requested, at most": ("requests.cpu", "limits.cpu"),
    "memory requested, at most": ("requests.memory", "limits.memory"),
    "ephemeral storage requested, at most": ("requests.ephemeral-storage", "limits.ephemeral-storage"),
    "storage, of all classes together; volumes": ("requests.storage", "persistentvolumeclaims"),
    "pods that run": ("pods",),
    "Services, ConfigMaps, Secrets": ("services", "configmaps", "secrets"),
    "Deployments, StatefulSets, Jobs, CronJobs, Ingresses": (
        "count/deployments.apps",
        "count/statefulsets.apps",
        "count/jobs.batch",
        "count/cronjobs.batch",
        "count/ingresses.networking.k8s.io",
    ),
}


def cells(first: str) -> list[str]:
    """Of a row of the table of fields: one for each tier, then that of a tier that names none."""
    table = PAGE.partition("## Fields")[2].partition("\n## ")[0]
    [line] = [line for line in table.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")[1:5]]


@pytest.mark.parametrize("row", AMOUNTS)
def test_the_amounts_of_each_tier_are_those_that_are_set(row: str) -> None:
    between = "; " if ";" in row else ", "
    shown = [between.join(TIERS[tier]["quota"][limit] for limit in AMOUNTS[row]) for tier in TIERS]
    assert cells(row)[:3] == shown
    if all(limit in DEFAULTS for limit in AMOUNTS[row]):
        assert cells(row)[3] == ", ".join(str(DEFAULTS[limit]) for limit in AMOUNTS[row])


def test_the_bounds_of_containers_and_volumes_are_those_that_are_set() -> None:
    limits = [tier["limits"] for tier in TIERS.values()]
    shown = [f"{one['max']['cpu']} CPUs, {one['max']['memory']}" for one in limits]
    assert cells("of a container at most")[:3] == shown
    assert cells("`limits.max_volume`")[:3] == [one["max_volume"] for one in limits]
    for row, key in (
        ("`limits`: of a container that says nothing, requested", "default_request"),
        ("of a container that says nothing, at most", "default"),
    ):
        [amounts] = {tuple(one[key].values()) for one in limits}  # the same in all
        assert cells(row)[0] == f"{amounts[0]}, {amounts[1]}, {amounts[2]} ephemeral"


def test_the_other_fields_are_those_that_are_set() -> None:
    assert cells("`load_balancers`") == [*(str(tier["load_balancers"]) for tier in TIERS.values()), "0"]
    pools = [*(tier["node_pools"] for tier in TIERS.values()), Contract().node_pools]
    assert cells("`node_pools`") == [", ".join(names) for names in pools]
    for row in ("`max_service_ports`", "`max_tls_entries` of an Ingress", "`max_grace_seconds`", "`max_object_bytes`"):
        assert cells(row) == [str(getattr(Contract(), row.split("`")[1]))] * 4


def test_the_example_of_a_tier_is_right() -> None:
    """Laid over the role's own, as the role does it."""
    [text] = re.findall(r"```yaml\n(tenant_tiers:.*?)```", PAGE, re.DOTALL)
    given = yaml.safe_load(text)["tenant_tiers"]
    problems = Problems()
    tiers = parse_tiers({**TIERS, **given, "enterprise": {**TIERS["enterprise"], **given["enterprise"]}}, problems)
    problems.refuse()
    assert tiers["enterprise"].contract.load_balancers == 4
    assert tiers["analytics"].contract.node_pools == ("compute", "gpu")
