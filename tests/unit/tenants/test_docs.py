# Copyright (c) 2026 GreenLang. All rights reserved.
"""What docs/tiers.md shows can be written as it stands there."""

from __future__ import annotations

import re

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.tiers import parse_tiers

from tests.helpers import ROOT


def test_the_example_of_a_tier_is_right() -> None:
    """Laid over the role's own, as the role does it."""
    [text] = re.findall(r"```yaml\n(tenant_tiers:.*?)```", (ROOT / "docs" / "tiers.md").read_text(), re.DOTALL)
    given = yaml.safe_load(text)["tenant_tiers"]
    own = yaml.safe_load((ROOT / "roles" / "tenant" / "vars" / "main" / "tiers.yml").read_text())["__tenant_tiers"]
    problems = Problems()
    tiers = parse_tiers({**own, **given, "enterprise": {**own["enterprise"], **given["enterprise"]}}, problems)
    problems.refuse()
    assert tiers["enterprise"].contract.load_balancers == 4
    assert tiers["analytics"].contract.node_pools == ("compute", "gpu")
