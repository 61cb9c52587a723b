# Copyright (c) 2026 GreenLang. All rights reserved.
"""Ansible's own means reach the plugins: `environment`, vault, and the settings of templates."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from tests import actions
from tests.helpers import ROOT, play
from tests.scripted import answer, scripted

ACTIONS = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
TALKING = sorted(ACTIONS - {"local_cluster", "local_snapshot"})  # these know their cluster by its name
SMALL = {"quota": {"configmaps": 10, "requests.cpu": 1}, "limits": {"default": {"cpu": "100m"}, "max_volume": "1Gi"}}
PLACE = {"namespace": "n", "pod": "p", "container": "c", "command": ["true"]}
# What a plugin needs beside the connection to ask a server for anything.
LEAST = {
    "applyset": {"definition": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}]},
    "cluster_identity": {"environment_name": "test"},
    "dump_copy": {"source": PLACE, "target": PLACE},
    "node_drain": {"name": "n"},
    "objects_info": {"kind": "ConfigMap"},
    "platform_check": {"namespace": "n", "api_host": "h", "timeout": 0},
    "procedure": {"state": "begun", "name": "apps", "environment_name": "test"},
    "pod_exec": {"namespace": "n", "pod": "p", "container": "c", "command": "true"},
    "sealed_secret": {"secrets": [{"name": "s", "namespace": "n", "values": {"a": {"value": "b"}}}]},
    "sealing_keys": {"state": "reencrypted"},
    "tenant_attempts": {"namespaces": ["n", "m"], "image": "i"},
    "tenant_state": {"id": "acme", "state": "suspended"},
    "tenants": {"tiers": {"small": SMALL}},
    "tier_quota": {"tiers": {"small": SMALL}, "namespaces": [{"name": "n", "tier": "small"}]},
}


def kubeconfig(folder: Path, name: str, server: str, **user: object) -> str:
    parts = {"cluster": {"server": server}, "user": user or {"token": name}, "context": {"cluster": "it", "user": "it"}}
    lists = {f"{kind}s": [{"name": "it", kind: part}] for kind, part in parts.items()}
    path = folder / name
    path.write_text(json.dumps({"current-context": "it", **lists}))
    return str(path)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Two servers that know nothing: `here`, to which the environment of the process leads, and `there`; who asked."""
    nothing = answer(404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "message": "not found"})
    with scripted(lambda request: nothing) as here, scripted(lambda request: nothing) as there:
        for name, server in (("here", here), ("there", there)):
            kubeconfig(tmp_path, name, server.url)
        for name in [name for name in os.environ if name.startswith("K8S_AUTH_") or name == "KUBECONFIG"]:
            monkeypatch.delenv(name)
        monkeypatch.chdir(tmp_path)
        yield {"here": here, "there": there}


def tokens(server) -> set[str]:
    return {token for request in server.asked for token in request.headers("Authorization")}


@pytest.mark.parametrize("plugin", TALKING)
def test_every_plugin_heeds_the_environment_of_its_task(plugin, asked, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "here"))
    before = dict(os.environ)
    environment = [{"KUBECONFIG": "/none"}, {"KUBECONFIG": str(tmp_path / "there")}]
    check = plugin in ("sealed_secret", "tenant_state")
    result = actions.run(plugin, LEAST.get(plugin, {}), environment=environment, check=check)
    assert "Traceback" not in str(result)
    assert not asked["here"].asked
    assert tokens(asked["there"]) == {"Bearer there"}, result
    assert dict(os.environ) == before


CHOICES = {
    # name: (environment of the process, environment of the task, arguments, to whom requests go, and as whom)
    "the process's": ({"KUBECONFIG": "here"}, {}, {}, "here", "here"),
    "the task's": ({"KUBECONFIG": "here"}, {"KUBECONFIG": "there"}, {}, "there", "there"),
    "in kubernetes.core's words": ({"KUBECONFIG": "here"}, {"K8S_AUTH_KUBECONFIG": "there"}, {}, "there", "there"),
    "whatever the shell's is called": ({"K8S_AUTH_KUBECONFIG": "here"}, {"KUBECONFIG": "there"}, {}, "there", "there"),
    "beside a host of the shell": ({"K8S_AUTH_HOST": "http://here"}, {"KUBECONFIG": "there"}, {}, "there", "there"),
    "beside a context of the shell": ({"K8S_AUTH_CONTEXT": "other"}, {"KUBECONFIG": "there"}, {}, "there", "there"),
    "only the host": ({"KUBECONFIG": "here"}, {"K8S_AUTH_HOST": "THERE"}, {}, "there", "here"),
    "a host and a token": ({}, {"K8S_AUTH_HOST": "THERE", "K8S_AUTH_API_KEY": "mine"}, {}, "there", "mine"),
    "the token of the shell": ({"K8S_AUTH_API_KEY": "mine"}, {"KUBECONFIG": "there"}, {}, "there", "mine"),
    "the task's token": ({"K8S_AUTH_API_KEY": "no"}, {"K8S_AUTH_API_KEY": "mine"}, {"host": "THERE"}, "there", "mine"),
    "arguments first": ({"KUBECONFIG": "here"}, {"KUBECONFIG": "here"}, {"kubeconfig": "there"}, "there", "there"),
    "set to nothing": ({"K8S_AUTH_KUBECONFIG": "", "KUBECONFIG": "there"}, {}, {}, "there", "there"),
    "a host that is nothing": ({"K8S_AUTH_HOST": "", "KUBECONFIG": "there"}, {}, {}, "there", "there"),
    "HOME": ({"HOME": "/none"}, {"HOME": "home"}, {}, "there", "there"),
}


