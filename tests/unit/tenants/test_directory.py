# Copyright (c) 2026 GreenLang. All rights reserved.
"""A directory of one file a tenant: read together with the list, every error with its file."""

from __future__ import annotations

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import plan as _tenant_plan
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.read import read_directory

from .test_tenants import ACME, TIERS


def read(folder, tenants=()):
    problems = Problems()
    found, _tiers = _tenant_plan.parse_fleet(
        list(tenants), TIERS, problems, files=read_directory(str(folder), problems)
    )
    return [tenant.id for tenant in found], problems.found


def test_a_file_a_tenant(tmp_path):
    (tmp_path / "globex.yml").write_text(
        "---\nid: globex\nname: Globex\ntier: starter\ncreated: 2026-01-31T12:00:00Z\n"
    )
    (tmp_path / "initech.yaml").write_text("{id: initech, name: Initech, tier: starter}\n")
    (tmp_path / "README.md").write_text("no tenant\n")
    (tmp_path / ".hidden.yml").write_text("no: tenant\n")
    assert read(tmp_path, [ACME]) == (["acme-corp", "globex", "initech"], [])


def test_all_errors_at_once(tmp_path):
    files = {
        "globex.yml": "id: globex\nname: G\ntier: starter\n",
        "twice.yml": "id: globex\nname: G\ntier: starter\n",
        "broken.yml": "id: [\n",
        "empty.yml": "---\n",
        "text.yml": "hello\n",
        "gold.yml": "id: gold\nname: Gold\ntier: gold\n",
        "keys.yml": "id: keys\nid: keys\n",
        "two.yml": "id: two\nname: T\ntier: starter\n---\nid: three\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.yml").write_bytes(b"id: latin\nname: \xe9\n")
    wrong = read(tmp_path, [ACME, {**ACME}])[1]
    for name, text in (
        ("broken.yml", "not valid YAML"),
        ("empty.yml", "must hold one tenant"),
        ("gold.yml.tier", "unknown tier"),
        ("two.yml", "not 2"),
        ("keys.yml", "given twice"),
        ("twice.yml", "is called <id>.yml"),
        ("twice.yml", "is taken by"),
        ("latin.yml", "cannot be read"),
        ("tenants[1]", "is taken by tenants[0]"),
        ("text.yml", ""),
    ):
        assert any(name in line and text in line for line in wrong), (name, text, wrong)


def test_no_directory(tmp_path):
    assert "No such file" in read(tmp_path / "missing")[1][0]
    assert (
        "must be an absolute path" in read("tenants")[1][0]
    )  # relative to what? the procedures that look there too must agree
