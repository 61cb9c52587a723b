# Copyright (c) 2026 GreenLang. All rights reserved.
"""The builder of images: what it decides (tables of cases), and that it does so (real buildah, a few bytes)."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.archives import (
    context_digest,
    image_key,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.build import (
    build_images,
    images_to_build,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.definitions import read_table, select
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.settings import (
    apt_settings,
    pip_settings,
)

COLLECTION = Path(__file__).resolve().parents[3]
HERE = {"context": "one"}


def table(directory: Path, **images: dict) -> Path:
    path = directory / "images.yml"
    path.write_text(yaml.safe_dump(images, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("images", "error"),
    [
        ({"a": {"tag": "1", "colour": "red"}}, "unknown: colour"),
        ({"a": {}}, "tag is missing"),
        ({"a": {"tag": 1}}, "tag is missing or no string"),
        ({"a": {"tag": "1", "from": "b"}}, "does not list"),
        ({"a": {"tag": "1", "from": "b"}, "b": {"tag": "1", "from": "a"}}, "stand on each other"),
        ({"a": ["tag"]}, "no mapping"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_table(tmp_path: Path, images: dict, error: str) -> None:
    with pytest.raises(VcciError, match=error):
        read_table(table(tmp_path, **images))


def test_parents_come_first(tmp_path: Path) -> None:
    lines = {
        "leaf": {"tag": "1", "from": "middle"},
        "middle": {"tag": "1", "from": "root"},
        "root": {"tag": "1"},
        "other": {"tag": "1"},
    }
    images = read_table(table(tmp_path, **lines))
    assert list(images) == ["root", "middle", "leaf", "other"]
    assert [image.name for image in select(images, ["leaf"])] == ["root", "middle", "leaf"]
    with pytest.raises(VcciError, match="no image is called nothing"):
        select(images, ["nothing"])


def test_the_collections_own_table() -> None:
    images = read_table(COLLECTION / "images" / "images.yml")
    assert all((image.context / "Containerfile").is_file() for image in images.values())
    references = [image.reference for image in images.values()]
    assert len(set(references)) == len(references)
    backend = "docker.io/greenlang/vcci-backend-api"
    assert {f"{backend}:v1.0.0", f"{backend}:v1.1.0"} <= set(references)
    parts = yaml.safe_load((COLLECTION / "binaries" / "parts.yml").read_text(encoding="utf-8"))
    programs = set(chain.from_iterable(part["packages"].values() for part in parts.values() if "packages" in part))
    programs |= {Path(part["wheel"]["file"]).name for part in parts.values() if "wheel" in part}
    assert {image.program for image in images.values() if image.program} <= programs


def test_key_follows_everything_that_decides_the_content(tmp_path: Path) -> None:
    def key(line: dict, context: str = "c", program: str = "p", parent: str = "b") -> str:
        return image_key(read_table(table(tmp_path, a={"tag": "1", **line}))["a"], context, program, parent)

    same = key({})
    assert same == key({})
    assert same.startswith("a-")
    others = [
        key({"tag": "2"}),
        key({"args": {"X": "1"}}),
        key({"target": "t"}),
        key({"rootfs": "trixie"}),
        key({"repository": "b"}),
        key({}, context="d"),
        key({}, program="q"),
        key({}, parent="e"),
    ]
    assert len({same, *others}) == 9
    assert key({"load": False}) == same


def test_context_digest(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "run").write_text("1")
    digests = [context_digest(tmp_path)]
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("1")
    assert context_digest(tmp_path) == digests[0]
    (tmp_path / "bin" / "run").chmod(0o755)
    digests.append(context_digest(tmp_path))
    (tmp_path / "bin" / "run").write_text("2")
    digests.append(context_digest(tmp_path))
    (tmp_path / "bin" / "run").rename(tmp_path / "bin" / "go")
    digests.append(context_digest(tmp_path))
    assert len(set(digests)) == 4


def test_what_a_build_is_told_of_this_machine() -> None:
    listing = "global.cert='/etc/ca.pem'\nglobal.index-url='https://mirror.example/simple'\n"
    listing += ":env:.default-timeout='9'\n:env:.find-links='/opt'\nno line"
    assert pip_settings(listing, "/run/secrets/ca") == (
        "[global]\ncert = /run/secrets/ca\nindex-url = https://mirror.example/simple\ntimeout = 9\n"
    )
    assert pip_settings("", "") == "[global]\n"
    dump = 'APT "";\nAcquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Valid-Until "false";\nDir "/";'
    kept = ['Acquire::http::Proxy "http://proxy.example:3128";', 'Acquire::Check-Valid-Until "false";']
    assert apt_settings(dump, "").splitlines() == kept
    assert apt_settings(dump, "").endswith("\n")
    assert 'CAInfo "/run/secrets/ca";' in apt_settings("", "/run/secrets/ca")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Two images of a few bytes, one on the other, and a program."""
    if os.geteuid() or not shutil.which("buildah"):
        pytest.skip("needs root and buildah")
    for name, text in {
        "one": "FROM scratch\nCOPY file /file\n",
        "two": "ARG BASE\nFROM ${BASE}\nARG BINARY\nCOPY ${BINARY} /program\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "Containerfile").write_text(text)
    (tmp_path / "one" / "file").write_text("content")
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "tool").write_text("tool 1")
    table(tmp_path, one={"tag": "1"}, two={"tag": "1", "from": "one", "program": "tool"})
    return tmp_path