@pytest.mark.parametrize("case", CHOICES)
def test_whose_environment_counts(case, asked, tmp_path, monkeypatch):
    process, task, arguments, whom, token = CHOICES[case]
    (tmp_path / "home" / ".kube").mkdir(parents=True)
    (tmp_path / "home" / ".kube" / "config").write_bytes((tmp_path / "there").read_bytes())

    def filled(values):
        return {name: asked["there"].url if value == "THERE" else value for name, value in values.items()}

    for name, value in process.items():
        monkeypatch.setenv(name, value)
    result = actions.run("tenants_info", filled(arguments), environment=[filled(task)])
    other = "here" if whom == "there" else "there"
    assert not asked[other].asked
    assert tokens(asked[whom]) == {f"Bearer {token}"}, result


@pytest.mark.parametrize(
    "environment", [{"": "a"}, {"A=B": "c"}, {"A": "b\0c"}, {"A\0": "b"}, {"A": "\ud800"}, ["A=b"]]
)
def test_an_environment_that_is_none_is_one_clear_error(environment, asked):
    result = actions.run("tenants_info", {}, environment=[environment])
    assert result["failed"]
    assert result["msg"].startswith("environment: ")
    assert len(result["msg"]) < 300


def test_proxies_and_exec_plugins_get_the_environment(asked, tmp_path):
    plugin = tmp_path / "plugin"
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    plugin.write_text(
        f"#!{sys.executable}\nimport json, os\n"
        f"print(json.dumps({{**{credential}, 'status': {{'token': os.environ['AWS_PROFILE']}}}}))\n"
    )
    plugin.chmod(0o700)
    spec = {"apiVersion": credential["apiVersion"], "command": "./plugin", "interactiveMode": "Never"}
    named = kubeconfig(tmp_path, "exec", "http://api.example.com", exec=spec)
    environment = [{"AWS_PROFILE": "production", "HTTP_PROXY": asked["there"].url}]
    actions.run("tenants_info", {"kubeconfig": named}, environment=environment)
    assert tokens(asked["there"]) == {"Bearer production"}
    assert {request.target.startswith("http://api.example.com/") for request in asked["there"].asked} == {True}


def test_what_a_play_and_its_blocks_say(asked, tmp_path):
    """Templated; the innermost wins; the shell's kubeconfig is not read."""
    module = {"greenlang.vcci.applyset": LEAST["applyset"], "check_mode": True, "ignore_errors": True}
    inner = {**module, "environment": {"KUBECONFIG": "{{ folder }}/there"}}
    tasks = [
        {"block": [inner], "environment": {"KUBECONFIG": "/none"}},
        {"block": [module], "environment": {"KUBECONFIG": "{{ folder }}/there"}},
    ]
    results, said = play(
        tmp_path,
        tasks,
        environment={"KUBECONFIG": str(tmp_path / "here")},
        vars={"folder": str(tmp_path)},
    )
    assert len(results) == 2, said
    assert not asked["here"].asked
    assert tokens(asked["there"]) == {"Bearer there"}


# --- vault and templates ---------------------------------------------------------------------------------------------
SECRET = VaultSecret(b"word")
CANARY = "kept-out-of-messages"


def encrypted(path: Path, text: str) -> Path:
    path.write_bytes(VaultLib([("default", SECRET)]).encrypt(text))
    return path


@pytest.fixture
def loader():
    made = DataLoader()
    made.set_vault_secrets([("default", SECRET)])
    return made


def manifest(namespace, name, value="v"):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"a": value},
    }


