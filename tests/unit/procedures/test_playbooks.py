# Copyright (c) 2026 GreenLang. All rights reserved.
"""Playbook, contract and runbook say the same, and every playbook is in the frame."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import catalogue, manual

from tests.helpers import ROOT

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
# The first play of site comes before the cluster, cluster claims it, cluster_remove knows only those of this machine.
UNGUARDED = {"site", "cluster", "cluster_remove"}
CONDITIONAL = {"secrets", "secrets_reencrypt"}  # may run without a cluster


def plays(playbook: str) -> list[dict]:
    found = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    return [play for play in found if "hosts" in play]


def test_every_playbook_has_its_contract() -> None:
    assert catalogue.names() == PLAYBOOKS


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook_is_in_the_frame(playbook: str) -> None:
    for play in plays(playbook):
        assert play["vars"]["procedure"] == playbook
        first = (play.get("pre_tasks") or play["tasks"])[0]
        assert first == {"name": "Begin", "ansible.builtin.import_tasks": "tasks/begin.yml"}
        if playbook == "site":  # each of its layers has an end
            continue
        [block] = play["tasks"]
        assert block["block"][-1]["ansible.builtin.import_tasks"] == "tasks/end.yml"
        assert block["rescue"][-1]["ansible.builtin.import_tasks"] == "tasks/failed.yml"
        assert "vars_prompt" not in play


@pytest.mark.parametrize("playbook", sorted(set(PLAYBOOKS) - CONDITIONAL))
def test_playbook_makes_sure_that_the_cluster_is_the_one_of_the_environment(playbook: str) -> None:
    [play] = plays(playbook)
    assert play["vars"].get("procedure_guard", True) is (playbook not in UNGUARDED)


@pytest.mark.parametrize("part", ["begin", "end", "failed"])
def test_the_frame_is_there_whatever_tags_are_asked_for(part: str) -> None:
    [task] = yaml.safe_load((ROOT / "playbooks" / "tasks" / f"{part}.yml").read_text(encoding="utf-8"))
    assert task["tags"] == ["always"]
    assert "greenlang.vcci.procedure" in task


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_contract_names_what_there_is(playbook: str) -> None:
    """A variable is a role's, or its confirmation; a role has settings; what is referred to is taken."""
    contract = catalogue.contract(playbook)
    known = {*catalogue.specified(), *(name for name, option in contract.options.items() if option.confirms)}
    strange = {name for name in contract.options if name not in known and not name.startswith("procedure_")}
    assert strange == set(), "no role reads it"
    assert set(contract.settings) <= set(catalogue.roles())
    assert {contract.subject, *re.findall(r"{(\w+)}", contract.lock)} - {""} <= set(contract.options)
    confirmed = {option.confirms for option in contract.options.values()} - {""}
    assert confirmed <= {*contract.options, *catalogue.settings()}


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_runbook_has_the_table_of_the_contract(playbook: str) -> None:
    """`make help-playbook P=--write` makes it so."""
    page = (ROOT / "docs" / "runbooks" / f"{playbook}.md").read_text(encoding="utf-8")
    assert manual.with_table(page, catalogue.contract(playbook)) == page


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_help_names_every_variable(playbook: str) -> None:
    contract = catalogue.contract(playbook)
    told = manual.text(contract)
    assert told.startswith(f"{playbook}: {contract.summary}\n")
    assert [name for name in contract.options if f"\n  {name}  (" not in told] == []
