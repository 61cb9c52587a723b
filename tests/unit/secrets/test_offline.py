# Copyright (c) 2026 GreenLang. All rights reserved.
"""Manifests without a cluster: what is generated is kept as it is sealed, and what others put into a file stays."""

from __future__ import annotations

import datetime
import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto, notes
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_pair
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

NOW = datetime.datetime.now(datetime.UTC)
CERTIFICATE, KEY = sealing_pair(NOW, 300, 2048)
PRIVATE = crypto.private_key(KEY)
OTHER = {"fingerprint_key": "l" * 32}
ONLY = "and only the cluster knows its value: run it with the cluster, or rotate that too"
COMPOSED = "is composed of .*, whose value only the cluster knows: run it with the cluster, or rotate that too"
Manifest = dict[str, Any]


class Folder:
    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        (path / "sealing.pem").write_bytes(CERTIFICATE)
        self.common = {"certificate": str(path / "sealing.pem"), "cluster": False, "directory": str(path / "out")}

    def seal(self, values: dict[str, Any], *, secret: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        wanted = [{"name": "s", "namespace": "ns", "values": values, **(secret or {})}]
        return run(None, read(wanted), Options(**{**self.common, "fingerprint_key": "k" * 32, **options}))

    @property
    def file(self) -> pathlib.Path:
        return self.path / "out" / "ns" / "s.yml"

    def manifest(self) -> Manifest:
        found: Manifest = yaml.safe_load(self.file.read_text())
        return found

    def edit(self, change: Callable[[Manifest], object]) -> None:
        manifest = self.manifest()
        change(manifest)
        self.file.write_text(yaml.safe_dump(manifest))

    def opened(self) -> dict[str, str]:
        manifest = self.manifest()
        bound_to = crypto.label(crypto.scope_of(manifest["metadata"].get("annotations")), "ns", "s")
        sealed = manifest["spec"]["encryptedData"].items()
        return {key: crypto.unseal([PRIVATE], text, bound_to).decode() for key, text in sealed}


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Folder:
    return Folder(tmp_path)


def without(*names: str) -> Callable[[Manifest], object]:
    """Without these annotations."""
    return lambda manifest: [manifest["metadata"]["annotations"].pop(name, None) for name in names]


GENERATED: dict[str, Any] = {
    "plain": {"generate": {}},
    "part": {"generate": {}, "compose": "a-${generated}"},
    "hex": {"generate": {"format": "hex", "length": 8}},
}
TLS = {
    "tls.key": {"generate": {"format": "ed25519"}},
    "tls.crt": {"certificate": {"key": "tls.key", "names": ["a.example"], "days": 30}},
}
HARMLESS: dict[str, tuple[Callable[[Manifest], object], dict[str, Any]]] = {
    "nothing happened": (lambda manifest: None, {}),
    "another fingerprint_key": (lambda manifest: None, OTHER),
    "another, and it was not noted which it was": (without(notes.FINGERPRINT_KEY), OTHER),
    "a run with the cluster wrote no fingerprints": (without(notes.FINGERPRINTS, notes.FINGERPRINT_KEY), {}),
    "no annotation is left": (lambda manifest: manifest["metadata"].pop("annotations"), {}),
    "damaged fingerprints": (lambda one: one["metadata"]["annotations"].update({notes.FINGERPRINTS: "[3"}), {}),
}


@pytest.mark.parametrize("values", [GENERATED, TLS], ids=["values", "a certificate"])
@pytest.mark.parametrize("case", HARMLESS)
def test_what_is_generated_is_kept_as_it_is_sealed(case: str, values: dict[str, Any], folder: Folder) -> None:
    change, options = HARMLESS[case]
    folder.seal({**values, "given": "x"})
    folder.edit(change)
    before, sealed = folder.opened(), folder.manifest()["spec"]["encryptedData"]
    planned = folder.seal({**values, "given": "x"}, check=True, **options)
    done = folder.seal({**values, "given": "x"}, **options)
    assert done["secrets"] == planned["secrets"]
    changed = [] if case == "nothing happened" else ["given"]
    assert done["secrets"]["ns/s"]["changed_keys"] == changed
    assert {key: text for key, text in folder.manifest()["spec"]["encryptedData"].items() if key != "given"} == {
        key: text for key, text in sealed.items() if key != "given"
    }
    assert folder.opened() == before
    assert [line for line in done.get("warnings", []) if "another fingerprint_key" in line] == done.get("warnings", [])
    assert len(done.get("warnings", [])) == bool(changed)
    again = folder.seal({**values, "given": "x"}, **options)
    assert (again["changed"], again.get("warnings")) == (False, None)


NEEDS_THE_VALUE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another scope": ({"secret": {"scope": "cluster-wide"}, "allow_scope_change": True}, {}, f"ns/s/.*, {ONLY}"),
    "another template": ({}, {"part": {"generate": {}, "compose": "b-${generated}"}}, f"ns/s/part .*, {ONLY}"),
    "a template around what had none": (
        {},
        {"plain": {"generate": {}, "compose": "b-${generated}"}},
        f"plain .*{ONLY}",
    ),
    "no template any more": ({}, {"part": {"generate": {}}}, ""),
    "composed of it anew": ({}, {"url": {"compose": "x://${plain}"}}, f"ns/s/url .*{COMPOSED}"),
    "composed of what is composed of it": (
        {},
        {"one": {"compose": "${plain}"}, "two": {"compose": "${one}"}},
        f"ns/s/one .*{COMPOSED}",
    ),
    "a template with what changes": (
        {},
        {"part": {"generate": {}, "compose": "${given}-${generated}"}, "given": "another"},
        f"ns/s/part .*, {ONLY}",
    ),
}


