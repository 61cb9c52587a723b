# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the image vcci-weaviate's own programs decide: which backups go, which rights are missing."""

from __future__ import annotations

import datetime
import http.server
import importlib.util
import threading
import time
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from tests.helpers import ROOT

NOW = datetime.datetime(2026, 11, 26, 2, 30, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "images/vcci-weaviate/bin")  # where a program finds what it shares


def program(name: str) -> ModuleType:
    loader = SourceFileLoader(name.replace("-", "_"), str(ROOT / "images/vcci-weaviate/bin" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def backup(days: float, status: str = "SUCCESS", name: str = "") -> dict[str, str]:
    moment = NOW - datetime.timedelta(days=days)
    return {"id": name or moment.strftime("vcci-%Y%m%d-%H%M%S"), "status": status}


@pytest.mark.parametrize(
    ("found", "gone"),
    [
        ([backup(0), backup(1), backup(20)], [2]),
        ([backup(20), backup(21)], [1]),  # the newest stays however old it is
        ([backup(0), backup(0.5, "FAILED"), backup(2, "FAILED")], [2]),
        ([backup(0, "FAILED"), backup(30)], []),  # one that failed keeps none away
        ([backup(0), backup(99, name="somebody-elses")], []),
        ([], []),
    ],
    ids=["old", "the last one", "failed", "failed since", "others", "none"],
)
def test_which_backups_go(found: list[dict[str, str]], gone: list[int]) -> None:
    assert program("weaviate-backup").too_old(found, NOW, 14, 1) == [found[index]["id"] for index in gone]


def test_what_the_server_adds_to_a_permission_is_no_difference() -> None:
    roles = program("weaviate-roles")
    wanted = roles.ROLES["application"]
    told = [{**one, "tenants": {"tenant": "*"}, "nodes": None} for one in wanted]
    assert roles.plain(told) == wanted


class Door(http.server.BaseHTTPRequestHandler):
    """Of a member that says nothing for a while when it is asked to begin, or of one that knows what another began."""

    begun: bool
    silence: float
    asked: list[str]

    def do_POST(self) -> None:
        self.asked.append("POST")
        time.sleep(self.silence)
        self._answer(422, b'{"error": [{"message": "backup already in progress"}]}')

    def do_GET(self) -> None:
        self.asked.append("GET")
        state = "SUCCESS" if len(self.asked) > 4 else "STARTED"
        self._answer(200 if self.begun else 404, f'{{"status": "{state}"}}'.encode())

    def _answer(self, status: int, content: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            pass  # who asked has given up

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[type[Door], list[str]]]:
    """Two members, and nobody at a third one's address; what they were asked, and their URLs."""
    (tmp_path / "backup").write_text("key")
    monkeypatch.setenv("KEYS", str(tmp_path))
    door = type("Both", (Door,), {"begun": True, "silence": 0.0, "asked": []})
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), door) for _number in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield door, ["http://127.0.0.1:1", *(f"http://127.0.0.1:{server.server_port}" for server in servers)]
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_a_silent_member_may_have_begun_is_not_begun_again(doors: tuple[type[Door], list[str]]) -> None:
    door, urls = doors
    door.silence = 3
    script = program("weaviate-backup")
    script.LIMIT, script.PAUSE = 1, 0.05
    assert script.Weaviate(script.Http(), urls).back_up("vcci-1", time.monotonic() + 60)
    assert door.asked.count("POST") == 1


def test_what_a_member_refuses_is_told(doors: tuple[type[Door], list[str]]) -> None:
    door, urls = doors
    script = program("weaviate-backup")
    with pytest.raises(script.Failed, match=r"does not begin it: 422 .*already in progress"):
        script.Weaviate(script.Http(), urls).back_up("vcci-1", time.monotonic() + 60)
    assert door.asked == ["POST"]


REFUSALS = {
    "no bucket": (404, "<Error><Code>NoSuchBucket</Code></Error>", "data_weaviate_backup_bucket"),
    "another key": (403, "<Error><Code>InvalidAccessKeyId</Code></Error>", "data_s3_secret"),
    "no right": (403, "<Error><Code>AccessDenied</Code></Error>", "data_s3_secret"),
    "full": (507, "<Error><Code>InsufficientStorage</Code></Error>", "room in the bucket"),
    "above a quota": (403, "<Error><Code>QuotaExceeded</Code></Error>", "room in the bucket"),
    "another region": (400, "<Error><Code>AuthorizationHeaderMalformed</Code></Error>", "data_s3_region"),
    "something else": (500, "out of order " * 99, "its own log"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_an_object_store_refuses_is_told_with_its_remedy(case: str) -> None:
    status, text, remedy = REFUSALS[case]
    meant = program("weaviate-backup").meaning(status, text.encode())
    assert remedy in meant
    assert len(meant) < 200
