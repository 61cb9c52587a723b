# Copyright (c) 2026 GreenLang. All rights reserved.
"""What may be given to a procedure, and what is told about the rest."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import catalogue, manual, variables
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.contract import Contract, parse

SPEC: dict[str, dict[str, Any]] = {
    "tenant_id": {"type": "str", "description": "The tenant.", "required": True},
    "tenant_only": {"type": "list", "elements": "str", "default": [], "description": "Which."},
    "tenant_days": {"type": "float", "default": 30, "description": "Days."},
    "tenant_state": {"type": "str", "choices": ["active", "gone"], "default": "active", "description": "State."},
    "tenant_key": {"type": "str", "no_log": True, "default": "", "description": "A key."},
    "tenant_users": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True, "description": "Name."}},
        "description": "Users.",
    },
}
GIVEN = {
    "summary": "End a tenant",
    "subject": "tenant_id",
    "lock": "tenant-{tenant_id}",
    "options": {
        "tenant_id": {"required": True, "pattern": "[a-z0-9]([-a-z0-9]{0,49}[a-z0-9])?"},
        "tenant_only": {"pattern": "[a-z]+"},
        "tenant_days": {"minimum": 0, "maximum": 90},
        "tenant_state": {},
        "tenant_key": {"pattern": "[A-Z]+"},
        "tenant_users": None,
        "tenant_wait": {"type": "int", "default": 300, "description": "Seconds."},
        "tenant_force": {"type": "bool", "default": False, "description": "Whether."},
        "tenant_confirm": {"confirms": "tenant_id", "description": "Its id again, since it goes."},
    },
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return parse("tenant_end", GIVEN, SPEC)


GOOD: dict[str, dict[str, Any]] = {
    "the least": {},
    "texts of the command line": {"tenant_days": "7.5", "tenant_wait": "10", "tenant_force": "yes"},
    "an id that is a number": {"tenant_id": 17},
    "the longest id": {"tenant_id": "a" * 51},
    "bounds belong": {"tenant_days": 90, "tenant_wait": 0},
    "a list by commas": {"tenant_only": "a,b"},
    "a list": {"tenant_only": ["a", "b"]},
    "no users": {"tenant_users": []},
    "a user": {"tenant_users": [{"name": "x"}]},
    "nothing for what has a default": {"tenant_days": None},
}


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD)
def test_good_values(contract: Contract, given: dict[str, Any]) -> None:
    assert variables.faults_of_values(contract, {"tenant_id": "acme", **given}) == []


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({"tenant_id": None}, ["tenant_id is missing: The tenant. Remedy: -e tenant_id=<str>."]),
    "an empty text": ({"tenant_id": ""}, ["tenant_id is missing: The tenant. Remedy: -e tenant_id=<str>."]),
    "a shell's text": ({"tenant_id": "a; rm -rf /"}, ["tenant_id: a; rm -rf / does not have the form"]),
    "one line more": ({"tenant_id": "acme\n"}, ["tenant_id: acme does not have the form"]),
    "64 characters": ({"tenant_id": "a" * 64}, ["does not have the form"]),
    "a list for a text": ({"tenant_id": ["a"]}, ["tenant_id: a text is needed, and not a list or dictionary"]),
    "a dictionary for a text": ({"tenant_id": {"a": 1}}, ["tenant_id: a text is needed, and not a list or dictionary"]),
    "no number": ({"tenant_wait": "soon"}, ["tenant_wait: soon is not int"]),
    "an empty number": ({"tenant_wait": ""}, ["tenant_wait:  is not int"]),
    "a part of a number": ({"tenant_wait": "1.5"}, ["tenant_wait: 1.5 is not int"]),
    "a dictionary for a number": ({"tenant_days": {}}, ["tenant_days: {} is not float"]),
    "too little": ({"tenant_days": "-1"}, ["tenant_days: -1 is less than 0"]),
    "too much": ({"tenant_days": 91}, ["tenant_days: 91 is more than 90"]),
    "no number at all": ({"tenant_days": "nan"}, ["tenant_days: nan is less than 0"]),
    "neither yes nor no": ({"tenant_force": "maybe"}, ["tenant_force: maybe is not bool"]),
    "no choice": ({"tenant_state": "Gone"}, ["tenant_state: Gone is not one of active, gone"]),
    "one of a list": ({"tenant_only": ["a", "B"]}, ["tenant_only: ['a', 'B'] does not have the form"]),
    "a secret is not shown": ({"tenant_key": "hidden"}, ["tenant_key: what was given does not have the form"]),
    "a part is missing": ({"tenant_users": [{}]}, ["tenant_users: [{}] is not list of dict (missing required"]),
    "a part is strange": ({"tenant_users": [{"name": "x", "role": "y"}]}, ["tenant_users: "]),
    "all at once": (
        {"tenant_id": None, "tenant_wait": "x", "tenant_state": "x"},
        ["tenant_id is missing", "tenant_state: x is not one of", "tenant_wait: x is not int"],
    ),
}


@pytest.mark.parametrize(("given", "told"), BAD.values(), ids=BAD)
def test_bad_values(contract: Contract, given: dict[str, Any], told: list[str]) -> None:
    found = variables.faults_of_values(contract, {"tenant_id": "acme", **given})
    assert len(found) == len(told)
    for fault, part in zip(found, told, strict=True):
        assert part in fault
    assert "hidden" not in "".join(found)


CONFIRMED: dict[str, tuple[object, object, str]] = {
    "the very name": ("acme", "acme", ""),
    "a number": ("17", 17, ""),
    "nothing": (None, "acme", "tenant_confirm: is missing."),
    "an empty text": ("", "acme", "tenant_confirm: is missing."),
    "another": ("acme2", "acme", "tenant_confirm: acme2 is not acme, the value of tenant_id."),
    "another case": ("Acme", "acme", "Acme is not"),
    "a blank more": ("acme ", "acme", "Remedy: -e tenant_confirm=acme; nothing was changed."),
    "yes": (True, "acme", "True is not"),
}


@pytest.mark.parametrize(("typed", "wanted", "told"), CONFIRMED.values(), ids=CONFIRMED)
def test_confirmations(contract: Contract, typed: object, wanted: object, told: str) -> None:
    fault = variables.fault_of_confirmation(contract.options["tenant_confirm"], typed, wanted)
    assert (told in fault) if told else fault == ""


NAMES: dict[str, tuple[str, str, str]] = {  # name given by -e, fault or warning, what is told
    "taken": ("tenant_id", "", ""),
    "a setting": ("apps_replicas", "", ""),
    "somebody's own": ("my_flag", "", ""),
    "AWX's": ("awx_job_template_name", "", ""),
    "Ansible's": ("ansible_python_interpreter", "", ""),
    "of the user's own, like ours": ("my_tenant_id", "", ""),
    "two letters changed": (
        "tenant_confrim",
        "fault",
        "tenant_confrim: there is no such variable: did you mean tenant_confirm?",
    ),
    "a letter lacks": ("tenat_id", "fault", "did you mean tenant_id?"),
    "a letter lacks at the end": ("apps_replica", "fault", "did you mean apps_replicas?"),
    "nothing near": ("apps_color", "fault", "apps_color: there is no such variable; `make help-playbook P=tenant_end`"),
    "of another procedure": (
        "cluster_drain_node",
        "fault",
        "cluster_drain_node: tenant_end does not take it; it takes tenant_id",
    ),
}


@pytest.mark.parametrize(("name", "how", "told"), NAMES.values(), ids=NAMES)
def test_names_that_are_given(contract: Contract, name: str, how: str, told: str) -> None:
    faults, warnings = variables.faults_of_names(
        contract,
        [name],
        [],
        known={"apps_replicas", "cluster_name"},
        prefixes=["apps", "cluster", "tenant"],
        arguments={"cluster_drain_node"},
    )
    assert warnings == []
    assert len(faults) == (how == "fault")
    assert told in "".join(faults)


def test_names_of_the_inventory(contract: Contract) -> None:
    """Nearly one of ours is a slip; what is far from all may be anybody's."""
    there = ["tenant_onyl", "apps_color", "cluster_drain_node", "ntp_servers"]
    faults, warnings = variables.faults_of_names(
        contract, [], there, known=set(), prefixes=["apps", "cluster", "tenant"], arguments={"cluster_drain_node"}
    )
    assert faults == ["tenant_onyl: there is no such variable: did you mean tenant_only?"]
    assert warnings == ["apps_color is set, and nothing of greenlang.vcci reads it"]