@pytest.mark.parametrize("case", NEEDS_THE_VALUE)
def test_what_needs_the_value_is_an_error_and_nothing_is_written(case: str, folder: Folder) -> None:
    options, values, message = NEEDS_THE_VALUE[case]
    folder.seal({**GENERATED, "given": "x"})
    before = folder.file.read_bytes()
    wanted = {**GENERATED, "given": "x", **values}
    if not message:  # what was sealed is a value like any other
        sealed = folder.manifest()["spec"]["encryptedData"]
        folder.seal(wanted, **options)
        assert folder.manifest()["spec"]["encryptedData"] == sealed
        return
    for check in (True, False):
        with pytest.raises(InputError, match=message):
            folder.seal(wanted, check=check, **options)
    assert folder.file.read_bytes() == before
    folder.seal(wanted, rotate=["s"], **options)
    assert folder.opened()["plain"] in {folder.opened()["plain"], *folder.opened().values()}


def test_with_another_key_what_is_composed_of_it_is_an_error_that_says_so(folder: Folder) -> None:
    values = {**GENERATED, "url": {"compose": "x://${plain}"}}
    folder.seal(values)
    with pytest.raises(InputError, match=f"{COMPOSED}; the manifests were made with another fingerprint_key"):
        folder.seal(values, **OTHER)


def test_a_given_value_that_is_to_be_generated_from_now_on_is_kept(folder: Folder) -> None:
    folder.seal({"a": "by hand", "b": {"generate": {}}})
    folder.seal({"a": {"generate": {}}, "b": {"generate": {}}})
    assert folder.opened()["a"] == "by hand"


def test_a_certificate_that_ends_soon_is_warned_of(folder: Folder) -> None:
    assert "warnings" not in folder.seal(TLS)
    ends = json.loads(folder.manifest()["metadata"]["annotations"][notes.ENDS])
    assert datetime.datetime.fromisoformat(ends["tls.crt"]) - NOW > datetime.timedelta(days=29)
    for left, warned in ((11, False), (9, True), (-1, True)):
        soon = f"{NOW + datetime.timedelta(days=left):%Y-%m-%dT%H:%M:%SZ}"
        folder.edit(
            lambda one, soon=soon: one["metadata"]["annotations"].update({notes.ENDS: f'{{"tls.crt": "{soon}"}}'})
        )
        before = folder.file.read_bytes()
        said = folder.seal(TLS).get("warnings", [])
        assert [("Secret ns/s" in line, "tls.crt" in line, "rotate s/tls.key" in line) for line in said] == [
            (True, True, True)
        ] * warned
        assert yaml.safe_load(before) == folder.manifest()
    folder.seal(TLS, rotate=["s/tls.key"])
    assert "warnings" not in folder.seal(TLS)


