# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the image vcci-weaviate's own programs decide: which backups go, which rights are missing."""

from __future__ import annotations

import datetime
import importlib.util
from importlib.machinery import SourceFileLoader
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
