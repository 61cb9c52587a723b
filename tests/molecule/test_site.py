# Copyright (c) 2026 GreenLang. All rights reserved.
"""The whole site and each role on a real cluster of their own, by molecule; then drift in each layer; then faults."""

from __future__ import annotations

import pytest
from pytest_ansible.molecule import MoleculeScenario
from pytest_ansible.plugin import scenarios

from tests.injection import page
from tests.injection.scene import Scene
from tests.injection.strikes import QUICK, STRIKES
from tests.injection.trial import stores, trial
from tests.molecule.conftest import Site, changed, tasks

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
ORDER = ["default", *DRIFT]
BY_ITSELF = "data"
scenarios.sort(key=lambda scenario: ORDER.index(scenario.name))  # pytest-ansible runs them as they are listed


def test_pytest_ansible_finds_the_scenarios() -> None:
    assert [scenario.name for scenario in scenarios] == ORDER


def test_check_mode_before_anything_lists_everything_and_changes_nothing(molecule_site: Site) -> None:
    assert changed(molecule_site.play("site.yml", "--check", "--diff")) >= 10
    assert not (molecule_site.state / "cluster.json").exists()


def test_scenario(molecule_site: Site, molecule_scenario: MoleculeScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """prepare, converge, idempotence, verify; the cluster stays for the next.

    What comes before a layer is there since the first scenario, and its second run is that of the tests below. One of
    them brings all of it again, as each does on a new cluster.
    """
    if molecule_scenario.name != BY_ITSELF:
        for step in ("FIRST", "AGAIN"):
            monkeypatch.setenv(f"VCCI_MOLECULE_{step}", "dependency")  # which is none
    monkeypatch.setenv("MOLECULE_OPTS", "--destroy never")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("ANSIBLE_NOCOLOR", "1")
    assert molecule_scenario.test().returncode == 0


def test_what_was_deleted_is_predicted_and_put_back(molecule_site: Site) -> None:
    """Task by task, of all layers."""
    for kind, namespace, name in DRIFT.values():
        molecule_site.kubectl("delete", kind, "-n", namespace, *([name] if name else ["--all"]))
    predicted = tasks(molecule_site.play("site.yml", "--check", "--diff"))
    assert len(predicted) >= len(DRIFT), predicted
    assert tasks(molecule_site.play("site.yml")) == predicted
    assert tasks(molecule_site.play("site.yml")) == []


@pytest.mark.parametrize("name", QUICK)  # all of them: make soak
def test_a_fault_loses_nothing_that_was_acknowledged(molecule_site: Site, name: str) -> None:
    scene = Scene(molecule_site.name, molecule_site.play)
    measured = [store for store in stores(scene) if store.name in QUICK[name]]
    found = trial(scene, STRIKES[name], measured)
    for store in measured:
        case = store.cases[name]
        page.write(store.name, {case.name: page.row(case, STRIKES[name].what, found[store.name])})
    assert {store.name: said for store in measured if (said := store.wrong(name, found[store.name]))} == {}