def test_a_certificate_of_a_key_that_is_given_can_be_made_anew(folder: Folder) -> None:
    values = {"tls.key": KEY.decode(), "tls.crt": {"certificate": {"key": "tls.key", "names": ["a"]}}}
    folder.seal(values)
    values["tls.crt"] = {"certificate": {"key": "tls.key", "names": ["b"]}}
    assert folder.seal(values)["secrets"]["ns/s"]["changed_keys"] == ["tls.crt"]
    with pytest.raises(InputError, match=ONLY):
        folder.seal(TLS, secret={"name": "t"}) and folder.seal(
            {**TLS, "tls.crt": {"certificate": {"key": "tls.key", "names": ["b"]}}}, secret={"name": "t"}
        )


# --- what is not named -----------------------------------------------------------------------------------------------
def others(manifest: Manifest) -> None:
    """What kubeseal, GitOps and colleagues put into it."""
    manifest["spec"]["encryptedData"]["bar"] = crypto.seal(PRIVATE.public_key(), b"theirs", b"ns/s", bytes)
    manifest["spec"]["template"] |= {"type": "example.com/theirs", "data": {"conf": "u={{ .bar }}"}}
    manifest["spec"]["template"]["metadata"] |= {"labels": {"t": "1"}, "annotations": {"t": "2"}}
    manifest["metadata"]["labels"] = {"l": "3"}
    manifest["metadata"]["annotations"]["note"] = "4"


def test_with_merge_everything_that_is_not_named_stays(folder: Folder) -> None:
    folder.seal({"foo": {"generate": {}}})
    folder.edit(others)
    before = folder.manifest()
    planned = folder.seal({"new": "x"}, merge=True, check=True)
    assert folder.seal({"new": "x"}, merge=True)["secrets"] == planned["secrets"]
    assert planned["secrets"]["ns/s"]["changed_keys"] == ["new"]
    after = folder.manifest()
    assert after["spec"]["encryptedData"].pop("new")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["annotations"]["note"] == "4"
    assert "foo" in json.loads(after["metadata"]["annotations"][notes.FINGERPRINTS])
    assert not folder.seal({"new": "x"}, merge=True)["changed"]
    assert not folder.seal({"foo": {"generate": {}}}, merge=True)["changed"]
    folder.seal({"new": "x"}, merge=True, secret={"type": "example.com/ours", "labels": {"t": "9"}})
    template = folder.manifest()["spec"]["template"]
    assert (template["type"], template["metadata"]["labels"], template["data"]) == (
        "example.com/ours",
        {"t": "9"},
        {"conf": "u={{ .bar }}"},
    )


def test_without_merge_what_is_no_longer_named_goes_with_a_word(folder: Folder) -> None:
    folder.seal({"foo": {"generate": {}}})
    folder.edit(others)
    for check in (True, False):
        result = folder.seal({"foo": {"generate": {}}}, check=check)
        assert (result["changed"], result["secrets"]["ns/s"]["changed_keys"]) == (True, ["bar"])
    assert set(folder.manifest()["spec"]["encryptedData"]) == {"foo"}
    assert folder.manifest()["spec"]["template"]["data"] == {"conf": "u={{ .bar }}"}
    assert not folder.seal({"foo": {"generate": {}}})["changed"]


def test_what_stays_cannot_get_another_scope(folder: Folder) -> None:
    folder.seal({"foo": "x"})
    with pytest.raises(InputError, match="foo stay with merge, and are sealed strict"):
        folder.seal({"new": "x"}, merge=True, allow_scope_change=True, secret={"scope": "cluster-wide"})