def build(directory: Path, only: list[str] | None = None) -> tuple[dict[str, Path], list[str]]:
    lines: list[str] = []
    folders = (directory / "images.yml", directory / "cache", directory / "programs")
    return build_images(*folders, lines.append, only), lines


def files(archive: Path) -> set[str]:
    with tarfile.open(archive) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))[0]
        names: set[str] = set()
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                names |= set(inner.getnames())
    return names


def test_build_once_and_what_changed(tiny: Path) -> None:
    assert images_to_build(tiny / "images.yml", tiny / "cache", tiny / "programs") == ["one", "two"]
    first, lines = build(tiny)
    assert files(first["one"]) == {"file"}
    assert files(first["two"]) == {"file", "program"}
    assert sum("done in" in line for line in lines) == 2
    assert build(tiny) == (first, [])
    assert images_to_build(tiny / "images.yml", tiny / "cache", tiny / "programs") == []

    (tiny / "programs" / "tool").write_text("tool 2")
    second, lines = build(tiny)
    assert second["one"] == first["one"]
    assert second["two"] != first["two"]
    assert [line for line in lines if "done in" in line and "image one" in line] == []

    first["one"].write_bytes(b"rubbish")  # a corrupt entry
    third, lines = build(tiny, only=["one"])
    assert third == {"one": first["one"]}
    assert files(third["one"]) == {"file"}
    assert not list((tiny / "cache").glob(".work-*"))


def test_runs_side_by_side_build_once(tiny: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        (first, lines), (second, others) = pool.map(build, [tiny, tiny])
    assert first == second
    assert sum("done in" in line for line in lines + others) == 2


def test_archives_that_nobody_asks_for_go(tiny: Path) -> None:
    first, _lines = build(tiny)
    for archive in first.values():
        os.utime(archive.with_suffix(".json"), (1, 1))
    first["one"].with_name(first["one"].name + ".root").mkdir()  # something uses it
    (tiny / "one" / "file").write_text("other")
    second, _lines = build(tiny)
    assert first["one"].exists()
    assert not first["two"].exists()
    assert all(archive.exists() for archive in second.values())


def test_a_killed_run_leaves_nothing_in_the_way(tiny: Path) -> None:
    (tiny / "cache" / ".work-dead" / "overlay").mkdir(parents=True)
    (tiny / "cache" / "one-0.partial").touch()
    store = tiny / "cache" / ".store-0.partial"  # another run may be filling it
    store.mkdir()
    build(tiny, only=["one"])
    store.rmdir()
    assert sorted(path.suffix for path in (tiny / "cache").iterdir()) == ["", ".json", ".tar"]


def test_errors_name_image_and_reason(tiny: Path) -> None:
    (tiny / "two" / "Containerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY nowhere /\n")
    with pytest.raises(VcciError, match=r"(?s)building image two failed: buildah ended with .*nowhere.*Remedy"):
        build(tiny)
    assert build(tiny, only=["one"])[1] == []
    (tiny / "programs" / "tool").unlink()
    with pytest.raises(VcciError, match=r"images two need programs .*: tool. Remedy"):
        build(tiny)
    assert images_to_build(tiny / "images.yml", tiny / "cache", tiny / "programs") == ["two"]
