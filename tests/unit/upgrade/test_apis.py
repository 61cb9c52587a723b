# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who still uses what goes: of manifests, of objects in the cluster, of what the API server counts; the table."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade import apis
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade.removals import GONE, REMOVALS

from tests.helpers import ROOT

FACT = r"func \(in \*(\w+)\) APILifecycle{}\(\) \(major, minor int\) \{{\s*return 1, (\d+)"
MODULES = {
    "k8s.io/api": "*/*",
    "k8s.io/apiextensions-apiserver": "pkg/apis/*/*",
    "k8s.io/kube-aggregator": "pkg/apis/*/*",
}


def obj(api_version: str, kind: str, *writers: tuple[str, str], applied: object = None) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "it", "namespace": "here"}
    if writers:
        meta["managedFields"] = [{"apiVersion": version, "manager": who} for version, who in writers]
    if applied is not None:
        text = applied if isinstance(applied, str) else json.dumps(applied)
        meta["annotations"] = {apis.LAST_APPLIED: text}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta}


@pytest.mark.parametrize(
    ("manifest", "target", "blocks", "says"),
    [
        (
            obj("networking.k8s.io/v1beta1", "Ingress"),
            37,
            True,
            "1.22 does not serve any more. Remedy: write it as networking.k8s.io/v1",
        ),
        (obj("policy/v1beta1", "PodSecurityPolicy"), 37, True, "1.25 does not serve any more. Remedy: leave it out"),
        (obj("autoscaling/v2beta2", "HorizontalPodAutoscaler"), 37, True, "write it as autoscaling/v2"),
        (obj("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"), 37, True, "apiextensions.k8s.io/v1"),
        (obj("apiregistration.k8s.io/v1beta1", "APIService"), 37, True, "apiregistration.k8s.io/v1"),
        (obj("networking.k8s.io/v1beta1", "ServiceCIDR"), 37, True, "1.37 does not serve"),
        (obj("networking.k8s.io/v1beta1", "ServiceCIDR"), 36, False, "is deprecated and goes with 1.37"),
        (obj("networking.k8s.io/v1beta1", "ServiceCIDR"), 33, None, ""),
        (obj("resource.k8s.io/v1beta1", "DeviceClass"), 37, False, "goes with 1.38"),
        (obj("apps/v1", "Deployment"), 40, None, ""),
        (obj("example.com/v1beta1", "Ingress"), 40, None, ""),
        ({"apiVersion": "v1", "kind": "List", "items": [obj("batch/v1beta1", "CronJob")]}, 37, True, "CronJob here/it"),
        (
            {"apiVersion": "batch/v1", "kind": "CronJobList", "items": [obj("batch/v1beta1", "CronJob")]},
            37,
            True,
            "batch/v1",
        ),
        ({}, 37, None, ""),
        ({"kind": "Deployment", "apiVersion": None, "metadata": None}, 37, None, ""),
    ],
)
def test_manifests(manifest: dict, target: int, blocks: bool | None, says: str) -> None:
    found = apis.of_manifests([manifest, manifest], target)
    assert [one.blocks for one in found] == ([] if blocks is None else [blocks])
    assert all(says in one.what and "Remedy: " in one.what for one in found)


