# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the role's tasks rely on elsewhere in the collection."""

from __future__ import annotations

import pathlib
import re
import subprocess

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

ROOT = pathlib.Path(__file__).resolve().parents[3]


def tasks(name):
    return yaml.safe_load((ROOT / "roles/tenant/tasks" / f"{name}.yml").read_text())


def test_the_dump_is_on_the_volume_of_the_backups_and_never_stays():
    dump = yaml.safe_load((ROOT / "roles/tenant/vars/main/offboard.yml").read_text())["__tenant_dump"]
    folder, name = dump.rsplit("/", 1)
    server = (ROOT / "roles/data/templates/postgresql.yml.j2").read_text()
    assert f"{{name: backup, mountPath: {folder}}}" in server
    assert "persistentVolumeClaim: {claimName: postgresql-backup}" in server
    backup = (ROOT / "images/vcci-postgresql/bin/postgresql-backup").read_text()
    assert name.startswith(re.search(r'^DRAFT, DRAFTS_KEPT = "(\S+)", 86400', backup, re.MULTILINE).group(1))
    assert "path.name.startswith(DRAFT)) and now - path.lstat().st_mtime > DRAFTS_KEPT" in backup
    block = next(task for task in tasks("offboard_database") if "block" in task)
    assert "rm --force {{ __tenant_dump }}" in str(block["always"])
    assert "/tmp" not in str(block)


@pytest.mark.parametrize("tenant", ["acme", "acme-1", "acme-eu"])
def test_only_its_own_dumps_go_with_a_tenant(tmp_path, tenant):
    """Others may be called as it is, and more."""
    ends = ("", ".age", ".0123456789ab.json", ".age.0123456789ab.json")
    names = {
        one: {f"vcci-tenant-{one}-20261127T100000Z.dump{end}" for end in ends} for one in ("acme", "acme-1", "acme-eu")
    }
    for name in {*set().union(*names.values()), "vcci-backup-20261127.dump"}:
        (tmp_path / name).touch()
    command = yaml.safe_load((ROOT / "roles/tenant/vars/main/offboard.yml").read_text())["__tenant_dumps_delete"]
    command = command.replace("{{ tenant_id }}", tenant).replace("/backup", str(tmp_path))
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    there = {path.name for path in tmp_path.iterdir()}
    assert set().union(*names.values()) - there == names[tenant]
    assert "vcci-backup-20261127.dump" in there
    gone = subprocess.run(["sh", "-c", command.replace(str(tmp_path), "/nowhere")], check=True, capture_output=True)
    assert gone.stdout == b""


def test_what_would_be_refused_is_found_out_before_anything_is_written():
    """The same task as at the end, told only to look."""
    first, *others = tasks("main")
    assert first["vars"] == {"__tenant_judge_only": True}
    assert first["ansible.builtin.include_tasks"]["file"] == others[-1]["ansible.builtin.include_tasks"]["file"]
    (converge,) = tasks("tenants")
    assert converge["greenlang.vcci.tenants"]["judge_only"] == "{{ __tenant_judge_only | default(false) }}"
    assert not any("vars" in task for task in others)


@pytest.mark.parametrize(
    ("given", "taken"),
    [([], ["a", "b"]), ("", ["a", "b"]), (["c", "d"], ["c", "d"]), ("c,d", ["c", "d"]), ("cc", ["cc"])],
)
def test_tenants_to_verify_may_be_given_as_a_text(given, taken):
    """A text is no list of its letters."""
    template = yaml.safe_load((ROOT / "roles/tenant/vars/main/verify.yml").read_text())["__tenant_verify_ids"]
    values = {"tenant_verify_ids": given, "__tenant_ids": ["a", "b", "c"]}
    assert NativeEnvironment().from_string(template).render(values) == taken


@pytest.mark.parametrize(
    ("named", "running", "taken", "idle"),
    [
        ([], ["a", "b", "c"], ["a", "b"], []),
        ([], ["b", "c"], ["b", "c"], []),  # the first is suspended
        ([], ["c"], ["c"], []),
        ([], [], [], []),
        ([], ["x", "b"], ["b"], []),  # one that runs, and is in no data
        (["c", "a"], ["a", "c"], ["c", "a"], []),
        (["b", "c"], ["a", "c"], ["b", "c"], ["b"]),
        ("b, x", [], ["b", "x"], ["b", "x"]),
        (["a", "a"], ["a"], ["a"], []),
    ],
)
def test_tenants_that_run_are_verified(named, running, taken, idle):
    """Those of the data that do not are passed over; those that are named are taken at their word, and refused."""
    told = yaml.safe_load((ROOT / "roles/tenant/vars/main/verify.yml").read_text())
    values = {"tenant_verify_ids": named, "__tenant_ids": ["a", "b", "c"], "__tenant_verify_running": running}
    for name in ("__tenant_verify_ids", "__tenant_verify_idle", "__tenant_verify_lacking"):
        values[name] = NativeEnvironment().from_string(told[name]).render(values)
    assert values["__tenant_verify_ids"] == taken
    assert values["__tenant_verify_idle"] == idle
    assert bool(values["__tenant_verify_lacking"]) is (len(taken) < 2)


def test_who_runs_is_known_before_anything_is_tried():
    names = [next(key for key in task if "." in key) for task in tasks("verify")]
    assert names[0] == "greenlang.vcci.tenants_info"
    assert "nothing was tried" in str(tasks("verify")[1]).lower()
    assert "verify_tried" in str(tasks("verify")[3])
