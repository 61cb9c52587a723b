# Copyright (c) 2026 GreenLang. All rights reserved.
"""The action plugin in real playbooks: ways in, what is printed, what is returned."""

from __future__ import annotations

import json

import pytest
import yaml

from tests import helpers


@pytest.fixture
def play(tmp_path, kubeconfig, namespace):
    """Run tasks on the test's cluster; what each returned, and what was said."""

    def run(*tasks, arguments=()):
        defaults = {"group/greenlang.vcci.k8s": {"kubeconfig": str(kubeconfig)}}
        results, said = helpers.play(tmp_path, tasks, *arguments, vars={"ns": namespace}, module_defaults=defaults)
        assert len(results) == len(tasks), said
        return results, said

    return run


def config_map(name, value="1"):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "{{ ns }}"},
        "data": {"value": value},
    }


def applyset(**options):
    return {"greenlang.vcci.applyset": {"name": "s", "namespace": "{{ ns }}", **options}}


def test_ways_in(play, tmp_path, namespace):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "one.yml.j2").write_text(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-template\n  namespace: {{ ns }}\n"
        "data: {{ values | to_json }}\n"
    )
    (tmp_path / "templates" / "list.yml.j2").write_text("{{ many }}")
    files = tmp_path / "manifests" / "deep"
    files.mkdir(parents=True)
    for kind, dump in (("yml", yaml.safe_dump), ("json", json.dumps)):
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"from-{kind}", "namespace": namespace}}
        (files / f"a.{kind}").write_text(dump(obj))
    (files / "b.yaml").write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "List",
                "items": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "from-list", "namespace": namespace}}
                ],
            }
        )
    )
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-text, namespace: '{{ ns }}'}\n---\n# nothing\n---\n"
    tasks = [
        {**applyset(name="one", template="one.yml.j2"), "vars": {"values": {"a": "b"}}},
        {
            **applyset(name="two", template=["one.yml.j2", "list.yml.j2"], force_conflicts=True),
            "vars": {"values": {}, "many": [config_map("from-native")]},
        },
        applyset(name="three", src="manifests/"),
        applyset(name="four", src=["manifests/deep/*.json"], force_conflicts=True),
        applyset(name="five", definition=text),
        applyset(name="six", definition=config_map("from-dict")),
    ]
    results, _output = play(*tasks)
    made = [sorted(n.rpartition("/")[2] for n in r["created"] + r["configured"]) for r in results]
    assert made == [
        ["from-template"],
        ["from-native", "from-template"],
        ["from-json", "from-list", "from-yml"],
        ["from-json"],
        ["from-text"],
        ["from-dict"],
    ]
    again, _output = play(*[tasks[1], tasks[4], tasks[5]])
    assert not any(r["changed"] for r in again)


def test_results_carry_names_and_not_objects(play, namespace):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "{{ ns }}"},
        "stringData": {"password": "correct-horse"},
    }
    results, output = play(
        applyset(definition=[config_map("a"), secret]),
        applyset(definition=[config_map("a"), secret]),
        arguments=["--diff", "-vvv"],
    )
    assert results[0]["created"] == [f"ConfigMap {namespace}/a", f"Secret {namespace}/login"]
    assert results[0]["changed"]
    assert not results[1]["changed"]
    assert len(results[1]["unchanged"]) == 2
    assert results[1]["requests"] == 3
    assert "correct-horse" not in output
    assert "Y29ycmVjdC1ob3JzZQ" not in output
    assert "(masked, new)" in output
    assert "invocation" not in results[0] or "definition" not in json.dumps(results[0]["invocation"])


