# Copyright (c) 2026 GreenLang. All rights reserved.
"""The frames that all code stands on: waiting, files, tables, labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils import waiting
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError, WaitTimeout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.files import draft, whole_folder, write_whole
from ansible_collections.greenlang.vcci.plugins.plugin_utils.labels import OURS, labels
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import table
from ansible_collections.greenlang.vcci.plugins.plugin_utils.waiting import Deadline, until


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(waiting, "time", made)
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def too_late(seconds: int) -> VcciError:
    return WaitTimeout(f"not after {seconds} s")


def test_an_answer_ends_the_wait_at_once(clock: Clock) -> None:
    assert until(lambda: "here", 10, late=too_late) == "here"
    assert clock.slept == []


def test_it_asks_until_it_is_so(clock: Clock) -> None:
    answers = iter(["", "", "now"])
    assert until(lambda: next(answers), 10, late=too_late, pause=1.0, longest=1.2) == "now"
    assert clock.slept == [1.0, 1.2]


@pytest.mark.parametrize("timeout", [0, 3, 7.5])
def test_after_the_timeout_it_asked_once_more_and_fails(clock: Clock, timeout: float) -> None:
    asked: list[float] = []
    with pytest.raises(WaitTimeout, match=f"not after {int(timeout)} s"):
        until(lambda: asked.append(clock.now), timeout, late=too_late)
    assert asked[-1] >= 1000.0 + timeout
    assert clock.now == pytest.approx(1000.0 + timeout, abs=0.02)


def test_an_error_of_the_question_ends_the_wait(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        until(lambda: 1 // 0, 10, late=too_late)


def test_what_is_awaited_is_said_when_it_changes_and_every_ten_seconds(clock: Clock) -> None:
    said: list[str] = []

    def state() -> str:
        return "a" if clock.now < 1005 else "b"

    with pytest.raises(WaitTimeout):
        until(lambda: None, 27, said.append, awaited=state, late=too_late, pause=0.5, longest=0.5)
    assert said == ["waiting (1 s): a", "waiting (5 s): b", "waiting (15 s): b", "waiting (25 s): b"]


def test_a_deadline_is_shared(clock: Clock) -> None:
    deadline = Deadline(5)
    clock.sleep(3)
    assert (deadline.left, deadline.passed) == (2, False)
    clock.sleep(3)
    assert (deadline.left, deadline.passed) == (0, True)


def test_a_new_file_has_the_mode_that_is_asked_for(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "key", "text", 0o600, folder_mode=0o700)
    assert (tmp_path / "deep" / "key").read_text() == "text"
    assert (tmp_path / "deep" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
    assert names(tmp_path / "deep") == ["key"]


def test_a_file_keeps_its_mode_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"1")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    write_whole(path, b"2", durable=False)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"2", 0o640)


def test_a_file_that_cannot_be_finished_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")

    def interrupted() -> None:
        with draft(path) as handle:
            handle.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_drafts_of_killed_runs_go_where_nobody_else_writes(tmp_path: Path) -> None:
    (tmp_path / ".file.killed.draft").write_text("half")
    (tmp_path / ".other.killed.draft").write_text("half")
    with draft(tmp_path / "file", alone=True) as handle:
        handle.write(b"whole")
    assert names(tmp_path) == [".other.killed.draft", "file"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def failing() -> None:
        with whole_folder(tmp_path / "folder") as made:
            (made / "one").write_text("1")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        failing()
    assert names(tmp_path) == []
    with whole_folder(tmp_path / "folder", 0o755) as made:
        (made / "one").write_text("1")
        assert not (tmp_path / "folder").exists()
    assert names(tmp_path / "folder") == ["one"]
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([["a"]], ["a"]),
        ([["layer", "ready"], ["data", ""]], ["layer  ready", "data"]),
        ([["", "b"], ["long", "c"]], ["      b", "long  c"]),
    ],
)
def test_columns_are_as_wide_as_their_widest_cell(rows: list[list[str]], lines: list[str]) -> None:
    assert table(rows) == lines


def test_labels_say_whose_an_object_is() -> None:
    key, value = OURS.split("=")
    assert labels("data")[key] == value
    assert labels("tenants", "platform", tenant="acme") == {
        "app.kubernetes.io/part-of": "platform",
        "app.kubernetes.io/managed-by": "greenlang.vcci",
        "app.kubernetes.io/component": "tenants",
        "tenant": "acme",
    }
