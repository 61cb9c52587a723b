# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing without a cluster: certificates from files and URLs, manifests that stay byte for byte, ciphertexts alone.

And key pairs as values.
"""

from __future__ import annotations

import base64
import datetime
import functools
import http.server
import json
import pathlib
import random
import threading
from collections.abc import Callable, Iterator

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import generators as _sealed_generators
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import Generator, sealing_pair
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.values import resolve
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import Wanted, read
from cryptography.hazmat.primitives import serialization

CANARY = "canary-on-the-disk"
NOW = datetime.datetime.now(datetime.UTC)
CERTIFICATE, KEY = sealing_pair(NOW, 300, 2048)
GENERATOR = Generator(random.SystemRandom(), NOW)
FINGERPRINT = _sealing.Certificate(CERTIFICATE, "test").fingerprint
PRIVATE = _sealing.private_key(KEY)


def secrets(given: str = CANARY, scope: str = "strict", host: str = "h") -> list[dict]:
    return [
        {
            "name": "db",
            "namespace": "place",
            "scope": scope,
            "values": {"password": {"generate": {}}, "given": given, "same": given},
        },
        {
            "name": "app",
            "namespace": "place",
            "values": {"url": {"compose": f"x://${{db/given|url}}@{host}"}, "dsn": {"compose": "${db/password}"}},
        },
    ]


@pytest.fixture
def seal(tmp_path: pathlib.Path) -> Callable[..., dict]:
    (tmp_path / "sealing.pem").write_bytes(CERTIFICATE)
    common = {
        "certificate": str(tmp_path / "sealing.pem"),
        "cluster": False,
        "directory": str(tmp_path / "sealed"),
        "fingerprint_key": "k" * 32,
    }

    def run(wanted: list[dict], **options: object) -> dict:
        return run_secrets(None, read(wanted, "place"), Options(**{**common, **options}))

    return run


def files(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def opened(folder: pathlib.Path, name: str) -> dict[str, str]:
    one = yaml.safe_load((folder / "place" / f"{name}.yml").read_text())
    bound_to = _sealing.label(_sealing.scope_of(one["metadata"].get("annotations")), "place", name)
    return {
        key: _sealing.unseal([PRIVATE], text, bound_to).decode() for key, text in one["spec"]["encryptedData"].items()
    }


def test_a_second_run_leaves_every_byte(seal, tmp_path) -> None:
    planned = seal(secrets(), check=True)
    assert not (tmp_path / "sealed").exists()
    first = seal(secrets())
    assert (first["changed"], first["secrets"], first["files"]) == (True, planned["secrets"], planned["files"])
    before = files(tmp_path / "sealed")
    assert not seal(secrets())["changed"]
    assert files(tmp_path / "sealed") == before
    db, app = (opened(tmp_path / "sealed", name) for name in ("db", "app"))
    assert (db["given"], app["url"], app["dsn"]) == (CANARY, f"x://{CANARY}@h", db["password"])
    assert first["certificate"]["fingerprint"] == FINGERPRINT
    for content in before.values():
        assert CANARY.encode() not in content
        assert base64.b64encode(CANARY.encode()) not in content


def test_equal_values_do_not_look_equal_and_fingerprints_need_the_key(seal, tmp_path) -> None:
    seal(secrets())
    annotations = yaml.safe_load((tmp_path / "sealed/place/db.yml").read_text())["metadata"]["annotations"]
    prints = json.loads(annotations["vcci.greenlang.io/fingerprints"])
    assert len(set(prints.values())) == 3
    result = seal(secrets()[:1], fingerprint_key="l" * 32)
    assert result["secrets"]["place/db"]["changed_keys"] == ["given", "same"]


def test_only_what_changed_is_sealed_anew(seal, tmp_path) -> None:
    seal(secrets())
    before = {
        name: yaml.safe_load(files(tmp_path / "sealed")[f"place/{name}.yml"])["spec"]["encryptedData"]
        for name in ("db", "app")
    }
    changed = seal(secrets(given="another"))
    assert {name: one["changed_keys"] for name, one in changed["secrets"].items()} == {
        "place/db": ["given", "same"],
        "place/app": ["url"],
    }
    after = {
        name: yaml.safe_load(files(tmp_path / "sealed")[f"place/{name}.yml"])["spec"]["encryptedData"]
        for name in ("db", "app")
    }
    assert (after["db"]["password"], after["app"]["dsn"]) == (before["db"]["password"], before["app"]["dsn"])
    assert opened(tmp_path / "sealed", "app")["url"] == "x://another@h"
    rotated = seal(secrets(given="another"), rotate=["db/password"])
    assert {name: one["changed_keys"] for name, one in rotated["secrets"].items()} == {
        "place/db": ["password"],
        "place/app": ["dsn"],
    }
    assert opened(tmp_path / "sealed", "app")["dsn"] == opened(tmp_path / "sealed", "db")["password"]


def test_what_only_the_cluster_knows_cannot_be_composed_anew(seal, tmp_path) -> None:
    seal(secrets())
    before = files(tmp_path / "sealed")
    wanted = secrets()
    wanted[1]["values"]["dsn"] = {"compose": "other ${db/password}"}
    with pytest.raises(
        InputError,
        match=r"app/dsn must be sealed anew and is composed of db/password, whose value only the cluster knows",
    ):
        seal(wanted)
    assert files(tmp_path / "sealed") == before


def test_a_scope_changes_with_consent_only(seal) -> None:
    seal(secrets())
    wide = secrets(scope="cluster-wide")
    with pytest.raises(InputError, match="allow_scope_change"):
        seal(wide)
    with pytest.raises(InputError, match=r"db/password must be sealed anew, and only the cluster knows its value"):
        seal(wide, allow_scope_change=True)
    changed = seal(wide, allow_scope_change=True, rotate=["db/password"])["secrets"]["place/db"]["changed_keys"]
    assert changed == ["given", "password", "same"]


def test_without_a_directory_the_ciphertexts_are_the_result(seal) -> None:
    one = [{"name": "db", "namespace": "place", "values": {"given": CANARY}}]
    result = seal(one, directory=None, fingerprint_key=None)
    assert not result["changed"]
    assert _sealing.unseal([PRIVATE], result["sealed"]["place/db"]["given"], b"place/db") == CANARY.encode()


@pytest.fixture
def served(tmp_path: pathlib.Path) -> Iterator[str]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "cert.pem").write_bytes(CERTIFICATE)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_certificate_from_a_url(seal, served) -> None:
    with pytest.raises(InputError, match="may be exchanged on its way"):
        seal(secrets(), certificate=f"{served}/cert.pem")
    assert seal(secrets(), certificate=f"{served}/cert.pem", certificate_fingerprint=FINGERPRINT)["changed"]
    with pytest.raises(VcciError, match=r"cannot be fetched: File not found"):
        seal(secrets(), certificate=f"{served}/none.pem", certificate_fingerprint=FINGERPRINT)


def expired() -> bytes:
    return sealing_pair(NOW - datetime.timedelta(days=60), 30, 2048)[0]


BAD_CERTIFICATES: dict[str, tuple[Callable[[], bytes], str]] = {
    "expired": (expired, "expired on"),
    "a private key": (lambda: KEY, "holds a private key"),
    "both": (lambda: CERTIFICATE + KEY, "holds a private key"),
    "nonsense": (lambda: b"nonsense", "is not a PEM certificate"),
    "empty": (lambda: b"", "is not a PEM certificate"),
    "of no RSA key": (
        lambda: GENERATOR.certificate(_sealed_generators.private_key("ed25519"), ["a"], 10, "x"),
        "has no RSA key",
    ),
    "wrong": (lambda: sealing_pair(NOW, 30, 2048)[0], "is expected"),
}


@pytest.mark.parametrize("case", BAD_CERTIFICATES)
def test_a_bad_certificate_is_one_clear_error_and_nothing_is_written(case, seal, tmp_path) -> None:
    content, message = BAD_CERTIFICATES[case]
    (tmp_path / "bad.pem").write_bytes(content())
    with pytest.raises(InputError, match=message) as caught:
        seal(secrets(), certificate=str(tmp_path / "bad.pem"), certificate_fingerprint=FINGERPRINT)
    assert "bad.pem" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert not (tmp_path / "sealed").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"certificate": None}, "certificate: needed without a cluster"),
        ({"fingerprint_key": None}, "fingerprint_key: needed for a directory"),
        ({"fingerprint_key": "short"}, "fingerprint_key: at least 16 characters"),
        ({"directory": "/proc/nowhere"}, "cannot be written"),
        ({"rotate": ["db/given"]}, "rotate: db/given: no generated key"),
    ],
)
def test_bad_options(options: dict, message: str, seal) -> None:
    with pytest.raises(InputError, match=message):
        seal(secrets(), **options)


def test_another_file_in_the_way_is_left_alone(seal, tmp_path) -> None:
    path = tmp_path / "sealed" / "place" / "db.yml"
    path.parent.mkdir(parents=True)
    path.write_text("kind: ConfigMap\n")
    with pytest.raises(InputError, match="exists and is not a SealedSecret"):
        seal(secrets())
    assert path.read_text() == "kind: ConfigMap\n"


def test_a_certificate_that_expires_soon_is_warned_of(seal, tmp_path) -> None:
    (tmp_path / "soon.pem").write_bytes(sealing_pair(NOW, 10, 2048)[0])
    assert "expires on" in seal(secrets(), certificate=str(tmp_path / "soon.pem"))["warnings"][0]


@pytest.mark.parametrize("how", [{"format": "rsa", "length": 2048}, {"format": "ed25519"}])
def test_key_pairs_and_their_certificates_are_made_once(how: dict) -> None:
    def tls(names: list[str]) -> list[Wanted]:
        values = {
            "tls.key": {"generate": how},
            "tls.crt": {"certificate": {"key": "tls.key", "names": names, "days": 90}},
        }
        return read([{"name": "tls", "namespace": "n", "type": "kubernetes.io/tls", "values": values}])

    names = ["a.example", "127.0.0.1"]
    first = resolve(tls(names), {}, frozenset(), GENERATOR)
    key, certificate = ("n", "tls", "tls.key"), ("n", "tls", "tls.crt")
    serialization.load_pem_private_key(first[key], None)
    assert resolve(tls(names), first, frozenset(), GENERATOR) == first
    other = resolve(tls(["b.example"]), first, frozenset(), GENERATOR)
    assert (other[key] == first[key], other[certificate] == first[certificate]) == (True, False)
    rotated = resolve(tls(names), first, frozenset([key]), GENERATOR)
    assert rotated[key] != first[key]
    assert _sealed_generators.still_good(rotated[certificate], rotated[key], names, NOW)
    assert not _sealed_generators.still_good(first[certificate], rotated[key], names, NOW)
    late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=61)
    assert not _sealed_generators.still_good(first[certificate], first[key], names, late)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": {"generate": {"format": "rsa", "length": 1024}}}, "of an RSA key, one of 2048, 3072, 4096"),
        ({"a": {"certificate": {"key": "k"}}}, "key .* and names are needed"),
        ({"a": {"certificate": {"key": "k", "names": []}}}, "a list of host names"),
        ({"a": {"certificate": {"key": "k", "names": ["x"], "days": 0}}}, "from 1 to 36500"),
        ({"a": {"certificate": {"key": "k", "names": ["x"]}}}, "which this Secret does not have"),
        ({"a": {"certificate": {"key": "k", "names": ["x"]}}, "k": "no key"}, "needs a private key in PEM"),
    ],
)
def test_bad_key_pairs(values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        resolve(read([{"name": "s", "namespace": "n", "values": values}]), {}, frozenset(), GENERATOR)
