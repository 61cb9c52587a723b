# Copyright (c) 2026 GreenLang. All rights reserved.
"""What we run in a tenant's namespace keeps within its LimitRanges and what its quotas have left."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import cases, fit

WANTED = {
    "requests": {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "0"},
    "limits": {"cpu": "300m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
}


def quota(used=None, **more):
    hard = more.pop("hard")
    return {"spec": {"hard": hard, **more}, "status": {"used": used or {}}}


def ranged(**entry):
    return {"spec": {"limits": [{"type": "Container", **entry}]}}


# Quotas and LimitRanges → requests and limits of cpu and memory, of each of three pods.
CASES = {
    "none": ([], "10m 300m 16Mi 128Mi"),
    "enough": ([quota(hard={"limits.cpu": "1", "requests.cpu": "1", "limits.memory": "1Gi"})], "10m 300m 16Mi 128Mi"),
    "little": ([quota(hard={"limits.cpu": "600m", "limits.memory": "192Mi"})], "10m 200m 16Mi 64Mi"),
    "little left": ([quota({"limits.cpu": "3700m"}, hard={"limits.cpu": "4"})], "10m 100m 16Mi 128Mi"),
    "the least of several": (
        [quota(hard={"limits.cpu": "1"}), quota(hard={"limits.cpu": "300m"})],
        "10m 100m 16Mi 128Mi",
    ),
    "less than runs": ([quota(hard={"limits.cpu": "6m"})], "10m 10m 16Mi 128Mi"),
    "nothing left": ([quota({"limits.cpu": "1"}, hard={"limits.cpu": "1"})], "10m 10m 16Mi 128Mi"),
    "more used than allowed": ([quota({"cpu": "2"}, hard={"cpu": "1"})], "0 300m 16Mi 128Mi"),
    "requests": ([quota(hard={"cpu": "15m", "requests.memory": "12Mi"})], "5m 300m 4Mi 128Mi"),
    "rounded down": ([quota(hard={"requests.cpu": "10m", "limits.memory": "100M"})], "3m 300m 16Mi 33333333"),
    "of a part of the pods": ([quota(hard={"limits.cpu": "1m"}, scopes=["NotTerminating"])], "10m 300m 16Mi 128Mi"),
    "a least": ([ranged(min={"cpu": "0.5", "memory": "1Gi"})], "0.5 0.5 1Gi 1Gi"),
    "a most": ([ranged(max={"cpu": "5m", "memory": "64Mi"})], "5m 5m 16Mi 64Mi"),
    "a least above what is left": (
        [ranged(min={"cpu": "50m"}), quota(hard={"limits.cpu": "60m"})],
        "50m 50m 16Mi 128Mi",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fitting(case):
    bounds, wanted = CASES[case]
    found = fit.fitting(WANTED, bounds, 3)
    amounts = [found[part][name] for name in ("cpu", "memory") for part in ("requests", "limits")]
    assert " ".join(amounts) == wanted
    assert found["limits"]["ephemeral-storage"] == "64Mi"


def test_no_limit_is_nothing():
    """Which would mean none."""
    found = fit.fitting(WANTED, [quota(hard={"limits.ephemeral-storage": "0"})])
    assert found["limits"]["ephemeral-storage"] == "64Mi"


@pytest.mark.parametrize("body", [cases.pod("i"), cases.workload("i"), cases.job("i"), cases.cron_job("i")])
def test_what_is_tried_fits_wherever_its_containers_are(body):
    bounds = [ranged(min={"cpu": "20m"}), quota({"limits.cpu": "1"}, hard={"limits.cpu": "1"})]
    found = fit.fitted(body, bounds)
    assert str(found).count("'cpu': '20m'") == str(body).count("'cpu': '1m'") == 2
    assert fit.fitted(body, []) == body


@pytest.mark.parametrize("body", [None, cases.claim("standard"), cases.service(), {"spec": {"containers": [{}]}}])
def test_what_has_no_containers_with_resources_stays(body):
    assert fit.fitted(body, [ranged(min={"cpu": "20m", "storage": "1Gi"})]) == body