def test_what_vault_has_encrypted_is_read(kubeconfig, namespace, client, loader, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "templates").mkdir()
    whole = json.loads(kubeconfig.read_text())
    encrypted(tmp_path / "files" / "config", json.dumps(whole))
    encrypted(tmp_path / "files" / "map.yml", json.dumps(manifest(namespace, "src", CANARY)))
    encrypted(tmp_path / "templates" / "map.yml.j2", json.dumps(manifest("{{ place }}", "template", CANARY)))
    args = {"kubeconfig": "config", "src": ["map.yml"], "template": "map.yml.j2"}
    result = actions.run("applyset", args, loader=loader, folder=tmp_path, variables={"place": namespace})
    assert result["created"] == [f"ConfigMap {namespace}/src", f"ConfigMap {namespace}/template"], result
    assert client.get("v1", "ConfigMap", "src", namespace)["data"] == {"a": CANARY}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("option", ["kubeconfig", "src", "template", "ca_cert"])
def test_what_cannot_be_decrypted_is_named(option, tmp_path):
    path = encrypted(tmp_path / "secret.yml", CANARY)
    args = {"host": "https://127.0.0.1:1", "definition": [], option: [str(path)] if option == "src" else str(path)}
    result = actions.run("applyset", args, folder=tmp_path)
    assert result["failed"]
    assert str(path) in result["msg"]
    assert CANARY not in str(result)
    assert "\n" not in result["msg"]
    assert len(result["msg"]) < 300


@pytest.mark.parametrize("text", ["not found", f"data: {{{CANARY}", f"- {CANARY}\n a: b"])
@pytest.mark.parametrize("option", ["kubeconfig", "src"])
def test_what_is_decrypted_is_in_no_message(option, text, loader, tmp_path):
    path = encrypted(tmp_path / "secret.yml", text)
    args = {"definition": [], option: [str(path)] if option == "src" else str(path)}
    result = actions.run("applyset", args, loader=loader, folder=tmp_path, check=True)
    assert result["failed"]
    assert CANARY not in str(result)


TEMPLATES = {
    # name: (the option but for its path, the template, what `data.a` then is)
    "a name": (None, "{{ word }}", "spoken"),
    "a path": ({}, "{{ word }}", "spoken"),
    "marks of variables": ({"variable_start_string": "[[", "variable_end_string": "]]"}, "[[ word ]] {{ word }}", None),
    "marks of blocks": ({"block_start_string": "<%", "block_end_string": "%>"}, "<% if true %>x<% endif %>", "x"),
    "blocks take their line end": ({}, "x{% if true %}\n{% endif %}y", "xy"),
    "or leave it": ({"trim_blocks": False}, "|-\n    x{% if true %}\n    y{% endif %}", "x\ny"),
    "or in words": ({"trim_blocks": "no"}, "|-\n    x{% if true %}\n    y{% endif %}", "x\ny"),
    "blocks take what is before them": (
        {"lstrip_blocks": True},
        "|-\n    x\n        {% if true %}\n    y\n{% endif %}",
        "x\ny",
    ),
    "line ends": ({"newline_sequence": "\\r\\n"}, "{{ word }}\n", "spoken"),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_settings_of_templates(case, kubeconfig, tmp_path):
    settings, text, expected = TEMPLATES[case]
    (tmp_path / "t.j2").write_text(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: default\ndata:\n  a: {text}\n"
        if expected
        else "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: default\ndata:\n  a: '" + text + "'\n"
    )
    template = str(tmp_path / "t.j2") if settings is None else {"path": str(tmp_path / "t.j2"), **settings}
    args = {"kubeconfig": str(kubeconfig), "template": [template]}
    result = actions.run("applyset", args, variables={"word": "spoken"}, folder=tmp_path, check=True, diff=True)
    assert not result.get("failed"), result
    [difference] = result["diff"]
    data = yaml.safe_load(difference["after"])["data"]
    assert data == {"a": expected or "spoken {{ word }}"}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"path": "t.j2", "comment_start_string": "#"}, "comment_start_string is not known; known: path"),
        ({"src": "t.j2"}, "a file name, a list of file names"),
        ({"path": 5}, "a file name, a list of file names"),
        (5, "a file name, a list of file names"),
        ([["t.j2"]], "a file name, a list of file names"),
        ({"path": "t.j2", "trim_blocks": "maybe"}, "trim_blocks is neither true nor false"),
        ({"path": "t.j2", "lstrip_blocks": []}, "lstrip_blocks is neither true nor false"),
        ({"path": "t.j2", "newline_sequence": "x"}, "newline_sequence is none of"),
        ({"path": "t.j2", "block_end_string": 5}, "block_end_string is not a text"),
        ({"path": "t.j2", "block_end_string": ""}, "block_end_string is not a text"),
        ("a\0b", "does not exist"),
        ("n" * 5000, "does not exist"),
    ],
)
def test_templates_that_are_refused(template, message, tmp_path):
    (tmp_path / "t.j2").write_text("")
    result = actions.run("applyset", {"template": template}, folder=tmp_path, check=True)
    assert message in result["msg"]
    assert len(result["msg"]) < 300
