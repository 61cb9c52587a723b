# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who runs with an older value is restarted once, whatever the clock of the control node says.

Pods are simulated.
"""

from __future__ import annotations

import datetime
import types

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import run as runs

from tests.helpers import eventually
from tests.integration.secrets.test_rotation import Platform, platform

__all__ = ["platform"]  # the fixture
pytestmark = pytest.mark.usefixtures("controller")
HOURS = [-1, 0, 1]


@pytest.fixture(params=HOURS, ids=["an hour behind", "right", "an hour ahead"])
def clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the control node."""
    ahead = datetime.timedelta(hours=request.param)

    class Moved(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]  # a plain one will do
            return datetime.datetime.now(tz) + ahead

    monkeypatch.setattr(runs, "datetime", types.SimpleNamespace(datetime=Moved, UTC=datetime.UTC))


@pytest.mark.usefixtures("clock")
def test_whatever_the_clock_says(platform: Platform, namespace: str) -> None:
    user, key_user = f"{namespace}/Deployment/user", f"{namespace}/Deployment/key-user"
    assert platform.seal(rotate=["database/password"])["restarted"] == [user]
    for _again in range(2):
        after = platform.seal()
        assert (after["changed"], after["restarted"]) == (False, [])
    # A run that ended before its restarts is finished by the next one, and no more than that.
    assert "restarted" not in platform.seal(rotate=["app/KEY"], restart=False)
    assert platform.seal(check=True)["restarted"] == [key_user]
    assert platform.seal()["restarted"] == [key_user]
    assert platform.seal()["changed"] is False


def test_a_secret_that_was_made_again_with_its_values_restarts_nobody(platform: Platform, client, namespace) -> None:
    platform.seal(rotate=["database/password"])
    kept = platform.value("app", "URL")
    path = f"/api/v1/namespaces/{namespace}/secrets/app"
    old = client.request("GET", path)["metadata"]["uid"]
    client.request("DELETE", path)
    eventually(
        lambda: (client.get("v1", "Secret", "app", namespace) or {"metadata": {"uid": old}})["metadata"]["uid"] != old,
        "the controller makes it again",
    )
    after = platform.seal()
    assert (after["changed"], after["restarted"], platform.value("app", "URL")) == (False, [], kept)
