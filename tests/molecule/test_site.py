# Copyright (c) 2026 GreenLang. All rights reserved.
"""The whole site and each role on a real three-node cluster of their own, by molecule; then drift, role by role."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, STATE
from tests.molecule.conftest import NAME, changed, kubectl, play

# One object of each layer that is deleted behind its back.
DRIFT = {
    "cluster": ("networkpolicy", "vcci-platform", "allow-dns"),
    "controllers": ("service", "cert-manager", "cert-manager"),
    "secrets": ("sealedsecret", "vcci-observability", "grafana-secrets"),
    "data": ("poddisruptionbudget", "vcci-platform", "redis"),
    "apps": ("horizontalpodautoscaler", "vcci-platform", "vcci-frontend-hpa"),
    "observability": ("service", "vcci-observability", "prometheus"),
    "tenant": ("limitrange", "vcci-tenant-globex", ""),
}


def molecule(scenario: str) -> None:
    """Run a scenario: prepare, converge, idempotence, verify."""
    command = [str(Path(sys.executable).parent / "molecule"), "test", "--scenario-name", scenario, "--destroy", "never"]
    environment = {**os.environ, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=1500, env=environment)
    assert done.returncode == 0, done.stdout[-8000:]


def test_check_mode_before_anything_lists_everything_and_changes_nothing() -> None:
    assert changed(play("site.yml", "--check", "--diff")) >= 10
    assert not (STATE / NAME / "cluster.json").exists()


@pytest.mark.parametrize("scenario", ["default", *DRIFT])
def test_scenario(scenario: str) -> None:
    molecule(scenario)


@pytest.mark.parametrize("layer", DRIFT)
def test_what_was_deleted_is_predicted_and_put_back(layer: str) -> None:
    kind, namespace, name = DRIFT[layer]
    kubectl("delete", kind, "-n", namespace, *([name] if name else ["--all"]))
    predicted = changed(play(f"playbooks/{layer}.yml", "--check", "--diff"))
    assert predicted >= 1
    assert changed(play(f"playbooks/{layer}.yml")) == predicted
    assert changed(play(f"playbooks/{layer}.yml")) == 0
