# Copyright (c) 2026 GreenLang. All rights reserved.
"""Programs out of wheels: pip fetches them from a directory, and refuses every file but the one that is known."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.binaries import Binaries, link_parts

PROGRAM = "greeter_bin-1.0.data/scripts/greeter"


def make_wheel(folder: Path, said: str) -> str:
    """A wheel with a program that says something; its digest."""
    files = {
        PROGRAM: f"#!/bin/sh\necho {said}\n",
        "greeter_bin-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeter-bin\nVersion: 1.0\n",
        "greeter_bin-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},\n"
        for name, text in files.items()
    )
    folder.mkdir(exist_ok=True)
    path = folder / "greeter_bin-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, "greeter_bin-1.0.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Binaries]:
    """A builder of one part, a wheel, with changes to its line; without a Go on the machine."""
    digest = make_wheel(tmp_path / "index", "hello")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / "binaries").mkdir()

    def made(given: Path | None = None, **changes: str) -> Binaries:
        line = {"name": "greeter-bin", "version": "1.0", "sha256": digest, "file": PROGRAM, **changes}
        table = tmp_path / "binaries" / "parts.yml"
        table.write_text(yaml.safe_dump({"greeter": {"wheel": line, "for": ["real"]}}), encoding="utf-8")
        return Binaries(table, "real", given, lambda _line: None)

    return made


def test_a_program_is_taken_out_once_and_linked(built: Callable[..., Binaries], tmp_path: Path) -> None:
    builder = built()
    assert builder.missing() == ["greeter"]
    parts = builder.provide()
    assert builder.built == ["greeter"]
    link_parts(parts, tmp_path / "state")
    program = tmp_path / "state" / "bin" / "greeter"
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "hello\n"
    assert sorted(path.name for path in parts["greeter"].iterdir()) == ["greeter", "manifest.json"]
    assert built().missing() == []


def test_what_is_not_the_pinned_file_is_not_taken(built: Callable[..., Binaries], tmp_path: Path) -> None:
    make_wheel(tmp_path / "index", "rubbish")
    builder = built()
    with pytest.raises(VcciError, match=r"greeter-bin==1\.0 failed: (.|\n)*Remedy: .*pinning it"):
        builder.provide()
    assert builder.missing() == ["greeter"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "2.0"}, r"greeter-bin==2\.0 failed"),
        ({"name": "nobody-bin"}, r"nobody-bin==1\.0 failed"),
        ({"file": "greeter_bin-1.0.data/scripts/other"}, r"has no greeter_bin-1\.0\.data/scripts/other"),
    ],
)
def test_what_is_not_there_is_named(built: Callable[..., Binaries], changes: dict[str, str], said: str) -> None:
    with pytest.raises(VcciError, match=said):
        built(**changes).provide()


def test_every_field_makes_another_entry_and_a_broken_one_is_taken_again(built: Callable[..., Binaries]) -> None:
    entry = built().provide()["greeter"]
    (entry / "greeter").write_text("rubbish", encoding="utf-8")
    assert built().missing() == ["greeter"]
    assert "hello" in (built().provide()["greeter"] / "greeter").read_text(encoding="utf-8")
    for field in ("name", "version", "sha256"):
        assert built(**{field: "0"}).missing() == ["greeter"], field


def test_one_that_was_given_is_not_fetched(built: Callable[..., Binaries], tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    assert built(tmp_path / "given").missing() == ["greeter"]
    (tmp_path / "given" / "greeter").touch()
    assert built(tmp_path / "given").missing() == []
    assert built(tmp_path / "given").provide() == {"greeter": tmp_path / "given"}
