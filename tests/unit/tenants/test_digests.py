# Copyright (c) 2026 GreenLang. All rights reserved.
"""The files of a backup: written whole or not at all, recorded, and compared with what was recorded."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.files import draft, is_draft
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import digests


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    target = tmp_path / "acme" / "volume-files.tgz"
    with pytest.raises(TypeError), draft(target, 0o600, folder_mode=0o700) as handle:
        handle.write("no bytes")
    assert list(target.parent.iterdir()) == []
    assert target.parent.stat().st_mode & 0o777 == 0o700
    with draft(target, 0o600) as handle:
        handle.write(b"who")
        handle.write(b"le")
        assert not target.exists()
        assert all(is_draft(path.name) for path in target.parent.iterdir())
    assert target.read_bytes() == b"whole"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_what_a_killed_run_left_is_no_backup_and_goes(tmp_path):
    left, other = tmp_path / ".volume-a.tgz.x1.draft", tmp_path / ".volume-ab.tgz.x1.draft"
    for path in (left, other, tmp_path / "volume-a.tgz"):
        path.write_bytes(b"content")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "b").write_bytes(b"")
    digest = hashlib.sha256(b"content").hexdigest()
    assert digests.of_folder(tmp_path) == [
        {"file": "kept/b", "bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()},
        {"file": "volume-a.tgz", "bytes": 7, "sha256": digest},
    ]
    with draft(tmp_path / "volume-a.tgz", alone=True) as handle:
        assert not left.exists()
        handle.write(b"content")
    assert other.exists()
    assert (tmp_path / "volume-a.tgz").exists()


def test_what_is_not_as_it_was_recorded(tmp_path):
    path = tmp_path / "objects.json"
    path.write_bytes(b"content")
    entry = digests.of_file(tmp_path, "objects.json")
    assert digests.difference(tmp_path, entry) is None
    path.write_bytes(b"contenT")
    assert digests.difference(tmp_path, entry) == f"{path} has another SHA-256"
    path.write_bytes(b"conten")
    assert digests.difference(tmp_path, entry) == f"{path} has 6 bytes, not 7"
    path.unlink()
    assert digests.difference(tmp_path, entry) == f"{path}: No such file or directory"


def test_what_an_earlier_offboarding_left_is_kept_aside(tmp_path):
    folder = tmp_path / "acme"
    assert digests.earlier(folder) == []
    names = [".volume-a.tgz.x1.draft", "certificate.json", "database.dump", "record-copied-1.json", "volume-gone.tgz"]
    (folder / "snapshots").mkdir(parents=True)
    for name in (*names, "snapshots/disk"):
        (folder / name).write_text(name)
    found = digests.earlier(folder)
    assert [path.name for path in found] == sorted([*names, "snapshots"])
    # A run was killed after the first: the next moves the others, whatever their names are.
    digests.keep_aside(found[:1], folder / "earlier-1")
    digests.keep_aside(digests.earlier(folder), folder / "earlier-2")
    assert sorted(path.name for path in folder.iterdir()) == ["earlier-1", "earlier-2"]
    assert (folder / "earlier-2" / "snapshots" / "disk").read_text() == "snapshots/disk"
    assert digests.earlier(folder) == digests.of_folder(folder) == []
    (folder / "volume-files.tgz").write_text("new")
    assert [entry["file"] for entry in digests.of_folder(folder)] == ["volume-files.tgz"]
