# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is tried, and when an answer is right."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import attempts as a

OWNER = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "acme-admins"}


def tried(**target):
    return {
        attempt.name: attempt
        for attempt in a.attempts(a.Target("vcci-tenant-a", **target), "vcci-tenant-b", "greenlang/vcci-probe:v1")
    }


@pytest.mark.parametrize(
    ("refusal", "message", "was", "right"),
    [
        ("", None, "allowed", True),
        ("", "exceeded quota", "refused", False),
        ("quota", None, "allowed", False),
        ("quota", "exceeded quota: x", "refused", True),
        ("quota", "violates PodSecurity", "refused for another reason", False),
    ],
)
def test_verdict(refusal, message, was, right):
    assert a.Attempt("n", "x", "GET", "/", None, refusal).verdict(message) == (was, right)


def test_something_is_allowed_beside_what_is_refused():
    allowed = {name for name, attempt in tried(owner=OWNER).items() if not attempt.refusal}
    assert allowed == {"owner: write to own namespace", "admission: a restricted pod"}


def test_who_tries():
    everyone = tried(owner=OWNER)
    owner = everyone["owner: raise own quota"]
    assert owner.user == "vcci-verify"
    assert "acme-admins" in owner.groups
    account = everyone["service account: read pods of another tenant"]
    assert account.user == "system:serviceaccount:vcci-tenant-a:default"
    assert "/vcci-tenant-b/" in account.path
    assert tried(owner={"kind": "User", "name": "eve"})["owner: raise own quota"].user == "eve"
    assert not any(name.startswith("owner") for name in tried())


def test_one_tenant_alone_tries_all_but_what_is_anothers():
    here = a.Target("vcci-tenant-a", OWNER)
    alone = {attempt.name for attempt in a.attempts(here, None, "greenlang/vcci-probe:v1")}
    others = {name for name in tried(owner=OWNER) if name.endswith("to another tenant") or "of another tenant" in name}
    others -= {"admission: the label of another tenant"}
    assert set(tried(owner=OWNER)) - alone == others
    assert len(others) == 4


@pytest.mark.parametrize(
    ("hard", "maximum", "containers"),
    [
        ({"requests.memory": "1Gi"}, {"memory": "512Mi"}, 3),
        ({"requests.memory": "1Gi"}, {}, 1),
        ({}, {"memory": "1Ti"}, 2),
        ({"limits.memory": "1000Mi"}, {"memory": "300Mi"}, 4),
    ],
)
def test_over_quota_and_within_each_limit(hard, maximum, containers):
    pod = tried(hard=hard, maximum=maximum)["admission: pods over quota"].body
    assert len(pod["spec"]["containers"]) == containers
