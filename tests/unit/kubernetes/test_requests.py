# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which answers a request is sent again for, and where objects of a kind are found."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import NotFound, api_error
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.discovery import Discovery
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.retry import Attempts, may_retry

BUDGET = {"causes": [{"reason": "DisruptionBudget"}]}
RETRIES = {
    # name: (status, headers, what the server says, whether it is asked again)
    "too many requests": (429, {}, {}, True),
    "an eviction that a budget refuses": (429, {}, {"details": BUDGET}, False),
    "a gateway's": (502, {}, {}, True),
    "not available": (503, {}, {}, True),
    "a verdict": (500, {}, {"message": "webhook failed"}, False),
    "a passing one": (500, {}, {"reason": "ServerTimeout"}, True),
    "etcd is away": (500, {}, {"message": "etcdserver: no leader"}, True),
    "the server names a time": (500, {"retry-after": "1"}, {}, True),
    "a conflict": (409, {}, {}, False),
    "a conflict of the object asked for": (409, {}, {"details": {"kind": "things"}}, False),
    "others used of the quota meanwhile": (409, {}, {"details": {"kind": "resourcequotas"}}, True),
    "others used of OpenShift's quota": (409, {}, {"details": {"kind": "clusterresourcequotas"}}, True),
    "a conflict of what is no kind": (409, {}, {"details": {"kind": ["resourcequotas"]}}, False),
    "wrong input": (422, {}, {}, False),
}


@pytest.mark.parametrize("case", RETRIES)
def test_may_retry(case: str) -> None:
    status, headers, body, expected = RETRIES[case]
    assert may_retry(api_error(status, body, ""), headers, "/apis/a/v1/namespaces/n/things/a") is expected


@pytest.mark.parametrize("quota", ["resourcequotas", "clusterresourcequotas"])
def test_a_conflict_over_the_quota_itself_is_its_callers(quota: str) -> None:
    error = api_error(409, {"details": {"kind": quota}}, "")
    assert not may_retry(error, {}, f"/api/v1/namespaces/n/{quota}/q/status")


def test_attempts_end_and_are_told_when_they_keep_the_user_waiting() -> None:
    said: list[str] = []
    attempts = Attempts(60, said.append)
    made = [attempts.again("again", longest=0.001) for _turn in range(5)]
    assert made == [True] * 5
    assert said == ["again"] * 2
    assert not attempts.again("again", patience=0)
    assert not Attempts(-1, said.append).again("again")


def test_a_kind_is_asked_for_once() -> None:
    asked = []
    served = {
        "/apis/a.example.com": {
            "preferredVersion": {"groupVersion": "a.example.com/v2"},
            "versions": [{"groupVersion": "a.example.com/v2"}, {"groupVersion": "a.example.com/v1"}],
        },
        "/apis/a.example.com/v2": {"resources": [{"kind": "New", "name": "news", "namespaced": True}]},
        "/apis/a.example.com/v1": {
            "resources": [
                {"kind": "Old", "name": "olds", "namespaced": False},
                {"kind": "Scale", "name": "olds/scale", "namespaced": False},
            ]
        },
    }

    def get(path: str):
        asked.append(path)
        if path not in served:
            raise NotFound(404, "", "")
        return served[path]

    kinds = Discovery(get)
    assert kinds.resource("v1", "ConfigMap").plural == "configmaps"
    assert asked == []
    assert kinds.preferred("a.example.com", "Old").path(None, "x") == "/apis/a.example.com/v1/olds/x"
    assert kinds.resource("a.example.com/v1", "Old") == kinds.preferred("a.example.com", "Old")
    assert asked.count("/apis/a.example.com/v1") == 1
    for api_version, kind in (("a.example.com/v1", "Scale"), ("b.example.com/v1", "Other")):
        with pytest.raises(NotFound, match=f"does not serve {kind} in {api_version}"):
            kinds.resource(api_version, kind)
    kinds.forget()
    kinds.resource("a.example.com/v1", "Old")
    assert asked.count("/apis/a.example.com/v1") == 2
