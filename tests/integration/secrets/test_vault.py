# Copyright (c) 2026 GreenLang. All rights reserved.
"""How Vault is reached, what it refuses, and that a token goes nowhere else."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.integration.secrets.keepers import TOKEN, Vault, vault_server
from tests.scripted import Request, answer, scripted

MOUNT = {"data": {"type": "kv", "options": {"version": "2"}}}
ENVIRONMENT = ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "VAULT_CAPATH", "VAULT_NAMESPACE")


@pytest.fixture(scope="module")
def address():
    with vault_server() as found:
        yield found


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """Nobody's own."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def sealed(check: bool = True, **vault) -> dict:
    """Without a cluster: check mode needs none, and asks Vault all the same."""
    secrets = read([{"name": "db", "values": {"password": {"generate": {}}}}], "ns")
    return run(None, secrets, Options(vault={"prefix": "vcci", **vault}, check=check))


@pytest.mark.parametrize(
    ("vault", "message"),
    [
        ({}, "an address that begins with https:// is needed, there or in VAULT_ADDR"),
        ({"address": "vault:8200"}, "an address that begins with https://"),
        ({"address": "http://vault.example.com:8200"}, "is not encrypted, and the token would go there"),
        ({"address": "https://127.0.0.1:1", "ca_cert": "/no/such/file"}, "ca_cert: /no/such/file is not there"),
        ({"address": "http://127.0.0.1:1"}, "a token is needed"),
        ({"address": "http://127.0.0.1:1", "token": "x"}, r"no answer \(ConnectionError\)"),
        ({"address": "http://127.0.0.1:1", "token": "x", "mount": "a/../b"}, "vault.mount: names of letters"),
        ({"address": "http://127.0.0.1:1", "token": "x", "prefix": "a//b"}, "vault.prefix: names of letters"),
        ({"address": "http://127.0.0.1:1", "token": 5}, "vault.token: a text is needed"),
        ({"address": "http://127.0.0.1:1", "password": "x"}, "unknown password"),
        ({"method": "ldap"}, "vault.method: one of token, approle, kubernetes, jwt is needed, not ldap"),
        ({"method": "kubernetes"}, "vault.role: is needed by method kubernetes"),
        ({"method": "approle", "secret_id": "x"}, "vault.role_id: is needed by method approle"),
        ({"method": "token", "role_id": "x"}, "vault.role_id: is not of method token, which takes token"),
        ({"role": "vcci"}, "vault.role: is not of method token"),
        ({"role_id": "x", "token": "x"}, "vault.token: is not of method approle"),
        ({"method": "jwt", "role": "x"}, "vault.jwt_file: is needed by method jwt"),
        ({"method": "jwt", "role": "x", "jwt": "x", "jwt_file": "y"}, "vault.jwt, vault.jwt_file: give one of them"),
        (
            {"address": "http://127.0.0.1:1", "method": "jwt", "role": "x", "jwt_file": "/no/such"},
            "jwt_file: /no/such cannot",
        ),
        ({"method": "kubernetes", "role": "x", "login_mount": "../sys"}, "vault.login_mount: names of letters"),
        (
            {"address": "http://127.0.0.1:1", "method": "kubernetes", "role": "x"},
            r"jwt_file: /var/run/secrets/kubernetes\.io/serviceaccount/token cannot be read: No such file",
        ),
    ],
)
def test_settings_are_checked(vault: dict, message: str) -> None:
    with pytest.raises((InputError, VcciError), match=message):
        sealed(**vault)


def test_one_place_keeps_the_values() -> None:
    with pytest.raises(InputError, match="aws, vault: one place keeps the values"):
        run(
            None, read([{"name": "s", "values": {"a": "b"}}], "ns"), Options(aws={"prefix": "x"}, vault={"prefix": "x"})
        )


def test_credentials_are_found_where_vault_has_them(address, monkeypatch, tmp_path) -> None:
    assert sealed(address=address, token=TOKEN)["changed"]
    assert sealed(address=address, role_id="role", secret_id="secret")["changed"]
    monkeypatch.setenv("VAULT_ADDR", address)
    (tmp_path / ".vault-token").write_text(TOKEN)
    assert sealed()["changed"]
    monkeypatch.setenv("VAULT_TOKEN", "another")
    with pytest.raises(VcciError, match="permission denied; the token must be valid") as caught:
        sealed()
    assert "another" not in str(caught.value)
    with pytest.raises(VcciError, match="the login at approle was refused: invalid role or secret ID") as caught:
        sealed(role_id="role", secret_id="wrong-one")
    assert "wrong-one" not in str(caught.value)


GIVEN = {"auth": {"client_token": TOKEN}}


def logged_in(reply: bytes, **vault) -> list[Request]:
    """What a server was asked that answers a login like this, and is empty otherwise."""

    def said(request: Request) -> bytes:
        if request.path.endswith("/login"):
            return reply
        return answer(200, MOUNT) if "/sys/" in request.path else answer(404, {"errors": []})

    with scripted(said) as server:
        assert sealed(address=server.url, **vault)["changed"]
        return list(server.asked)


