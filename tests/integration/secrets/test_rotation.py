# Copyright (c) 2026 GreenLang. All rights reserved.
"""New values reach a server before its clients, and exactly the consumers are restarted.

Pods are simulated: the commands are recorded, not run.
"""

from __future__ import annotations

import base64

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.exec import CommandFailed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import consumers as _sealed_consumers
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.rollout import Rollout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE

pytestmark = pytest.mark.usefixtures("controller")
TELL = {"workload": "StatefulSet/database", "container": "main", "commands": [["accept"], ["use"]]}
SECRETS = [
    {"name": "database", "values": {"password": {"generate": {}}, "other": {"generate": {}}}, "tell": TELL},
    {"name": "app", "values": {"URL": {"compose": "x://u:${database/password|url}@h"}, "KEY": {"generate": {}}}},
]


def workload(kind: str, name: str, env: list[dict]) -> dict:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "x/y:1", "env": env}]},
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": template,
        **({"serviceName": name} if kind == "StatefulSet" else {}),
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def variable(secret: str, key: str) -> dict:
    return {"name": "V", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


class Platform:
    """A server, an application that consumes the composed value, and two that do not.

    `keeper` is the option that says where values are kept, if it is not the cluster.
    """

    def __init__(self, client, namespace: str, keeper: dict | None = None) -> None:
        self.client, self.namespace, self.keeper = client, namespace, keeper or {}
        self.told: list[tuple[str, str, dict[str, bytes], bytes]] = []
        self.fails = self.unreachable = False

    def start(self) -> None:
        for kind, name, env in (
            ("StatefulSet", "database", [variable("database", "password")]),
            ("Deployment", "user", [variable("app", "URL")]),
            ("Deployment", "key-user", [variable("app", "KEY")]),
            ("Deployment", "stranger", []),
        ):
            path = self.client.resource("apps/v1", kind).path(self.namespace)
            self.client.request("POST", path, body=workload(kind, name, env))
        rollout = Rollout(self.client, print, 60)
        rollout.await_rolled_out(
            [
                self.client.get("apps/v1", kind, name, self.namespace) | {"kind": kind}
                for kind, name in (("StatefulSet", "database"), ("Deployment", "user"), ("Deployment", "key-user"))
            ]
        )

    def value(self, name: str, key: str) -> bytes:
        return base64.b64decode(self.client.get("v1", "Secret", name, self.namespace)["data"][key])

    def run(self, client, namespace, pod, container, command, given: bytes) -> str:
        if self.unreachable:
            raise VcciError("no command can be run")
        if command == ["true"]:
            raise CommandFailed("there is no such program, and yet commands can be run")
        if self.fails:
            raise CommandFailed("the command failed")
        pairs = (line.split(" ") for line in given.decode().splitlines())
        self.told.append(
            (pod, command[0], {key: base64.b64decode(text) for key, text in pairs}, self.value("app", "URL"))
        )
        return ""

    def seal(self, **options) -> dict:
        rollout = Rollout(self.client, print, 60, self.run)
        given = Options(**{"name": self.namespace, **self.keeper, "wait_timeout": PATIENCE, "restart": True, **options})
        return run_secrets(self.client, read(SECRETS, self.namespace), given, rollout)

    def restarted(self) -> set[str]:
        found = (self.client.list("apps/v1", kind, self.namespace) for kind in _sealed_consumers.RESTARTABLE)
        return {
            one["metadata"]["name"]
            for listed in found
            for one in listed
            if _sealed_consumers.RESTARTED in (one["spec"]["template"]["metadata"].get("annotations") or {})
        }


@pytest.fixture
def platform(client, namespace) -> Platform:
    made = Platform(client, namespace)
    assert made.seal()["restarted"] == []
    made.start()
    assert not made.seal()["changed"]
    return made


def test_the_server_learns_first_and_exactly_the_consumers_are_restarted(platform, namespace) -> None:
    before = {
        key: platform.value(*key)
        for key in (("database", "password"), ("database", "other"), ("app", "URL"), ("app", "KEY"))
    }
    planned = platform.seal(rotate=["database/password"], check=True)
    assert (planned["restarted"], platform.told, platform.restarted()) == ([f"{namespace}/Deployment/user"], [], set())
    done = platform.seal(rotate=["database/password"])
    assert (done["secrets"], done["restarted"]) == (planned["secrets"], planned["restarted"])
    assert platform.value("database", "password") != before["database", "password"]
    assert (platform.value("database", "other"), platform.value("app", "KEY")) == (
        before["database", "other"],
        before["app", "KEY"],
    )
    assert platform.value("app", "URL") == b"x://u:" + platform.value("database", "password") + b"@h"
    assert [(pod, command) for pod, command, _given, _url in platform.told] == [
        ("database-0", "accept"),
        ("database-0", "use"),
    ]
    for _pod, _command, given, url in platform.told:
        assert given["password"] == platform.value("database", "password")
        assert url == before["app", "URL"], "the application's value changed before the server was told"
    assert platform.restarted() == {"user"}
    again = platform.seal()
    assert (again["changed"], again["restarted"], len(platform.told)) == (False, [], 2)


def test_a_run_that_ended_in_the_middle_is_finished_by_the_next(platform) -> None:
    url = platform.value("app", "URL")
    platform.fails = True
    with pytest.raises(VcciError, match="the command failed"):
        platform.seal(rotate=["database/password"])
    assert (platform.value("app", "URL"), platform.restarted()) == (url, set())
    platform.fails, kept = False, platform.value("database", "password")
    platform.seal()
    assert platform.value("database", "password") == kept
    assert [given["password"] for _pod, _command, given, _url in platform.told] == [kept, kept]
    assert platform.value("app", "URL") == b"x://u:" + kept + b"@h"
    assert platform.restarted() == {"user"}


def test_a_server_that_was_not_told_is_told_by_the_next_run(platform) -> None:
    """Also of a value that nothing else is composed of."""
    platform.fails = True
    with pytest.raises(VcciError, match="the command failed"):
        platform.seal(rotate=["database/other"])
    platform.fails, kept = False, platform.value("database", "other")
    assert platform.seal(check=True)["changed"]
    assert platform.seal()["changed"]
    assert [given["other"] for _pod, _command, given, _url in platform.told] == [kept, kept]
    assert not platform.seal()["changed"]
    assert len(platform.told) == 2


def test_nothing_changes_while_the_server_is_not_ready(platform, client, namespace) -> None:
    before = platform.value("database", "password")
    condition = {"type": "Ready", "status": "False", "reason": "Test"}
    path = f"/api/v1/namespaces/{namespace}/pods/database-0/status"
    client.request(
        "PATCH",
        path,
        body={"status": {"conditions": [condition]}},
        content_type="application/strategic-merge-patch+json",
    )
    with pytest.raises(InputError, match="StatefulSet/database must be told of the new value and is not ready"):
        platform.seal(rotate=["database"])
    assert platform.value("database", "password") == before


def test_nothing_changes_while_no_command_reaches_the_server(platform) -> None:
    platform.unreachable, before = True, platform.value("database", "password")
    with pytest.raises(
        VcciError, match="its server cannot be told of a new value, so that nothing was changed: no command can be run"
    ):
        platform.seal(rotate=["database"])
    assert platform.value("database", "password") == before
    platform.unreachable = False
    assert not platform.seal()["changed"]


def test_only_what_is_generated_can_be_rotated(platform) -> None:
    with pytest.raises(
        InputError,
        match=r"rotate: app/URL, nothing: no generated key of this task; "
        r"those are app/KEY, database/other, database/password",
    ):
        platform.seal(rotate=["app/URL", "nothing"])
