# Copyright (c) 2026 GreenLang. All rights reserved.
"""The plugin objects_info beside kubernetes.core.k8s_info, which it answers as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers import Client, play

OURS, THEIRS = "greenlang.vcci.objects_info", "kubernetes.core.k8s_info"
ALIKE: dict[str, dict[str, Any]] = {
    "one": {"kind": "ConfigMap", "name": "a", "namespace": "{ns}"},
    "one of the cluster": {"kind": "Namespace", "name": "{ns}"},
    "one that is not there": {"kind": "ConfigMap", "name": "none", "namespace": "{ns}"},
    "in a namespace that is not there": {"kind": "ConfigMap", "namespace": "none"},
    "all of a namespace": {"kind": "ConfigMap", "namespace": "{ns}"},
    "by a label": {"kind": "ConfigMap", "namespace": "{ns}", "label_selectors": ["test=yes"]},
    "by two labels": {"kind": "ConfigMap", "namespace": "{ns}", "label_selectors": ["test", "part notin (x, b)"]},
    "by a field": {"kind": "ConfigMap", "namespace": "{ns}", "field_selectors": ["metadata.name=b"]},
    "by a label in all namespaces": {"kind": "ConfigMap", "label_selectors": ["of={ns}"]},
    "of a group": {"api_version": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "view"},
    "of no kind that is there": {"api_version": "none.example/v1", "kind": "None", "namespace": "{ns}"},
}


def test_both_answer_alike(tmp_path, kubeconfig, client: Client, namespace: str) -> None:
    for name in ("a", "b"):
        labels = {"test": "yes", "part": name, "of": namespace}
        body = {"metadata": {"name": name, "labels": labels}, "data": {"key": "ü"}}
        client.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=body)
    asked = [with_names(options, namespace) for options in ALIKE.values()]
    tasks = [{who: {**options, "kubeconfig": str(kubeconfig)}} for options in asked for who in (OURS, THEIRS)]
    results, said = play(tmp_path, tasks)
    assert len(results) == len(tasks), said
    found = [result["resources"] for result in results]
    assert dict(zip(ALIKE, found[::2], strict=True)) == dict(zip(ALIKE, found[1::2], strict=True))
    assert [len(each) for each in found[::2]] == [1, 1, 0, 0, 3, 2, 1, 1, 2, 1, 0]
    assert not any(result["changed"] for result in results)


def with_names(options: dict[str, Any], namespace: str) -> dict[str, Any]:
    """With the name of the test's namespace."""

    def named(value: Any) -> Any:
        return [named(one) for one in value] if isinstance(value, list) else value.replace("{ns}", namespace)

    return {key: named(value) for key, value in options.items()}


def test_a_name_and_labels_choose_together(module: Callable[..., Any], kubeconfig, client: Client, namespace) -> None:
    body = {"metadata": {"name": "a", "labels": {"test": "yes"}}}
    client.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=body)
    options = {"kind": "ConfigMap", "namespace": namespace, "name": "a", "kubeconfig": str(kubeconfig)}
    assert len(module("objects_info", **options, label_selectors=["test=yes"])["resources"]) == 1
    assert module("objects_info", **options, label_selectors=["test=no"])["resources"] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "ConfigMap", "name": "a"}, "ConfigMap a: a namespace is needed"),
        ({"name": "a"}, "missing required arguments: kind"),
        ({"kind": "Pod", "field_selectors": ["spec.none=1"]}, "field label not supported"),
        ({"kind": "Pod", "label_selectors": ["a b"]}, "unable to parse requirement"),
        ({"kind": "Pod", "host": "https://127.0.0.1:9", "kubeconfig": None, "validate_certs": False}, "127.0.0.1:9"),
    ],
)
def test_bad_input_is_one_clear_error(module: Callable[..., Any], kubeconfig, options, message) -> None:
    result = module("objects_info", **{"kubeconfig": str(kubeconfig), **options})
    assert result["failed"]
    assert message in result["msg"]
