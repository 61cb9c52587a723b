# Copyright (c) 2026 GreenLang. All rights reserved.
"""Exec plugins are run as client-go runs them: what they get, what they may answer, when they are asked again."""

from __future__ import annotations

import base64
import datetime
import json
import random
import sys
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ConfigError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import credentials, kubeconfig
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import Generator, private_key

from tests.scripted import answer, scripted

V1, V1BETA1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
TOKEN = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "t"}}
# Keeps what it gets, and prints what it is to print.
PLUGIN = """#!{python}
import json, os, sys
got = {{"args": sys.argv[1:], "info": json.loads(os.environ["KUBERNETES_EXEC_INFO"]), "env": dict(os.environ)}}
with open({kept!r}, "a") as kept:
    kept.write(json.dumps(got) + "\\n")
sys.stdout.write({prints!r})
sys.stderr.write({complains!r})
sys.exit({code})
"""


@pytest.fixture
def plugin(tmp_path: Path):
    """Make one; its `exec`, and what it got each time."""

    def make(prints: object, complains: str = "", code: int = 0, **spec: object):
        path, kept = tmp_path / "plugin", tmp_path / "got"
        text = prints if isinstance(prints, str) else json.dumps(prints)
        fill = {"python": sys.executable, "kept": str(kept), "prints": text, "complains": complains, "code": code}
        path.write_text(PLUGIN.format(**fill))
        path.chmod(0o700)
        given = {"apiVersion": V1, "command": str(path), "interactiveMode": "Never", **spec}
        return given, lambda: [json.loads(line) for line in kept.read_text().splitlines()]

    return make


def config(spec: object, **cluster: object) -> dict:
    return {
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example.com", **cluster}}],
        "users": [{"name": "u", "user": {"exec": spec}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }


def run(given: dict, **arguments: object):
    plugin = kubeconfig.load({"kubeconfig": given, **arguments}, {}).exec_plugin
    assert plugin is not None
    return plugin.run()


def test_what_it_gets(plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "here")
    monkeypatch.setenv("REPLACED", "outside")
    env = [{"name": "REPLACED", "value": "inside"}, {"name": "EMPTY", "value": None}]
    spec, got = plugin(TOKEN, args=["get", "token"], env=env)
    assert run(config(spec)).token == "t"
    [call] = got()
    assert call["args"] == ["get", "token"]
    assert call["info"] == {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}}
    wanted = {"FROM_OUTSIDE": "here", "REPLACED": "inside", "EMPTY": ""}
    assert {name: call["env"][name] for name in wanted} == wanted


def test_the_cluster_is_handed_to_those_that_ask(plugin, tmp_path: Path) -> None:
    """As it is used, with what the arguments say; its authority as data; what its extension holds."""
    (tmp_path / "ca").write_bytes(b"PEM")
    spec, got = plugin(TOKEN, provideClusterInfo=True)
    more = {
        "certificate-authority": str(tmp_path / "ca"),
        "tls-server-name": "n",
        "insecure-skip-tls-verify": True,
        "proxy-url": "http://there:3128",
        "disable-compression": True,
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}],
    }
    run(config(spec, **more))
    assert got()[0]["info"]["spec"]["cluster"] == {
        "server": "https://api.example.com",
        "tls-server-name": "n",
        "insecure-skip-tls-verify": True,
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
        "proxy-url": "http://there:3128",
        "disable-compression": True,
        "config": {"audience": "a"},
    }
    run(config(spec), host="https://other", tls_server_name="m")
    assert got()[1]["info"]["spec"]["cluster"] == {
        "server": "https://other",
        "tls-server-name": "m",
        "config": None,
    }


