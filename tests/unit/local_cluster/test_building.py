# Copyright (c) 2026 GreenLang. All rights reserved.
"""The builder of programs, on a Go module of one line: what it builds, when again, and what runs side by side share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.binaries import Binaries, link_parts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.building import (
    PROGRAM,
    fingerprint,
    fits,
    locked,
)

PARTS = {
    "tool": {"packages": {".": "tool"}, "links": {"tool": ["other"]}, "for": ["none"]},
    "unused": {"packages": {".": "unused"}, "for": ["real"]},
}


@pytest.fixture
def binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], Binaries]:
    """A builder whose lines go into a list; each has the same empty cache."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("needs go")
    known = subprocess.run([go, "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setenv("GOCACHE", known)  # it is below XDG_CACHE_HOME by default
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "binaries"
    (source / "tool").mkdir(parents=True)
    (source / "parts.yml").write_text(yaml.safe_dump(PARTS), encoding="utf-8")
    (source / "tool" / "go.mod").write_text("module example.com/tool\n\ngo 1.21\n", encoding="utf-8")
    (source / "tool" / "main.go").write_text('package main\n\nfunc main() { println("one") }\n', encoding="utf-8")
    return lambda lines: Binaries(source / "parts.yml", "none", None, lines.append)


def said(program: Path) -> str:
    return subprocess.run([str(program)], capture_output=True, text=True, check=True).stderr.strip()


def test_a_part_is_built_once_and_linked(binaries: Callable[[list[str]], Binaries], tmp_path: Path) -> None:
    lines: list[str] = []
    builder = binaries(lines)
    assert builder.missing() == ["tool"]
    parts = builder.provide()
    assert (list(parts), builder.built) == (["tool"], ["tool"])
    assert (parts["tool"].stat().st_mode & 0o777) == 0o755
    link_parts(parts, tmp_path / "state")
    assert said(tmp_path / "state" / "bin" / "other") == "one"
    again = binaries(lines)
    assert (again.missing(), again.provide(), again.built) == ([], parts, [])
    assert sum("done in" in line for line in lines) == 1


def test_what_changed_or_broke_is_built_again(binaries: Callable[[list[str]], Binaries], tmp_path: Path) -> None:
    first = binaries([]).provide()["tool"]
    (first / "tool").write_bytes(b"rubbish")
    assert binaries([]).missing() == ["tool"]
    assert said(binaries([]).provide()["tool"] / "tool") == "one"
    main = tmp_path / "binaries" / "tool" / "main.go"
    main.write_text(main.read_text(encoding="utf-8").replace("one", "two"), encoding="utf-8")
    second = binaries([]).provide()["tool"]
    assert said(second / "tool") == "two"
    assert second != first
    assert first.exists()  # for other clones
    stub = tmp_path / "binaries" / "tool" / "stubs" / "other" / "other.go"
    stub.parent.mkdir(parents=True)
    stub.write_text("package other\n", encoding="utf-8")
    assert binaries([]).missing() == ["tool"]


def test_a_killed_run_leaves_nothing_in_the_way(binaries: Callable[[list[str]], Binaries]) -> None:
    entry = binaries([]).provide()["tool"]
    shutil.rmtree(entry)
    left = entry.with_name(f".{entry.name}.killed")
    left.mkdir()
    assert binaries([]).provide()["tool"] == entry
    assert not left.exists()


def test_runs_side_by_side_build_once(binaries: Callable[[list[str]], Binaries]) -> None:
    lines: list[str] = []
    builders = [binaries(lines) for _run in range(3)]
    together = Barrier(len(builders))

    def provide(builder: Binaries) -> dict[str, Path]:
        together.wait()
        return builder.provide()

    with ThreadPoolExecutor(len(builders)) as pool:
        first, *others = pool.map(provide, builders)
    assert all(parts == first for parts in others)
    assert sorted(builder.built for builder in builders) == [[], [], ["tool"]]
    assert sum("done in" in line for line in lines) == 1


def test_who_waits_for_another_run_says_so(tmp_path: Path) -> None:
    lines: list[str] = []

    def second() -> None:
        with locked(tmp_path / "lock", lines.append, "it builds tool"):
            lines.append("mine")

    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path / "lock", lines.append, "nobody"):
            waiting = pool.submit(second)
            while not lines:
                pass
            lines.append("ends")
        waiting.result(10)
    begin = f"waiting for another run (pid {os.getpid()}, since "
    assert lines[0].startswith(begin)
    assert lines[0].endswith("): it builds tool")
    assert lines[1:] == ["ends", "mine"]


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("/venv/bin/ansible-playbook", True),
        ("ansible", True),
        ("playbooks/site.yml", True),
        ("password=site.yml", False),
        ("@secrets.yml", False),
        ('{"password": "x.yml"}', False),
        ("cluster_confirm=local", False),
        ("/venv/bin/python3", False),
    ],
)
def test_of_a_command_line_nothing_is_shown_that_may_be_a_secret(word: str, shown: bool) -> None:
    assert bool(PROGRAM.search(word)) is shown


def test_a_file_is_known_by_its_content_where_its_time_differs(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("content", encoding="utf-8")
    known = fingerprint(path)
    os.utime(path, (1, 1))
    assert fits(path, known)
    path.write_text("kontent", encoding="utf-8")
    assert not fits(path, known)
    path.unlink()
    assert not fits(path, known)


def test_a_part_follows_its_own_packages_and_versions_alone(
    binaries: Callable[[list[str]], Binaries], tmp_path: Path
) -> None:
    """What another part of the same module is made of does not make this one build again."""
    binaries([]).provide()
    module = tmp_path / "binaries" / "tool"
    (module / "other").mkdir()
    (module / "other" / "main.go").write_text("package main\n", encoding="utf-8")
    assert binaries([]).missing() == []
    (module / "more.go").write_text("package main\n", encoding="utf-8")
    assert binaries([]).missing() == ["tool"]
    (module / "more.go").unlink()
    assert binaries([]).missing() == []
    (module / "go.sum").touch()
    assert binaries([]).missing() == ["tool"]
