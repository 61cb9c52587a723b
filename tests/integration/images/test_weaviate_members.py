# Copyright (c) 2026 GreenLang. All rights reserved.
"""Three members of Weaviate with role data's settings: who may do what, backups; and how they outlive each other."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vcci.weaviate import Weaviate, WeaviateError

from tests import helpers
from tests.helpers import eventually
from tests.integration.images.weaviate_members import KEYS, MEMBERS, PORT, Members, environment

QUORUM = "consistency_level=QUORUM"
SCHEMA = {
    "class": "Row",
    "vectorizer": "none",
    "replicationConfig": {"asyncEnabled": True},
    "properties": [{"name": "number", "dataType": ["int"]}],
}


def number_of(index: int) -> str:
    return f"00000000-0000-0000-0000-{index:012}"


class User:
    """Asks one member after the other, as one of the users."""

    def __init__(self, members: Members, name: str) -> None:
        self._doors = [
            Weaviate(f"https://{members.address(index)}:{PORT}", KEYS.get(name, name), str(members.root / "ca.crt"), 30)
            for index in range(MEMBERS)
        ]

    def ask(self, method: str, path: str, body: object = None, at: int | None = None) -> tuple[int, Any]:
        last = WeaviateError("nobody")
        for door in self._doors if at is None else [self._doors[at]]:
            try:
                return door.ask(method, path, body, rounds=1)
            except WeaviateError as exc:
                last = exc
        raise last

    def write(self, index: int) -> bool:
        one = {"class": "Row", "id": number_of(index), "properties": {"number": index}, "vector": [1.0, index]}
        status, content = self.ask("POST", f"/v1/batch/objects?{QUORUM}", {"objects": [one]})
        return status == 200 and not content[0]["result"].get("errors")

    def has(self, index: int, where: str = QUORUM) -> bool:
        try:
            return self.ask("GET", f"/v1/objects/Row/{number_of(index)}?{where}")[0] == 200
        except WeaviateError:
            return False


@contextlib.contextmanager
def three(root: Path, network: int) -> Iterator[Members]:
    """They and their S3 server, from the start."""
    rendered = root / "rendered"
    rendered.mkdir()
    names = ["weaviate.yml.j2", "seaweedfs.yml.j2"]
    made = helpers.render(rendered, "data", names=names, data_s3_server="seaweedfs")
    sets = {one["metadata"]["name"]: one for one in made if one["kind"] == "StatefulSet"}
    members = Members(root, network, environment(sets["weaviate"]))
    try:
        members.start_store(sets["seaweedfs"]["spec"]["template"]["spec"]["containers"][0]["args"])
        members.start(0, 1, 2)
        eventually(ready(members), lambda: members.said("weaviate-0"), every=0.5)
        yield members
    finally:
        members.end()


def ready(members: Members, among: tuple[int, ...] = (0, 1, 2)) -> Callable[[], bool]:
    """Each answers, and knows the roles."""
    user = User(members, "application")

    def answers() -> bool:
        try:
            return all(
                user.ask("GET", "/v1/.well-known/ready", at=index)[0] == 200
                and user.ask("GET", "/v1/schema/Row", at=index)[0] in (200, 404)
                for index in among
            )
        except WeaviateError:
            return False

    return answers


def test_rights_and_backups(tmp_path: Path, network: int) -> None:
    """What happens to members that die is tried for longer: `python -m tests.soak weaviate_members`."""
    with three(tmp_path, network) as members:
        rights(members)
        backups(members)
        restored(members)


def rights(members: Members) -> None:
    """Who may do what; afterwards there are five rows."""
    application, viewer, stranger = (User(members, name) for name in ("application", "viewer", "nobody"))
    assert "nothing to back up" in members.back_up().stdout
    assert application.ask("POST", "/v1/schema", SCHEMA)[0] == 200
    assert application.ask("GET", "/v1/schema/Row")[1]["replicationConfig"]["factor"] == MEMBERS
    assert all(application.write(index) for index in range(5))
    assert viewer.has(4)
    refused = {
        "a reader's write": viewer.ask("DELETE", f"/v1/objects/Row/{number_of(4)}")[0],
        "a collection removed by the application": application.ask("DELETE", "/v1/schema/Row")[0],
        "a backup by the application": application.ask("POST", "/v1/backups/s3", {"id": "x"})[0],
        "no key": stranger.ask("GET", "/v1/schema")[0],
    }
    assert list(refused.values()) == [403, 403, 403, 401], refused


def backups(members: Members) -> None:
    """One is made and told of, a second takes its place; what goes wrong is told, and never a key."""
    first = members.back_up()
    assert first.returncode == 0, first.stdout + members.said("weaviate-0")
    second = members.back_up(BACKUP_KEEP_DAYS="0", BACKUP_KEEP_LEAST="1")
    assert second.returncode == 0, second.stdout
    assert "objects removed" in second.stdout
    left = User(members, "backup").ask("GET", "/v1/backups/s3")[1]
    assert [one["status"] for one in left] == ["SUCCESS"]
    wrong = members.back_up(S3_BUCKET="vcci-nowhere", BACKUP_KEEP_DAYS="0", BACKUP_KEEP_LEAST="1")
    assert (wrong.returncode, "the object store" in wrong.stdout) == (1, True), wrong.stdout
    said = first.stdout + second.stdout + wrong.stdout + "".join(members.said(f"weaviate-{n}") for n in range(MEMBERS))
    said += tried(members)
    assert not any(key in said for key in (*KEYS.values(), "a-secret-key"))
    metrics = f"http://127.0.0.1:{members.ports(0)['metrics']}/metrics"

    def told() -> bool:
        with urllib.request.urlopen(metrics, timeout=5) as answer:
            return b"vcci_weaviate_backup_last_success_timestamp_seconds 1" in answer.read()

    eventually(told, "the metrics tell of a backup", every=2)


def restored(members: Members) -> None:
    """What was removed comes back; nothing is laid over what is there, unless asked for; nobody writes meanwhile."""
    viewer, administrator, application = (User(members, name) for name in ("viewer", "administrator", "application"))
    name = max(one["id"] for one in User(members, "backup").ask("GET", "/v1/backups/s3")[1])
    assert f"{name}  SUCCESS  Row" in members.restore().stdout
    assert administrator.ask("DELETE", "/v1/schema/Row")[0] == 200
    for words, said in {("vcci-20010101-000000",): "Remedy: one of", ("x", "y"): "usage: "}.items():
        refused = members.restore(*words)
        assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr
    done = members.restore(name)
    assert done.returncode == 0, done.stderr
    assert all(viewer.has(index) for index in range(5))
    assert "there already" in members.restore(name).stderr
    assert application.write(9)
    told = set[int]()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(members.restore, name, "--replace")
        while not running.done():
            told.add(application.ask("GET", "/v1/schema/Row")[0])
    done = running.result()
    assert done.returncode == 0, done.stderr
    assert 403 in told
    assert all(viewer.has(index) for index in range(5))
    assert not viewer.has(9)
    assert application.write(10)


def tried(members: Members) -> str:
    """Before members are told of a store, it is tried as a backup would use it; all that was said."""
    cases: dict[str, dict[str, str]] = {
        "can have backups": {},
        "Remedy: data_weaviate_backup_bucket": {"S3_BUCKET": "vcci-nowhere"},
        "Remedy: a credential": {"secret-access-key": "another"},
        "does not answer": {"S3_ENDPOINT": f"{members.address(MEMBERS)}:9"},
        "Remedy: data_s3_endpoint": {"CA_FILE": ""},
    }
    told = ""
    for says, changes in cases.items():
        done = members.back_up("try", **changes)
        told += done.stdout + done.stderr
        answer = json.loads(done.stdout.splitlines()[-1])
        assert (answer["ok"], says in answer["said"]) == (not changes, True), told
        assert len(answer["said"]) < 300
    assert not list((members.root / "store").rglob("vcci-try-*/object"))
    return told


def a_member_dies(members: Members) -> None:
    """The others go on, and it gets what it missed."""
    application = User(members, "application")
    members.kill(1)
    eventually(lambda: application.write(5), "a write without one of three", every=0.2)
    assert all(application.has(index) for index in range(6))
    members.start(1)
    eventually(lambda: application.has(5, "node_name=weaviate-1"), lambda: members.said("weaviate-1"), every=1)


def all_die(members: Members) -> None:
    """Whatever the order they come back in, all is there."""
    application = User(members, "application")
    members.kill(0, 1, 2)
    members.start(2, 0, 1)
    eventually(ready(members), lambda: members.said("weaviate-0"), every=0.5)
    assert all(application.has(index) for index in range(6))
