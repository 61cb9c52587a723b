# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether a refusal is the API server's own, or says that whoever answers for an API group is away."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import (
    ApiError,
    ConnectionFailed,
    NotFound,
    Unavailable,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.groups import PATIENCE, Groups

ELSEWHERE = {"spec": {"service": {"name": "x", "namespace": "y"}}}
DOWN = {"type": "Available", "status": "False", "reason": "MissingEndpoints", "message": "none"}
UP = {"type": "Available", "status": "True"}
PATH = "/apis/metrics.example.com/v1beta1/namespaces/a/things/b"
# The path, the status of the refusal, what is known of the APIService; whether it is away, and how long it is awaited.
CASES = {
    "away": (PATH, 503, {**ELSEWHERE, "status": {"conditions": [DOWN]}}, True, PATIENCE),
    "its discovery is away": ("/apis/metrics.example.com/v1beta1", 503, ELSEWHERE, True, None),
    "of the whole cluster": ("/apis/metrics.example.com/v1beta1/things", 503, ELSEWHERE, True, None),
    "available, and answers nothing": (PATH, 504, {**ELSEWHERE, "status": {"conditions": [UP]}}, True, None),
    "a bad gateway": (PATH, 502, ELSEWHERE, True, None),
    "not judged yet": (PATH, 503, {**ELSEWHERE, "status": {}}, True, None),
    "conditions of no form": (PATH, 503, {**ELSEWHERE, "status": {"conditions": 5}}, True, None),
    "whoever may not read APIServices": (PATH, 503, ApiError(403, "Forbidden", "no"), True, None),
    "a definition's group": (PATH, 503, {"spec": {}}, False, None),
    "no APIService": (PATH, 503, NotFound(404, "NotFound", "no"), False, None),
    "the API server is in trouble too": (PATH, 503, ApiError(503, "", "no"), False, None),
    "the API server is away too": (PATH, 503, ConnectionFailed("no"), False, None),
    "a refusal of its own": (PATH, 429, ELSEWHERE, False, None),
    "a verdict": (PATH, 500, ELSEWHERE, False, None),
    "a core group": ("/apis/apps/v1/deployments", 503, ELSEWHERE, False, None),
    "a group of the server": ("/apis/networking.k8s.io/v1/ingresses", 503, ELSEWHERE, False, None),
    "the core": ("/api/v1/namespaces/a/pods", 503, ELSEWHERE, False, None),
    "the list of groups": ("/apis/metrics.example.com", 503, ELSEWHERE, False, None),
    "no API": ("/version", 503, ELSEWHERE, False, None),
}


@pytest.mark.parametrize("case", CASES)
def test_whether_somebody_is_away(case):
    path, status, known, is_away, patience = CASES[case]
    asked = []

    def get(service):
        asked.append(service)
        if isinstance(known, Exception):
            raise known
        return known

    groups = Groups(get)
    found = groups.away(path, ApiError(status, "", "service unavailable"))
    assert (found is not None, found and found.patience) == (is_away, patience)
    assert set(asked) <= {"/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.example.com"}
    if found:
        assert "v1beta1.metrics.example.com" in found.message
        groups.check(path)
        raised = groups.lose(found)
        assert isinstance(raised, Unavailable)
        with pytest.raises(Unavailable, match=r"v1beta1\.metrics\.example\.com"):
            groups.check("/apis/metrics.example.com/v1beta1/others")
        groups.check("/apis/metrics.example.com/v1/others")
        groups.forget()
        groups.check(path)