def test_a_variable_of_the_inventory_that_another_one_uses_is_read() -> None:
    values = {
        "apps_colour": "blue",
        "apps_page": {"style": ["color: {{ apps_colour }}"]},
        "apps_self": "{{ apps_self }}",
        "apps_colours": 1,
    }
    assert variables.unread(["apps_colour", "apps_colours", "apps_self"], values) == {"apps_colours", "apps_self"}


PLACES: dict[str, tuple[str, bool]] = {
    "the home directory": ("/job/home", True),
    "below it": ("/job/home/vcci/production", True),
    "beside it": ("/job/home2", False),
    "another of the job's": ("/tmp/x", True),
    "a volume": ("/backups", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize(("place", "told"), PLACES.values(), ids=PLACES)
def test_what_must_stay(place: str, told: bool) -> None:
    given = {
        "summary": "x",
        "options": {"kept_file": {"description": "x", "kept": True}, "other": {"description": "x"}},
    }
    kept, values = parse("x", given, {}), {"kept_file": place, "other": "/tmp"}
    faults = variables.faults_of_places(kept, values, ["/job/home", "/tmp"])
    assert [fault[: len(f"kept_file: {place} ends")] for fault in faults] == [f"kept_file: {place} ends"] * told
    assert variables.faults_of_places(kept, values, []) == []


TAGS: dict[str, tuple[list[str], list[str], list[str]]] = {
    "known": (["redis", "all", "always"], [], []),
    "near": (["rediss"], [], ["tag rediss: nothing carries it; did you mean redis?"]),
    "far": (["x"], [], ["tag x: nothing carries it; there are api_gateway, redis"]),
    "molecule skips its own": ([], ["notest", "molecule-notest"], []),
    "skipped, near": ([], ["rediss"], ["tag rediss, to be skipped: nothing carries it; did you mean redis?"]),
}


@pytest.mark.parametrize(("asked", "skipped", "told"), TAGS.values(), ids=TAGS)
def test_tags(asked: list[str], skipped: list[str], told: list[str]) -> None:
    assert variables.faults_of_tags(asked, skipped, {"redis", "api_gateway"}) == told


CONTRACTS: dict[str, tuple[object, str]] = {
    "nothing": (None, "it is no mapping"),
    "no summary": ({"options": {}}, "summary: one line is needed"),
    "a field that is none": ({"summary": "x", "option": {}}, "option: no such field"),
    "a part that is none": (
        {"summary": "x", "options": {"tenant_id": {"must": True}}},
        "options.tenant_id.must: no such",
    ),
    "nobody describes it": ({"summary": "x", "options": {"my_var": {}}}, "options.my_var: a description is needed"),
    "no mapping": ({"summary": "x", "options": {"tenant_id": "x"}}, "options.tenant_id: a mapping is needed"),
    "no name": ({"summary": "x", "options": {"Tenant-Id": {}}}, "'Tenant-Id' is no name of a variable"),
}


@pytest.mark.parametrize(("given", "told"), CONTRACTS.values(), ids=CONTRACTS)
def test_a_contract_that_is_wrong(given: object, told: str) -> None:
    with pytest.raises(InputError, match="contract x: ") as refused:
        parse("x", given, SPEC)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ((), []),
        (("tenant_id",), []),
        (("tenant_id", "tenant_state"), ["tenant_state: x says itself what it is."]),
        (("tenant_only", "tenant_state"), ["tenant_only: x says", "tenant_state: x says"]),
    ],
)
def test_what_a_playbook_sets_is_not_said_with_e(extra: tuple[str, ...], told: list[str]) -> None:
    made = parse("x", {"summary": "x", "sets": ["tenant_only", "tenant_state"]}, SPEC)
    faults = variables.faults_of_sets(made, set(extra))
    assert len(faults) == len(told)
    assert all(fault.startswith(begin) for fault, begin in zip(faults, told, strict=True))