@pytest.mark.parametrize(
    ("vault", "path", "sent"),
    [
        ({"method": "kubernetes", "role": "vcci"}, "kubernetes", {"role": "vcci", "jwt": "of.a.file"}),
        ({"method": "jwt", "role": "ci"}, "jwt", {"role": "ci", "jwt": "of.a.file"}),
        ({"method": "kubernetes", "role": "v", "login_mount": "k8s/eu"}, "k8s/eu", {"role": "v", "jwt": "of.a.file"}),
        ({"method": "approle", "role_id": "r", "secret_id": "s"}, "approle", {"role_id": "r", "secret_id": "s"}),
        ({"role_id": "r", "login_mount": "ar"}, "ar", {"role_id": "r", "secret_id": None}),
    ],
)
def test_who_runs_this_logs_in(vault: dict, path: str, sent: dict, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "of-somebody-else")
    (tmp_path / "token").write_text("of.a.file\n")
    if "role" in vault:
        vault = {**vault, "jwt_file": "~/token"}  # HOME is the test's own
    login, *others = logged_in(answer(200, GIVEN), **vault)
    assert (login.path, login.sent) == (f"/v1/auth/{path}/login", sent)
    assert login.headers("X-Vault-Token") == []
    assert {tuple(request.headers("X-Vault-Token")) for request in others} == {(TOKEN,)}


def test_a_signed_text_may_be_given_itself() -> None:
    assert logged_in(answer(200, GIVEN), method="jwt", role="ci", jwt="of.a.job")[0].sent["jwt"] == "of.a.job"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, {"errors": ["permission denied"]}, ("permission denied", "bound to this ServiceAccount")),
        (400, {"errors": ['invalid role name "vcci"']}, ("invalid role name", "vault.role must be one")),
        (404, {"errors": ["no handler for route"]}, ("no handler for route", "vault.login_mount must be where")),
        (500, {"errors": ["service account token has expired"]}, ("token has expired",)),
        (200, {}, ("answered without a token",)),
        (200, {"auth": None}, ("answered without a token",)),
        (200, b"<html>", ("answered with 200, and not by Vault",)),
    ],
)
def test_a_login_that_fails_says_why(status: int, body: object, words: tuple[str, ...]) -> None:
    with pytest.raises(VcciError) as caught:
        logged_in(answer(status, body), method="kubernetes", role="vcci", jwt="a.signed.text")
    assert str(caught.value).startswith("Vault: the login at kubernetes ")
    for word in words:
        assert word in str(caught.value)
    assert "a.signed.text" not in str(caught.value)


@pytest.mark.parametrize(
    ("mount", "message"), [("old", "is KV version 1; a KV engine of version 2"), ("nowhere", "vault.mount nowhere")]
)
def test_another_engine_is_refused(mount: str, message: str, address) -> None:
    with pytest.raises(VcciError, match=message):
        sealed(address=address, token=TOKEN, mount=mount)


def test_an_engine_that_demands_check_and_set_is_given_it(address, client, namespace) -> None:
    keeper = Vault(address, f"cas/{namespace}")
    keeper.kv.configure(cas_required=True, max_versions=10)
    try:
        given = read([{"name": "db", "values": {"password": {"generate": {}}}}], namespace)
        for rotate in ((), ("db",)):
            assert run(client, given, Options(name=namespace, vault=keeper.settings, rotate=rotate))["changed"]
    finally:
        keeper.kv.configure(cas_required=False, max_versions=10)


def asked(reply) -> tuple[list[Request], str]:
    """What a server that answers like this was asked, and the error."""
    with scripted(reply) as server:
        with pytest.raises(VcciError) as caught:
            sealed(address=server.url, token=TOKEN)
        assert TOKEN not in str(caught.value)
        return list(server.asked), str(caught.value)


def test_a_token_does_not_follow_a_redirect() -> None:
    with scripted(lambda _request: answer(200, MOUNT)) as other:
        moved = answer(307, None, f"Location: {other.url}/v1/x")
        requests, said = asked(lambda _request: moved)
        assert other.asked == []
    assert requests[0].headers("X-Vault-Token") == [TOKEN]
    assert f"was answered with 307 to {other.url}" in said
    assert "vault.address must be that of an active node" in said


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (503, {"errors": ["Vault is sealed"]}, ("Vault is sealed", "unseal it")),
        (429, {"errors": ["request path exceeds quota"]}, ("exceeds quota", "run this later")),
        (403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}, ("permission denied", "capabilities")),
        (500, {"errors": ["internal error"]}, ("internal error",)),
        (502, b"<html>", ("<html>",)),
        (200, b"<html>", ("answered with 200, and not by Vault",)),
    ],
)
def test_errors_carry_its_own_words_and_the_way_on(status: int, body: object, words: tuple[str, ...]) -> None:
    def reply(request: Request) -> bytes:
        return answer(200, MOUNT) if "/sys/" in request.path else answer(status, body)

    _requests, said = asked(reply)
    assert said.startswith("Vault secret secret/vcci/ns/db: ")
    for word in words:
        assert word in said
    assert "\n" not in said


def test_its_namespace_is_asked() -> None:
    with scripted(lambda _request: answer(200, MOUNT)) as server, pytest.raises(VcciError):
        sealed(address=server.url, token=TOKEN, namespace="team/a", mount="kv")
    assert {tuple(request.headers("X-Vault-Namespace")) for request in server.asked} == {("team/a",)}
    assert server.asked[0].path == "/v1/sys/internal/ui/mounts/kv"
