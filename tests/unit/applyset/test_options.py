# Copyright (c) 2026 GreenLang. All rights reserved.
"""Options that no run can have are refused by their name; and which files an option means."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFileNotFound
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import prune, sources
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError

REFUSED = [
    {"name": ""},
    {"name": "Foo Bar"},
    {"name": "x/y"},
    {"name": "-x"},
    {"name": "x."},
    {"name": "x..y"},
    {"name": "x" * 254},
    {"name": "x\n"},
    {"name": "x", "namespace": ""},
    {"name": "x", "namespace": "a.b"},
    {"name": "x", "namespace": "A"},
    {"name": "x", "namespace": "a" * 64},
    {"objects_namespace": "a/b"},
    {"objects_namespace": ""},
    {"prune_limit": -2},
    {"wait_timeout": -1},
    {"wait_grace": -0.5},
    {"concurrency": 0},
    {"concurrency": -1},
]


@pytest.mark.parametrize("options", REFUSED, ids=str)
def test_what_no_run_can_have(options):
    option = list(options)[-1]
    with pytest.raises(InputError, match=f"^{option}: ") as caught:
        ApplyOptions(**options)
    assert len(str(caught.value)) < 300


def test_what_a_run_may_have():
    ApplyOptions(name="a.b-c.1", namespace="a" * 63, prune_limit=-1, wait_timeout=0, wait_grace=0, concurrency=1)
    ApplyOptions(namespace="not looked at")


@pytest.mark.parametrize("name", ["namespace/x", "x", "Namespace/", "/x", "A/b/c/d", ""])
def test_names_that_nothing_has(name):
    with pytest.raises(InputError, match=r"prune_named: .* is neither Kind/name nor Kind/namespace/name"):
        prune.check_named((name,))


@pytest.fixture
def search(tmp_path):
    def find(_kind, name):
        path = tmp_path / name
        if not path.exists():
            raise AnsibleFileNotFound
        return str(path)

    return sources.Search(find, lambda _kind: [str(tmp_path)], lambda *_given: [], lambda path: path.read_bytes())


def read(search, **args):
    given = {"definition": None, "src": None, "template": None, "state": "present", "name": None, **args}
    found = sources.read(given, search)
    return found if found is None else [next(iter(obj)) for obj, _source in found]


def test_which_files_are_read(tmp_path, search):
    for name in ("d/a.yml", "d/sub/b.json", "d/.git/c.yml", "d/sub/.d.yml", "d/e.txt", "f[1].yml", "f1.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f'{{"{name.rpartition(".")[0][-1]}": 1}}', encoding="utf-8")
    assert read(search, src=["d"]) == ["a", "b"]
    assert read(search, src=["f[1].yml"]) == ["]"]  # a file of that very name goes before what it matches
    assert read(search, src=["f?.yml"]) == ["1"]


def test_a_set_is_only_deleted_whole_where_nothing_is_given(search):
    assert read(search, state="absent", name="s") is None
    for given in ({"definition": []}, {"definition": ""}, {"definition": [None]}):
        assert read(search, state="absent", name="s", **given) == []
    with pytest.raises(InputError, match="state absent needs"):
        read(search, state="absent")
