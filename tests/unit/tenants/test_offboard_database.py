# Copyright (c) 2026 GreenLang. All rights reserved.
"""What of the database goes with a tenant is what was dumped: the role's own expressions, as Ansible reads them."""

from __future__ import annotations

import shlex

import yaml

from tests.helpers import ROOT, play

ROLE = ROOT / "roles" / "tenant"
LOOK = yaml.safe_load((ROLE / "tasks" / "offboard_database_look.yml").read_text())
LINES = ['schema Odd "name', "primary", "other table public.mine", "schema tenant_acme_corp", "other large object 47"]
# Recorded as dumped, whether there is a dump, what is in the database now → what was made after the dump.
CASES = {
    "nothing then, nothing now": ([], False, [], []),
    "nothing then, a schema now": ([], False, ["tenant_acme_corp"], ["tenant_acme_corp"]),
    "the same": (["tenant_acme_corp"], True, ["tenant_acme_corp"], []),
    "gone since": (["tenant_acme_corp"], True, [], []),
    "one more": (["tenant_acme_corp"], True, ["archive", "tenant_acme_corp"], ["archive"]),
    "before they were recorded, dumped": (None, True, ["tenant_acme_corp"], []),
    "before they were recorded, not dumped": (None, False, ["tenant_acme_corp"], ["tenant_acme_corp"]),
    "before they were recorded, one more": (None, True, ["archive", "tenant_acme_corp"], ["archive"]),
}


def test_what_is_dropped_was_dumped(tmp_path):
    (tmp_path / "with").mkdir()
    (tmp_path / "with" / "database.dump").write_text("dump")
    seen = "{{ [__tenant_database_schemas, __tenant_database_others, __tenant_database_patterns, __tenant_command] }}"
    tasks = [{"ansible.builtin.debug": {"msg": seen}, "vars": {"__tenant_database": {"stdout_lines": LINES}}}]
    for recorded, dumped, now, _new in CASES.values():
        state = {"schemas": recorded, "directory": str(tmp_path / ("with" if dumped else "without"))}
        there = {"stdout_lines": [f"schema {one}" for one in now]}
        values = {"__tenant_quarantined": state, "__tenant_database": there}
        tasks.append({"ansible.builtin.debug": {"msg": "{{ __tenant_database_new }}"}, "vars": values})
    command = LOOK[1]["greenlang.vcci.pod_exec"]["command"]
    values = {"tenant_id": "acme-corp", "tenant_offboard_database_name": "vcci", "__tenant_command": command}
    results, said = play(tmp_path, tasks, vars=values, vars_files=[str(ROLE / "vars" / "main" / "offboard.yml")])
    first, *others = [result["msg"] for result in results]
    assert first[0] == ['Odd "name', "tenant_acme_corp"], said
    assert first[1] == ["large object 47", "table public.mine"]
    assert shlex.split(first[2]) == ["--schema", '"Odd ""name"', "--schema", '"tenant_acme_corp"']
    query = shlex.split(first[3])[-1]
    assert query.count("'tenant_acme_corp'") == 3
    assert query.startswith("select 'primary' where not pg_is_in_recovery()")
    assert dict(zip(CASES, others, strict=True)) == {name: new for name, (*_before, new) in CASES.items()}


def test_it_is_looked_before_the_dump_and_before_anything_goes():
    """Both times, since 30 days lie between; and the deletion begins after the look."""

    def tasks(name):
        return yaml.safe_load((ROLE / "tasks" / f"{name}.yml").read_text())

    for name in ("offboard_database", "offboard_database_check"):
        assert tasks(name)[0]["ansible.builtin.include_tasks"] == "offboard_database_look.yml"
    steps = [task.get("ansible.builtin.include_tasks") or str(task) for task in tasks("offboard")]
    check = steps.index("offboard_database_check.yml")
    assert "deleting" in steps[check + 1]
    assert check < steps.index("offboard_delete.yml")
    assert LOOK[2]["ansible.builtin.assert"]["that"] == "__tenant_database_others | length == 0"
