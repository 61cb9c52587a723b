# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every field of a kubeconfig, as client-go has it, is heeded or refused by name; so is each argument beside it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ConfigError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import configs, kubeconfig
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

from tests.scripted import answer, scripted

SERVER = "https://api.example.com:6443"
EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "command": "plugin", "interactiveMode": "Never"}


def config(cluster=None, user=None, context=None, **more):
    return {
        "clusters": [{"name": "c", "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **(context or {})}}],
        "current-context": "x",
        **more,
    }


def load(given, environment=None, **arguments):
    return kubeconfig.load({"kubeconfig": given, **arguments}, environment or {})


DATA = base64.b64encode(b"PEM").decode()
HEEDED = {
    # name: (cluster, user, what the connection then is)
    "server": ({"server": "https://a/b/"}, {}, {"server": "https://a/b"}),
    "a server without scheme": ({"server": "a:1"}, {}, {"server": "https://a:1"}),
    "a server of IPv6": ({"server": "https://[::1]:1"}, {}, {"server": "https://[::1]:1"}),
    "a server in other letters": (
        {"server": "https://bücher.example"},
        {},
        {"server": "https://xn--bcher-kva.example"},
    ),
    "a user in the address": ({"server": "https://me:w@a"}, {}, {"server": "https://a", "username": "me"}),
    "tls-server-name": ({"tls-server-name": "n"}, {}, {"tls_server_name": "n"}),
    "insecure-skip-tls-verify": ({"insecure-skip-tls-verify": True}, {}, {"verify": False}),
    "certificate-authority-data": ({"certificate-authority-data": DATA}, {}, {"ca": b"PEM"}),
    "in lines": ({"certificate-authority-data": f"{DATA[:2]}\r\n{DATA[2:]}\n"}, {}, {"ca": b"PEM"}),
    "disable-compression": ({"disable-compression": True}, {}, {"disable_compression": True}),
    "extensions": (
        {"extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"a": 1}}]},
        {},
        {"exec_config": {"a": 1}},
    ),
    "an unknown field": ({"colour": 1}, {"colour": 1}, {}),
    "null": ({"tls-server-name": None}, {"as-groups": None}, {"tls_server_name": None}),
    "token": ({}, {"token": "t"}, {"token": "t"}),
    "username": ({}, {"username": "n", "password": "w"}, {"username": "n", "password": "w"}),
    "client-certificate-data": ({}, {"client-certificate-data": DATA, "client-key-data": DATA}, {"key": b"PEM"}),
    "as": ({}, {"as": "jane"}, {"impersonate_user": "jane"}),
    "as-uid": ({}, {"as": "jane", "as-uid": "1"}, {"impersonate_uid": "1"}),
    "as-groups": ({}, {"as": "jane", "as-groups": ["g"]}, {"impersonate_groups": ["g"]}),
    "as-user-extra": ({}, {"as": "jane", "as-user-extra": {"k": ["v"]}}, {"impersonate_extra": {"k": ["v"]}}),
    "a token goes before a plugin": ({}, {"token": "t", "exec": EXEC}, {"token": "t", "exec_plugin": None}),
}


@pytest.mark.parametrize("case", HEEDED)
def test_fields_that_are_heeded(case: str) -> None:
    cluster, user, expected = HEEDED[case]
    found = load(config(cluster, user))
    assert {name: getattr(found, name) for name in expected} == expected


REFUSED = {
    # name: (the kubeconfig, what the error names)
    "server": (config({"server": 5}), "cluster 'c': server is not a text"),
    "no server": (config({"server": ""}), "cluster 'c' has no server"),
    "a port": (config({"server": "https://a:port"}), "'https://a:port' is not the address"),
    "a large port": (config({"server": "https://a:99999"}), "is not the address"),
    "a scheme": (config({"server": "ftp://a"}), "is not the address"),
    "half of IPv6": (config({"server": "https://[::1"}), "is not the address"),
    "a space": (config({"server": "https://a b"}), "is not the address"),
    "a long name": (config({"server": "https://" + "a" * 64 + ".example"}), "is not the address"),
    "tls-server-name": (config({"tls-server-name": ["n"]}), "tls-server-name is not a text"),
    "insecure-skip-tls-verify": (config({"insecure-skip-tls-verify": "true"}), "insecure-skip-tls-verify is not true"),
    "certificate-authority": (config({"certificate-authority": 1}), "certificate-authority is not a text"),
    "no such authority": (config({"certificate-authority": "/none"}), "certificate-authority /none cannot be read"),
    "certificate-authority-data": (config({"certificate-authority-data": "%"}), "certificate-authority-data is not b"),
    "proxy-url": (config({"proxy-url": "ftp://a"}), "proxy-url: ftp is no kind of proxy"),
    "proxy-url's type": (config({"proxy-url": {}}), "proxy-url is not a text"),
    "extensions": (config({"extensions": {}}), "extensions is not a list of extensions"),
    "token": (config(user={"token": 12345}), "user 'u': token is not a text"),
    "a token and a name": (config(user={"token": "t", "username": "n"}), "has a token and a username"),
    "a date": (config(user={"token": yaml.safe_load("2001-01-01")}), "token is not a text"),
    "tokenFile": (config(user={"tokenFile": True}), "tokenFile is not a text"),
    "client-key-data": (config(user={"client-key-data": "x"}), "client-key-data is not base64"),
    "no such certificate": (config(user={"client-certificate": "none"}), "client-certificate none cannot be read"),
    "as": (config(user={"as": 1}), "as is not a text"),
    "as-groups": (config(user={"as": "j", "as-groups": "g"}), "as-groups is not a list of texts"),
    "a group": (config(user={"as": "j", "as-groups": [1]}), "as-groups is not a list of texts"),
    "as-user-extra": (config(user={"as": "j", "as-user-extra": {"k": "v"}}), "as-user-extra is not a mapping"),
    "a group without as": (config(user={"as-groups": ["g"]}), "without as"),
    "an uid without as": (config(user={"as-uid": "1"}), "without as"),
    "auth-provider": (config(user={"auth-provider": {"name": "gcp"}}), "auth-provider was removed"),
    "exec": (config(user={"exec": "aws"}), "user 'u': exec is not a mapping"),
    "exec's command": (config(user={"exec": {**EXEC, "command": ""}}), "exec has no command"),
    "exec's version": (config(user={"exec": {**EXEC, "apiVersion": "v1"}}), "apiVersion 'v1' is none of"),
    "exec's args": (config(user={"exec": {**EXEC, "args": [1]}}), "exec: args is not a list of texts"),
    "exec's env": (config(user={"exec": {**EXEC, "env": [{"value": "v"}]}}), "exec: env is not a list of names"),
    "exec's mode": (config(user={"exec": {**EXEC, "interactiveMode": "Often"}}), "interactiveMode 'Often' is none of"),
    "exec's cluster": (config(user={"exec": {**EXEC, "provideClusterInfo": "yes"}}), "provideClusterInfo is not true"),
    "a context's cluster": (config(context={"cluster": "none"}), "no cluster named 'none' (there are: c)"),
    "a context's user": (config(context={"user": "none"}), "no user named 'none' (there are: u)"),
    "no cluster": (config(context={"cluster": ""}), "context 'x' names no cluster"),
    "a context's type": (config(context={"user": 5}), "context 'x': user is not a text"),
    "no context": (config(**{"current-context": "none"}), "no context named 'none' (there are: x)"),
    "current-context": (config(**{"current-context": 5}), "current-context is not a text"),
    "no current-context": (config(**{"current-context": ""}), "current-context is empty"),
    "clusters": (config(clusters="c"), "clusters is no list"),
    "an entry": (config(users=["secret"]), "users: an entry is no mapping"),
    "a name": (config(users=[{"name": 5}]), "users: a name is no text"),
    "an entry's inner": (config(users=[{"name": "u", "user": "t"}]), "user of 'u' is no mapping"),
    "twice": (config(users=[{"name": "u"}, {"name": "u"}]), "user 'u' is there twice"),
    "another kind": (config(kind="Pod"), "is a Pod, and no kubeconfig"),
    "huge": (config(context={"user": "n" * 10_000}), "no user named 'nnn"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("form", ["dictionary", "json", "yaml"])
def test_fields_that_are_refused(case: str, form: str, tmp_path: Path) -> None:
    given, message = REFUSED[case]
    if form != "dictionary":
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(given, default=str) if form == "json" else yaml.safe_dump(given))
        if form == "json" and case == "a date":
            return
        given = str(path)
    with pytest.raises(ConfigError) as caught:
        load(given)
    said = str(caught.value).replace(str(tmp_path) + "/", "")
    assert message in said
    assert "secret" not in said
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


FILES = {
    "empty": (b"", "current-context is empty"),
    "a text": (b"not found", "is not a mapping"),
    "a list": (b"[]", "is not a mapping"),
    "not YAML": (b"{not yaml", "line 2 is not YAML"),
    "not UTF-8": (b"\xff\xfe\x00", "is not UTF-8"),
    "nested": (b"[" * 100_000, "nested too deeply"),
    "nested in lines": (b"- " * 100_000, "nested too deeply"),
    "a number too large": (b"a: " + b"9" * 5000, "is not YAML that makes sense"),
    "no date": (b"a: 2001-99-99", "is not YAML that makes sense"),
    "a zero byte": (b"a: \x00", "is not YAML"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_none(case: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_bytes(FILES[case][0])
    with pytest.raises(ConfigError, match=FILES[case][1]) as caught:
        load(str(tmp_path / "kubeconfig"))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("given", [5, True, ["a"], "/none", "a\0b", "n" * 10_000, "~nobody/config", "a:b"])
def test_kubeconfigs_that_are_nowhere(given: object) -> None:
    with pytest.raises(ConfigError, match="kubeconfig") as caught:
        load(given)
    assert len(str(caught.value)) < 300


def test_files_are_merged_as_kubectl_does(tmp_path: Path) -> None:
    """The first that names something wins; relative paths belong to the file that has them; what is not there does not
    count."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, server in ((one, "https://one"), (two, "https://two")):
        folder.mkdir()
        (folder / "ca").write_text(folder.name)
        given = config({"server": server, "certificate-authority": "ca"}, {"token": folder.name})
        (folder / "config").write_text(yaml.safe_dump(given))
    more = config({"certificate-authority": "ca"}, **{"current-context": "y"})
    for section in ("clusters", "users", "contexts"):
        more[section][0]["name"] = "y"
    more["contexts"][0]["context"] = {"cluster": "y", "user": "u"}
    (two / "config").write_text(yaml.safe_dump(more))
    named = f"/none:{one}/config:{two}/config:{one}/config"
    found = load(None, {"KUBECONFIG": named})
    assert (found.server, found.token, found.ca) == ("https://one", "one", b"one")
    found = load(None, {"KUBECONFIG": named}, context="y")
    assert (found.server, found.token, found.ca) == (SERVER, "one", b"two")
    assert load(f"{one}/config:{two}/config", context="y").ca == b"two"


@pytest.fixture
def named(tmp_path: Path) -> dict[str, str]:
    """An environment with a kubeconfig."""
    path = tmp_path / "config"
    path.write_text(json.dumps(config({"tls-server-name": "n"}, {"token": "t", "as": "jane", "as-groups": ["g"]})))
    return {"KUBECONFIG": str(path)}


HOSTS = {
    # name: (arguments, what the connection then is, beside a kubeconfig of the environment)
    "nothing": ({}, {"server": SERVER, "token": "t", "tls_server_name": "n"}),
    "another server": ({"host": "https://b"}, {"server": "https://b", "token": "t", "tls_server_name": None}),
    "with its name": ({"host": "https://b", "tls_server_name": "m"}, {"token": "t", "tls_server_name": "m"}),
    "of a context": ({"host": "https://b", "context": "x"}, {"server": "https://b", "token": "t"}),
    "with a token of its own": (
        {"host": "https://b", "api_key": "k"},
        {"server": "https://b", "token": "k", "impersonate_user": None},
    ),
    "with a name of its own": ({"host": "https://b", "username": "m", "password": "w"}, {"token": None}),
    "a token alone": ({"api_key": "k"}, {"server": SERVER, "token": "k", "impersonate_user": "jane"}),
    "a name alone": ({"username": "m"}, {"token": None, "username": "m", "password": ""}),
    "another to act as": ({"impersonate_user": "joe"}, {"impersonate_user": "joe", "impersonate_groups": ["g"]}),
    "groups to act as": ({"impersonate_groups": ["h"]}, {"impersonate_user": "jane", "impersonate_groups": ["h"]}),
}


@pytest.mark.parametrize("case", HOSTS)
def test_arguments_beside_a_kubeconfig_of_the_environment(case: str, named: dict[str, str]) -> None:
    arguments, expected = HOSTS[case]
    found = kubeconfig.load(arguments, named)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"password": "w"}, "password has no effect without username"),
        ({"client_key": "k"}, "client_key has no effect without client_cert"),
        ({"api_key": "k", "username": "n"}, "api_key and username are both given"),
        ({"host": "https://b", "impersonate_groups": ["g"]}, "impersonate_groups have no effect without"),
        ({"host": "https://b", "ca_cert": "/none"}, "ca_cert /none cannot be read"),
        ({"host": "https://b", "ca_cert": "a\0b"}, "ca_cert .* is no path"),
        ({"host": "not an address"}, "host: 'not an address' is not the address"),
        ({"host": "https://me:secret@a b"}, "host: 'a b' is not the address"),
    ],
)
def test_no_argument_is_without_effect(arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        kubeconfig.load(arguments, {"HOME": "/none"})


def test_who_we_are_is_in_every_request() -> None:
    user = {
        "token": "t",
        "as": "jürgen",
        "as-uid": "7",
        "as-groups": ["one", "two"],
        "as-user-extra": {"Scopes/x y": ["a", "b"], "id": ["1"]},
    }
    with scripted(lambda request: answer(200, {"major": "1"})) as server:
        given = config({"server": server.url + "/a%20prefix"}, user)
        Client.from_params({"kubeconfig": given}).version()
    [asked] = server.asked
    assert asked.target == "/a%20prefix/version"
    assert asked.headers("Authorization") == ["Bearer t"]
    assert asked.headers("Impersonate-User") == ["jürgen"]
    assert asked.headers("Impersonate-Uid") == ["7"]
    assert asked.headers("Impersonate-Group") == ["one", "two"]
    assert asked.headers("Impersonate-Extra-Scopes%2Fx%20y") == ["a", "b"]
    assert asked.headers("Impersonate-Extra-id") == ["1"]


@pytest.mark.parametrize("wrong", ["a\nb", "a\rb", "a\0b", "\ud800"])
@pytest.mark.parametrize("field", ["token", "as"])
def test_what_no_header_can_hold_is_refused(field: str, wrong: str) -> None:
    client = Client.from_params({"kubeconfig": config(user={field: wrong})})
    with pytest.raises(ConfigError, match="a credential"):
        client.version()


def test_every_field_of_client_go_is_known() -> None:
    """The JSON names in tools/clientcmd/api/v1/types.go of client-go 0.37, but for extensions of users and contexts."""
    assert set(configs.CLUSTER) == {
        *("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority"),
        *("certificate-authority-data", "proxy-url", "disable-compression", "extensions"),
    }
    assert set(configs.USER) == {
        *("client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile"),
        *("as", "as-uid", "as-groups", "as-user-extra", "username", "password", "auth-provider", "exec"),
    }
    assert set(configs.EXEC) == {
        *("command", "args", "env", "apiVersion", "installHint", "provideClusterInfo", "interactiveMode"),
    }