@pytest.mark.parametrize(
    ("found", "target", "said"),
    [
        (
            obj("networking.k8s.io/v1", "ServiceCIDR", ("networking.k8s.io/v1beta1", "helm")),
            37,
            ["by helm, which 1.37"],
        ),
        # It goes later; it went with the minor that runs, or before: a trace, which nobody can write again.
        (
            obj("networking.k8s.io/v1", "ServiceCIDR", ("networking.k8s.io/v1beta1", "helm")),
            36,
            ["by helm, which is deprecated and goes with 1.37"],
        ),
        (obj("networking.k8s.io/v1", "ServiceCIDR", ("networking.k8s.io/v1beta1", "helm")), 38, []),
        (obj("autoscaling/v2", "HorizontalPodAutoscaler", ("autoscaling/v2beta2", "helm")), 26, ["which 1.26"]),
        (obj("autoscaling/v2", "HorizontalPodAutoscaler", ("autoscaling/v2beta2", "helm")), 27, []),
        (
            obj("autoscaling/v2", "HorizontalPodAutoscaler", ("autoscaling/v2beta2", "a"), ("autoscaling/v1", "b")),
            37,
            [],
        ),
        (obj("networking.k8s.io/v1", "ServiceCIDR", ("networking.k8s.io/v1", "helm")), 37, []),
        (obj("networking.k8s.io/v1", "ServiceCIDR"), 37, []),
        (
            obj(
                "networking.k8s.io/v1",
                "ServiceCIDR",
                ("networking.k8s.io/v1beta1", "a"),
                ("networking.k8s.io/v1beta1", "b"),
            ),
            37,
            ["by a, ", "by b, "],
        ),
        (
            obj("policy/v1", "PodDisruptionBudget", applied={"apiVersion": "policy/v1beta1"}),
            25,
            ["was written as policy/v1beta1 by kubectl apply, which 1.25"],
        ),
        (obj("policy/v1", "PodDisruptionBudget", applied={"apiVersion": "policy/v1beta1"}), 37, []),
        (obj("policy/v1", "PodDisruptionBudget", applied="not json"), 25, []),
        (obj("policy/v1", "PodDisruptionBudget", applied=[1]), 37, []),
    ],
)
def test_objects(found: dict, target: int, said: list[str]) -> None:
    findings = apis.of_objects([found], target - 1, target)
    assert len(findings) == len(said)
    assert all(wanted in one.what for wanted, one in zip(said, findings, strict=True))


METRIC = (
    'apiserver_requested_deprecated_apis{{group="{}",removed_release="{}",resource="{}",'
    'subresource="",version="{}"}} {}'
)


@pytest.mark.parametrize(
    ("line", "blocks"),
    [
        (METRIC.format("policy", "1.25", "poddisruptionbudgets", "v1beta1", 1), True),
        (METRIC.format("resource.k8s.io", "1.38", "deviceclasses", "v1beta1", 1), False),
        (METRIC.format("", "", "componentstatuses", "v1", 1), False),
        (METRIC.format("policy", "1.25", "poddisruptionbudgets", "v1beta1", 0), None),
        ("# HELP apiserver_requested_deprecated_apis [STABLE]", None),
        ("apiserver_requested_deprecated_apis_total{} 1", None),
        ("", None),
    ],
)
def test_metrics(line: str, blocks: bool | None) -> None:
    found = apis.of_metrics(f"# TYPE x gauge\n{line}\nother 1\n", 37)
    assert [one.blocks for one in found] == ([] if blocks is None else [blocks])


def test_what_is_read_of_the_cluster_is_what_goes() -> None:
    assert ("networking.k8s.io", "ServiceCIDR") in apis.watched(36, 37)
    assert ("networking.k8s.io", "ServiceCIDR") not in apis.watched(37, 38)
    assert ("apps", "Deployment") not in apis.watched(36, 37)


def test_a_patch_of_the_minor_that_runs_takes_nothing_away() -> None:
    found = [obj("networking.k8s.io/v1", "ServiceCIDR", ("networking.k8s.io/v1beta1", "helm"))]
    assert apis.of_objects(found, 37, 37) == []
    assert [one.blocks for one in apis.of_objects(found, 36, 36)] == [False]


def test_the_table_is_upstreams() -> None:
    """As the modules say it that the cluster is built from."""
    upstream: dict[tuple[str, str], tuple[int, int]] = {}
    for module, folders in MODULES.items():
        command = ["go", "mod", "download", "-json", module]
        done = subprocess.run(command, cwd=ROOT / "binaries" / "kubernetes", capture_output=True, text=True, check=True)
        for file in Path(json.loads(done.stdout)["Dir"]).glob(f"{folders}/zz_generated.prerelease-lifecycle.go"):
            group = re.search(r'GroupName\s*=\s*"([^"]*)"', (file.parent / "register.go").read_text())
            facts: dict[str, dict[str, int]] = defaultdict(dict)
            for what in ("Deprecated", "Removed"):
                for kind, minor in re.findall(FACT.format(what), file.read_text()):
                    facts[kind][what] = int(minor)
            for kind, fact in facts.items():
                if "Removed" in fact and not kind.endswith("List"):
                    upstream[f"{group[1] if group else ''}/{file.parent.name}", kind] = (
                        fact["Deprecated"],
                        fact["Removed"],
                    )
    documented = {(row[0], kind) for row in GONE for kind in row[4].split()}
    ours = {key: (row.deprecated, row.removed) for key, row in REMOVALS.items() if key not in documented}
    assert ours == upstream
    assert len(ours) >= 90