def test_check_mode_remembers_what_earlier_tasks_would_have_brought(play, namespace):
    other = namespace + "-planned"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{other}.example.com"},
        "spec": {
            "group": f"{other}.example.com",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    thing = {"apiVersion": f"{other}.example.com/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": other}}
    planned = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": other}}
    tasks = [
        applyset(
            name="first",
            definition=[{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}, definition],
        ),
        applyset(name="second", definition=[thing, planned]),
    ]
    results, output = play(*tasks, arguments=["--check", "--diff"])
    assert [len(r["created"]) for r in results] == [2, 2]
    assert "WARNING" not in output
    done, _output = play(
        *tasks,
        applyset(name="second", state="absent"),
        applyset(
            name="first",
            state="absent",
            prune_named=[f"Namespace/{other}", f"CustomResourceDefinition/things.{other}.example.com"],
        ),
    )
    assert [r["created"] for r in done[:2]] == [r["created"] for r in results]
    assert [len(r["deleted"]) for r in done[2:]] == [2, 2]


def test_assume_empty_needs_no_cluster(play, tmp_path):
    task = {
        "greenlang.vcci.applyset": {
            "name": "s",
            "kubeconfig": str(tmp_path / "none"),
            "assume_empty": True,
            "definition": [config_map("a")],
        }
    }
    results, output = play(task, arguments=["--check", "--diff"])
    assert results[0]["changed"]
    assert "+  name: a" in output


BAD = {
    "a kubeconfig that is not there": ({"kubeconfig": "/nowhere/config"}, "kubeconfig /nowhere/config does not exist"),
    "a server that does not answer": ({"host": "https://127.0.0.1:1", "kubeconfig": None}, "does not answer"),
    "a wrong token": ({"api_key": "wrong"}, "does not accept the credentials"),
    "an untrusted server": ({"ca_cert": "/etc/ssl/certs/ca-certificates.crt"}, "its certificate is not trusted"),
    "nothing to apply": ({"definition": None}, "one of definition, src or template is needed"),
    "a file that is not there": ({"src": ["nothing.yml"], "definition": None}, "src: nothing.yml does not exist"),
    "a glob that matches nothing": ({"src": ["nothing*.yml"], "definition": None}, "nothing matches nothing*.yml"),
    "a template that is not there": (
        {"template": "nothing.j2", "definition": None},
        "template: nothing.j2 does not exist",
    ),
    "an unknown option": ({"colour": "green"}, "Unsupported parameters"),
    "YAML that is broken": ({"definition": "a: b\n- c\n"}, "definition, line 2: not valid YAML"),
    "a key given twice": ({"definition": "kind: A\nkind: B\n"}, "is given twice"),
    "no kind": ({"definition": {"apiVersion": "v1", "metadata": {"name": "a"}}}, "kind is missing"),
    "no name": ({"definition": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}}, "metadata.name is missing"),
    "a label that is a number": (
        {
            "definition": {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "a", "namespace": "b", "labels": {"v": 1}},
            }
        },
        "metadata.labels.v is 1, which is not a text; quote it",
    ),
}


def test_bad_input_is_one_clear_error(play):
    tasks = [
        {
            **applyset(**{k: v for k, v in {"definition": config_map("a"), **options}.items() if v is not None}),
            "ignore_errors": True,
        }
        for options, _message in BAD.values()
    ]
    results, output = play(*tasks)
    for (case, (_options, message)), result in zip(BAD.items(), results, strict=True):
        assert result["failed"], case
        assert not result["changed"], case
        assert message in result["msg"], (case, result)
    assert "Traceback" not in output


def test_a_manifest_error_names_file_and_line(play, tmp_path):
    (tmp_path / "bad.yml").write_text("apiVersion: v1\nkind: ConfigMap\n  metadata: x\n")
    results, _output = play({**applyset(src="bad.yml"), "ignore_errors": True})
    assert f"{tmp_path}/bad.yml, line 3: not valid YAML" in results[0]["msg"]


def test_a_failure_says_what_is_wrong_and_what_was_done(play, namespace):
    task = {**applyset(definition=[config_map("good"), config_map("Bad Name")]), "ignore_errors": True}
    ((result,), _output) = play(task)
    (error,) = result["errors"]
    source, _separator, message = error.partition(": ")
    assert source == "definition, item 2"
    assert message.startswith(f"ConfigMap {namespace}/Bad Name: ")
    assert message in result["msg"]
    assert result["created"] == [f"ConfigMap {namespace}/good"]
    assert not {"error", "failures", "names", "pending"} & set(result)
