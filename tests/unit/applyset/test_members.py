# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the record of a set says of the objects that it is to have."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import members
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import Ref

REFS = {
    Ref("apps", "StatefulSet", "data", "redis"),
    Ref("apps", "StatefulSet", "data", "postgresql"),
    Ref("", "Namespace", "", "data"),
    Ref("", "ConfigMap", "data", "c"),
    Ref("", "ConfigMap", "apps", "c"),
    Ref("rbac.authorization.k8s.io", "ClusterRole", "", "vcci:reader, of two words"),
    Ref("bitnami.com", "SealedSecret", "data", "s"),
}


def test_what_is_written_is_read() -> None:
    data = members.encoded(REFS)
    assert data["members.StatefulSet.apps"] == '{"data":["postgresql","redis"]}'
    assert members.decoded({"data": {**data, "a": "of another set"}}) == REFS


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"data": None},
        {"data": {}},
        {"data": "text"},
        {"data": {"a": "of another set"}},
        {"data": {"members.ConfigMap": "no JSON"}},
        {"data": {"members.ConfigMap": "[]"}},
        {"data": {"members.ConfigMap": '{"n": 1}'}},
    ],
)
def test_a_record_that_names_nothing_leaves_it_open(record) -> None:
    assert members.decoded(record) is None


def test_what_no_record_can_hold_is_left_out() -> None:
    many = {Ref("", "ConfigMap", f"namespace-{number}", "x" * 200) for number in range(4000)}
    assert members.encoded(many) == {}
