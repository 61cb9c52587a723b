# Copyright (c) 2026 GreenLang. All rights reserved.
"""The table of what a tenant's owner tries: how much there is, and that something is allowed beside each refusal."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import attempts as a
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.bounds import Bounds, bounds
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cases import merged
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.rules import rules

OWNER = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve"}
MUCH = Bounds(
    hosts=("acme.example", "*.acme.example"),
    storage_classes=("standard",),
    ingress_classes=("public",),
    issuers=("vcci-ca",),
    extended_resources=("nvidia.com/gpu",),
    load_balancers=2,
)


def tried(allowed=MUCH, *, owned=True):
    return list(rules(a.Target("vcci-tenant-a", OWNER if owned else None, bounds=allowed), "greenlang/vcci-probe:v1"))


@pytest.mark.parametrize("allowed", [Bounds(), MUCH])
def test_there_is_much_of_it_and_each_has_a_name_of_its_own(allowed):
    names = Counter(attempt.name for attempt in tried(allowed))
    assert [name for name, number in names.items() if number > 1] == []
    assert len(names) > 125


def test_something_is_allowed_of_every_kind_that_something_is_refused_of():
    allowed = {one.path for one in tried() if not one.refusal}
    assert allowed == {one.path for one in tried() if one.refusal and one.refusal != a.FORBIDDEN}


def test_what_its_annotations_allow_is_not_expected_to_be_refused():
    refused = {one.name for one in tried() if one.refusal}
    assert "a Service: a load balancer" not in refused
    assert "a pod: resource nvidia.com/gpu" not in {one.name for one in tried()}
    assert {"a Service: a load balancer", "a pod: resource nvidia.com/gpu"} <= {
        one.name for one in tried(Bounds()) if one.refusal
    }


def test_it_is_an_owner_who_tries():
    assert {one.user for one in tried()} == {"eve"}
    assert tried(owned=False) == []


def test_bounds_are_read_from_annotations():
    read = bounds(
        {"tenant.vcci.io/hosts": "a.example,b.example", "tenant.vcci.io/max-grace-seconds": "60", "other": "x"}
    )
    assert read == Bounds(hosts=("a.example", "b.example"), max_grace_seconds=60)
    assert bounds({"tenant.vcci.io/hosts": ""}) == bounds({}) == Bounds()


def test_a_change_is_merged_as_a_patch_is():
    assert merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d": [1]}) == {"a": {"b": 3, "c": 2}, "d": [1]}
