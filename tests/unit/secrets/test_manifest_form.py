# Copyright (c) 2026 GreenLang. All rights reserved.
"""Manifests that somebody edited: what is none of ours any more is an error that names it, and no new password."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_pair
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

CERTIFICATE, _KEY = sealing_pair(datetime.datetime.now(datetime.UTC), 300, 2048)
VALUES = {"made": {"generate": {}}, "given": "x"}
Seal = Callable[..., Any]


@pytest.fixture
def seal(tmp_path: pathlib.Path) -> Seal:
    (tmp_path / "c.pem").write_bytes(CERTIFICATE)

    def sealed(**more: Any) -> Any:
        options = {"certificate": str(tmp_path / "c.pem"), "directory": str(tmp_path), "fingerprint_key": "k" * 32}
        given = read([{"name": "s.t", "values": VALUES}], "ns")
        return run(None, given, Options(**{"cluster": False, **options, **more}))  # type: ignore[arg-type]  # just passed on

    sealed()
    return sealed


def edit(folder: pathlib.Path, change: Callable[[dict], object]) -> bytes:
    path = folder / "ns" / "s.t.yml"
    manifest = yaml.safe_load(path.read_text())
    change(manifest)
    path.write_text(yaml.safe_dump(manifest))
    return path.read_bytes()


def put(*way: str, to: object) -> Callable[[dict], None]:
    def change(manifest: dict) -> None:
        part = manifest
        for name in way[:-1]:
            part = part.setdefault(name, {})
        part[way[-1]] = to

    return change


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("metadata", "name", to="other"), "metadata.name is other, not s.t"),
        (put("metadata", "namespace", to="elsewhere"), "metadata.namespace is elsewhere, not ns"),
        (put("metadata", to=["a"]), "metadata is no mapping"),
        (put("metadata", "annotations", to={"a": 1}), "metadata.annotations.a is no text"),
        (put("metadata", "labels", to={"a": True}), "metadata.labels.a is no text"),
        (put("metadata", "labels", to="a"), "metadata.labels is no mapping"),
        (put("spec", to="a"), "spec is no mapping"),
        (put("spec", "encryptedData", to=[]), "spec.encryptedData is no mapping"),
        (put("spec", "encryptedData", "made", to=None), "spec.encryptedData.made is no text"),
        (put("spec", "encryptedData", "made", to=5), "spec.encryptedData.made is no text"),
        (put("spec", "encryptedData", "given", to=["x"]), "spec.encryptedData.given is no text"),
        (put("spec", "template", to="a"), "spec.template is no mapping"),
        (put("spec", "template", "data", to={"a": 1}), "spec.template.data.a is no text"),
        (put("spec", "template", "metadata", "labels", to={"a": 1}), "spec.template.metadata.labels.a is no text"),
        (put("spec", "encryptedData", "made", to="not base64!"), "made of SealedSecret ns/s.t: .* is not base64"),
        (put("spec", "encryptedData", "made", to="AAAA"), "made of SealedSecret ns/s.t: .* is too short"),
        (put("spec", "encryptedData", "made", to=""), "made of SealedSecret ns/s.t: .* is too short"),
    ],
)
def test_what_is_damaged_is_named_and_left(seal: Seal, tmp_path, change, message, merge, check) -> None:
    before = edit(tmp_path, change)
    with pytest.raises(InputError, match=message) as caught:
        seal(merge=merge, check=check)
    assert "as it was committed" in str(caught.value)
    assert (tmp_path / "ns" / "s.t.yml").read_bytes() == before


def test_a_given_value_is_sealed_anew_and_a_generated_one_when_it_is_rotated(seal: Seal, tmp_path) -> None:
    edit(tmp_path, put("spec", "encryptedData", "given", to="junk!"))
    assert seal()["secrets"]["ns/s.t"]["changed_keys"] == ["given"]
    edit(tmp_path, put("spec", "encryptedData", "made", to="junk!"))
    assert seal(rotate=("s.t/made",))["secrets"]["ns/s.t"]["changed_keys"] == ["made"]
    assert not seal()["changed"]


@pytest.mark.parametrize("change", [lambda manifest: manifest["metadata"].pop("namespace"), lambda _manifest: None])
def test_what_is_right_is_not_looked_at(seal: Seal, tmp_path, change) -> None:
    edit(tmp_path, change)
    assert seal()["secrets"]["ns/s.t"]["changed_keys"] == []


def test_what_is_nested_too_deeply_is_no_manifest(seal: Seal, tmp_path) -> None:
    (tmp_path / "ns" / "s.t.yml").write_text("[" * 100000)
    with pytest.raises(InputError, match="is not a SealedSecret"):
        seal()
