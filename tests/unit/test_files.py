# Copyright (c) 2026 GreenLang. All rights reserved.
"""Files that are written whole: their mode and owner, links, a disk that is full, power that is lost."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils import files
from ansible_collections.greenlang.vcci.plugins.plugin_utils.files import why, write_all, write_whole

LARGE = b"x" * 100_000
WAYS = {"one": write_whole, "all": lambda path, content: write_all({path: content})}


@pytest.fixture(params=WAYS)
def write(request):
    """Write one file in each of the two ways."""
    return WAYS[request.param]


@pytest.fixture
def full() -> Iterator[None]:
    """No file may grow beyond 50,000 bytes: as on a disk that is full, the write itself fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_follows_the_umask(write, umask: int, expected: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "new", "text")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == expected


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(write, kept: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(kept)
    write(path, "new")
    assert (path.read_text(), mode(path)) == ("new", kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_keeps_its_owner(write, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, 1234, 2345)
    path.chmod(0o640)
    write(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1234, 2345, 0o640)


def test_a_link_stays_and_what_it_leads_to_is_replaced(write, tmp_path: Path) -> None:
    (tmp_path / "safe").mkdir()
    (tmp_path / "safe" / "file").write_text("old")
    (tmp_path / "link").symlink_to("safe/file")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "safe" / "file").read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "link", "safe"]


def test_a_full_disk_leaves_what_was_there_and_is_told_with_the_file(write, full, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="too large") as caught:
        write(path, LARGE)
    assert caught.value.filename == str(path)
    assert why(caught.value) == "File too large (have the limit of a file's size raised)"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_of_several_files_none_is_replaced_when_one_cannot_be_written(full, tmp_path: Path) -> None:
    contents = {tmp_path / str(number): b"new" for number in range(20)}
    for path in contents:
        path.write_text("old")
    with pytest.raises(OSError, match="too large") as caught:
        write_all({**contents, tmp_path / "large": LARGE})
    assert caught.value.filename == str(tmp_path / "large")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in contents)
    assert {path.read_text() for path in contents} == {"old"}


def test_a_folder_where_the_file_should_be_leaves_no_draft(write, tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write(tmp_path / "file", "text")
    assert why(caught.value) == "Is a directory (a folder is there: name a file)"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_a_file(write, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(OSError, match=r"exists|directory") as caught:
        write(tmp_path / "folder" / "file", "text")
    assert caught.value.errno in (errno.ENOTDIR, errno.EEXIST)


def test_the_draft_is_on_the_disk_before_it_has_its_name(write, tmp_path: Path, monkeypatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        done.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().suffix}")
        fsync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        done.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", replaced)
    write(tmp_path / "file", "text")
    assert done == [f"fsync {files.DRAFT}", "rename file", "fsync "]