ANSWERS = {
    # name: (what it prints, what the error says)
    "nothing": ("", "printed no ExecCredential"),
    "no JSON": ("token", "printed no ExecCredential"),
    "a list": ([], "printed no ExecCredential"),
    "null": (None, "printed no ExecCredential"),
    "nested": ("[" * 100_000, "printed no ExecCredential"),
    "another kind": ({**TOKEN, "kind": "Secret"}, "printed no ExecCredential"),
    "another version": ({**TOKEN, "apiVersion": V1BETA1}, f"an ExecCredential of {V1BETA1}, not of {V1}"),
    "no status": ({"apiVersion": V1, "kind": "ExecCredential"}, "without status"),
    "a status of text": ({**TOKEN, "status": "token"}, "without status"),
    "a token of number": ({**TOKEN, "status": {"token": 5}}, "status.token is not a text"),
    "an empty status": ({**TOKEN, "status": {}}, "neither a token nor a certificate"),
    "half a pair": ({**TOKEN, "status": {"clientCertificateData": "c"}}, "a certificate without its key"),
    "the other half": ({**TOKEN, "status": {"clientKeyData": "k"}}, "a certificate without its key"),
    "no time": ({**TOKEN, "status": {"token": "t", "expirationTimestamp": "soon"}}, "expirationTimestamp is no time"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answers_that_are_none(plugin, case: str) -> None:
    prints, message = ANSWERS[case]
    spec, _got = plugin(prints)
    with pytest.raises(ConfigError) as caught:
        run(config(spec))
    assert message in str(caught.value)
    assert spec["command"] in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_plugin_that_fails_says_why_in_one_line(plugin) -> None:
    spec, _got = plugin("", "first\n\x1b[31mlog in again" + "!" * 5000, 3)
    with pytest.raises(ConfigError, match=r"failed with 3: first \| \[31mlog in again!") as caught:
        run(config(spec))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"command": "/none/plugin"}, "/none/plugin is not installed: install it"),
        (
            {"command": "no-such-plugin", "installHint": "get\x1b[31m it\nthere"},
            r"is not installed: get \[31m it there",
        ),
        ({"command": "/etc/passwd"}, "/etc/passwd is not installed"),
        ({"command": "true", "args": ["a\0b"]}, "could not be run"),
        ({"command": "true", "env": [{"name": "A", "value": "a\0b"}]}, "could not be run"),
        ({"command": "true", "interactiveMode": "Always"}, "wants a terminal"),
    ],
)
def test_a_plugin_that_cannot_be_run_is_named(spec: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(config({"apiVersion": V1, "interactiveMode": "Never", **spec}))


def test_a_command_with_a_path_is_relative_to_its_file(plugin, tmp_path: Path) -> None:
    spec, _got = plugin(TOKEN)
    (tmp_path / "config").write_text(json.dumps(config({**spec, "command": "./plugin"})))
    assert run(str(tmp_path / "config")).token == "t"


@pytest.mark.parametrize(("seconds", "times"), [(-60, 3), (3600, 1), (None, 1)])
def test_it_is_asked_again_when_its_credential_has_expired(plugin, seconds: int | None, times: int) -> None:
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds or 0)
    status = {"token": "t", **({"expirationTimestamp": ends.isoformat()} if seconds else {})}
    spec, got = plugin({**TOKEN, "status": status})
    with scripted(lambda request: answer(200, {"major": "1"})) as server:
        client = Client.from_params({"kubeconfig": config(spec, server=server.url)})
        for _turn in range(3):
            client.version()
    assert {request.headers("Authorization")[0] for request in server.asked} == {"Bearer t"}
    assert len(got()) == times


# --- certificates, as Go reads them ----------------------------------------------------------------------------------
KEY = private_key("rsa", 2048)
OTHER_KEY = private_key("rsa", 2048)
CERTIFICATE = Generator(random.SystemRandom(), datetime.datetime.now(datetime.UTC)).certificate(KEY, ["a"], 1, "test")
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
AUTHORITIES = {
    "plain": (CERTIFICATE, True),
    "after a comment": (b"# the authority of J\xc3\xbcrgen\n" + CERTIFICATE, True),
    "between comments": (b"Subject: CN=a\n" + CERTIFICATE + b"\nend\xff\n", True),
    "several": (CERTIFICATE + CERTIFICATE, True),
    "one of them is none": (BROKEN + CERTIFICATE, True),
    "with Windows' line ends": (CERTIFICATE.replace(b"\n", b"\r\n"), True),
    "beside a key": (KEY + CERTIFICATE, True),
    "none": (b"authority", False),
    "a broken one": (BROKEN, False),
    "a key": (KEY, False),
}


@pytest.mark.parametrize("case", AUTHORITIES)
def test_authorities(case: str) -> None:
    pem, expected = AUTHORITIES[case]
    connection = kubeconfig.Connection("https://a", ca=pem)
    if expected:
        assert credentials.tls_context(connection, None, None).cert_store_stats()["x509"] == 1
    else:
        with pytest.raises(ConfigError, match="certificate authority is not PEM"):
            credentials.tls_context(connection, None, None)


PAIRS = {
    "plain": (CERTIFICATE, KEY, True),
    "with comments": (b"# J\xc3\xbcrgen\n" + CERTIFICATE, b"# mine\n" + KEY, True),
    "the key after parameters": (
        CERTIFICATE,
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + KEY,
        True,
    ),
    "both in one": (CERTIFICATE + KEY, None, True),
    "no key": (CERTIFICATE, None, False),
    "another's key": (CERTIFICATE, OTHER_KEY, False),
    "not PEM": (b"certificate", b"key", False),
    "an encrypted key": (
        CERTIFICATE,
        KEY.replace(
            b"PRIVATE KEY-----\n",
            b"RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00000000000000000000000000000000\n\n",
            1,
        ),
        False,
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_client_certificates(case: str) -> None:
    """A key that is encrypted is refused; nobody is asked for its password."""
    cert, key, expected = PAIRS[case]
    connection = kubeconfig.Connection("https://a", verify=False)
    if expected:
        credentials.tls_context(connection, cert, key)
    else:
        with pytest.raises(ConfigError, match="do not fit together or are not PEM"):
            credentials.tls_context(connection, cert, key)