def test_a_contract_takes_from_the_role_what_it_does_not_say(contract: Contract) -> None:
    days = contract.options["tenant_days"]
    assert (days.spec["type"], days.spec["default"], days.minimum, days.description) == ("float", 30, 0, "Days.")
    assert "default" not in contract.options["tenant_id"].spec
    assert [name for name in contract.options if name.startswith("procedure_")] == [
        "procedure_anew",
        "procedure_take_over",
    ]


def test_a_procedure_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"tenant_suspnd: there is no such procedure; did you mean tenant_suspend\?"):
        catalogue.contract("tenant_suspnd")


def test_a_table_keeps_what_is_around_it(contract: Contract) -> None:
    page = f"# A\n\n{manual.BEGIN}\nold\n{manual.END}\n\nmore\n"
    made = manual.with_table(page, contract)
    assert made.startswith(f"# A\n\n{manual.BEGIN}\n| variable |")
    assert made.endswith(f"{manual.END}\n\nmore\n")
    assert "| `tenant_state` | active \\| gone | `active` | State. |" in made
    assert "| `tenant_days` | float from 0 to 90 | `30` | Days. |" in made
    assert "| `tenant_confirm` | str | required | Its id again, since it goes. |" in made
    with pytest.raises(ValueError, match="lacks the lines"):
        manual.with_table("# A\n", contract)
