# Copyright (c) 2026 GreenLang. All rights reserved.
"""Procedures on a real API server: one at a time, gone on with after a kill at any step; and what playbooks say."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, SetLocked, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import identity, ledger
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.contract import Contract, parse
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.run import Run, begin

from tests.helpers import ROOT, Client, ansible

STEPS = ["preflight", "snapshot", "control plane", "node a", "node b"]
GIVEN = {
    "summary": "Upgrade",
    "lock": "test-{cluster_of}",
    "subject": "cluster_of",
    "patience": 60,
    "options": {
        "cluster_of": {"description": "Which."},
        "cluster_to": {"description": "To what.", "target": True},
    },
}
# A run of its own process: takes the steps that are to be taken, and says each when it is recorded, before it is taken.
PROGRAM = f"""
import os, sys
from tests.helpers import connect
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.contract import parse
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.run import begin
contract = parse("test_upgrade", {GIVEN!r}, {{}})
values = {{"cluster_of": sys.argv[2], "cluster_to": "2"}}
from pathlib import Path
run = begin(connect(Path(sys.argv[1])), contract, values, process=os.getpid(), check=False, say=lambda line: None)
for step in {STEPS!r}:
    if run.step(step):
        print(step, flush=True)
        sys.stdin.readline()
        run.note(**{{step: "taken"}})
run.end(done=True)
print("done", sorted(run.notes), flush=True)
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return parse("test_upgrade", GIVEN, {})


@pytest.fixture
def values(client: Client) -> Iterator[dict[str, Any]]:
    """Of a procedure that is this test's own; its record goes at the end."""
    name = uuid.uuid4().hex[:8]
    yield {"cluster_of": name, "cluster_to": "2"}
    client.request("DELETE", f"/api/v1/namespaces/kube-system/configmaps/procedures-test-{name}")


@pytest.fixture
def under_way(kubeconfig: Path, values: dict[str, Any]) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start the program; what is left of it ends with the test."""
    with contextlib.ExitStack() as stack:

        def start() -> subprocess.Popen[str]:
            command = [sys.executable, "-c", PROGRAM, str(kubeconfig), values["cluster_of"]]
            settings = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'collections'}"}
            pipe = subprocess.PIPE
            started = subprocess.Popen(command, cwd=ROOT, env=settings, text=True, stdin=pipe, stdout=pipe)
            stack.callback(lambda: (started.kill(), started.communicate()))
            return started

        yield start


def take(started: subprocess.Popen[str], number: int) -> list[str]:
    """Let it come to so many steps; their names. The last is begun, and not taken."""
    assert started.stdin is not None
    assert started.stdout is not None
    said = []
    for _step in range(number):
        if said:
            print(file=started.stdin, flush=True)
        said.append(started.stdout.readline().strip())
    return said


def record(client: Client, values: dict[str, Any]) -> ledger.Ledger:
    return ledger.read(client.get("v1", "ConfigMap", f"procedures-test-{values['cluster_of']}", "kube-system"))


def taken_up(client: Client, contract: Contract, values: dict[str, Any], **options: Any) -> Run:
    said: list[str] = options.pop("said", [])
    given = {"process": os.getppid(), "check": False, "say": said.append, **options}
    return begin(client, contract, values, **given)


# -- one that is killed


def test_a_run_that_is_killed_at_any_step_is_gone_on_with(
    client: Client, values: dict[str, Any], under_way: Callable[[], subprocess.Popen[str]]
) -> None:
    """Kill -9 at each step, just when it was recorded: it alone is taken again, and nothing before it."""
    for number, step in enumerate(STEPS):
        run = under_way()
        first = take(run, 1 if number == 0 else 2)
        run.send_signal(signal.SIGKILL)
        run.wait()
        entry = record(client, values).entries[f"test_upgrade.{values['cluster_of']}"]
        assert (entry.step, entry.taken, entry.state) == (step, STEPS[:number], "running")
        assert first == STEPS[max(0, number - 1) : number + 1]
    last = under_way()
    out, _none = last.communicate("\n" * 9)
    assert out.splitlines() == [STEPS[-1], f"done {sorted(STEPS)}"]
    again = under_way()
    assert take(again, 1) == STEPS[:1]  # it ended well: the next one is a new one


def test_two_at_once(
    client: Client, contract: Contract, values: dict[str, Any], under_way: Callable[[], subprocess.Popen[str]]
) -> None:
    """The second is told who has it since when and in which step; a third takes over by name, and the first ends."""
    first = under_way()
    take(first, 2)
    holder = record(client, values).holder
    assert holder is not None
    with pytest.raises(SetLocked) as refused:
        taken_up(client, contract, values)
    said = str(refused.value)
    for part in (holder["id"], f"process {first.pid} ", holder["since"], "in step snapshot", "nothing was changed"):
        assert part in said
    with pytest.raises(SetLocked):
        taken_up(client, contract, values, check=True)
    with pytest.raises(SetLocked):
        taken_up(client, contract, {**values, "procedure_take_over": "another"})
    second = taken_up(client, contract, {**values, "procedure_take_over": holder["id"]})
    assert (second.step("preflight"), second.step("snapshot")) == (False, True)
    out, _none = first.communicate("\n" * 9)
    assert (first.returncode, out) == (1, "")
    second.end(done=True)
    assert record(client, values).holder is None


def test_many_begin_at_the_same_moment(
    client: Client, values: dict[str, Any], under_way: Callable[[], subprocess.Popen[str]]
) -> None:
    runs = [under_way() for _number in range(4)]
    said = [run.stdout.readline() if run.stdout else "" for run in runs]
    assert sorted(said) == ["", "", "", f"{STEPS[0]}\n"]
    holder = record(client, values).holder
    assert holder is not None
    assert holder["pid"] == runs[said.index(f"{STEPS[0]}\n")].pid


# -- who holds it


ELSEWHERE: dict[str, tuple[dict[str, Any], bool]] = {  # how the holder differs, whether it is taken for dead
    "lives": ({}, False),
    "lives on another machine": ({"machine": "x/y"}, False),
    "lives on another machine, and was silent for long": ({"machine": "x/y", "beat": "2020-01-01T00:00:00Z"}, True),
    "lives here, and was silent for long": ({"beat": "2020-01-01T00:00:00Z"}, True),
    "says nothing that makes sense": ({"machine": "x/y", "beat": "soon"}, True),
    "its process is another's by now": ({"start": "1"}, True),
    "its process is gone": ({"pid": 2**22 + 1}, True),
}


@pytest.mark.parametrize(("changed", "dead"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_who_is_taken_for_dead(
    client: Client, contract: Contract, values: dict[str, Any], changed: dict[str, Any], dead: bool
) -> None:
    first = taken_up(client, contract, values)
    assert first.ledger.holder is not None
    first.ledger.holder.update(changed)
    assert first.write()
    if not dead:
        with pytest.raises(SetLocked):
            taken_up(client, contract, values)
        return
    second = taken_up(client, contract, values)
    with pytest.raises(VcciError, match=r"does not hold .* any more: test_upgrade .* has taken it over; it ends here"):
        Run(client, first.handle, check=False).step("a")
    assert second.step("a")


def test_what_is_left_of_a_run_that_was_killed_ends(client: Client, contract: Contract, values: dict[str, Any]) -> None:
    """A task outlives the run that it is of: it records no step any more, although nobody has taken over."""
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        run = taken_up(client, contract, values, process=sleeping.pid)
        assert run.step("a")
        sleeping.kill()
    for act in (lambda: run.step("b"), run.beat, lambda: run.note(x=1)):
        with pytest.raises(VcciError, match="was killed; it ends here"):
            act()


def test_an_unfinished_run_is_gone_on_with_to_the_same_target_only(
    client: Client, contract: Contract, values: dict[str, Any]
) -> None:
    said: list[str] = []
    first = taken_up(client, contract, values)
    assert (first.step("a"), first.step("b")) == (True, True)
    first.end(done=False)
    other = {**values, "cluster_to": "3"}
    with pytest.raises(
        InputError, match=r"a run with cluster_to=2 was not finished .step b., and this one has cluster_to=3"
    ):
        taken_up(client, contract, other)
    second = taken_up(client, contract, values, said=said)
    assert said == ["going on: a was done, b was begun"]
    assert (second.step("a"), second.step("b")) == (False, True)
    second.end(done=False)
    third = taken_up(client, contract, {**other, "procedure_anew": True})
    assert third.step("a")
    third.end(done=True)


def test_a_run_that_changed_nothing_binds_nobody(client: Client, contract: Contract, values: dict[str, Any]) -> None:
    """Refused after it took the lock, or killed before its first step."""
    taken_up(client, contract, values).end(done=False)
    said: list[str] = []
    other = taken_up(client, contract, {**values, "cluster_to": "3"}, said=said)
    assert said == []
    assert other.step("a")
    other.end(done=False)
    with pytest.raises(InputError, match=r"cluster_to=3 was not finished"):
        taken_up(client, contract, values)


def test_notes_outlive_runs_and_are_read_by_other_procedures(
    client: Client, contract: Contract, values: dict[str, Any]
) -> None:
    first = taken_up(client, contract, values)
    assert first.step("a", snapshot="/backup/1")
    later = Run(client, json.loads(json.dumps(first.handle)), check=False)  # as the next task gets it
    later.note(more=[1], snapshot="/backup/2")
    later.note(more=None)
    later.end(done=True)
    back = taken_up(client, parse("test_rollback", GIVEN, {}), values)
    assert back.notes_of("test_upgrade", values["cluster_of"]) == {"snapshot": "/backup/2"}
    assert back.notes == {}


def test_check_mode_writes_nothing(client: Client, contract: Contract, values: dict[str, Any]) -> None:
    first = taken_up(client, contract, values)
    assert first.step("a")
    first.end(done=False)
    before = client.get("v1", "ConfigMap", f"procedures-test-{values['cluster_of']}", "kube-system")
    going_on = taken_up(client, contract, values, check=True)
    assert [Run(client, going_on.handle, check=True).step(step) for step in ("a", "b")] == [True, True]
    going_on.note(x=1)
    going_on.beat()
    going_on.end(done=True)
    assert client.get("v1", "ConfigMap", f"procedures-test-{values['cluster_of']}", "kube-system") == before
    again = taken_up(client, contract, values)
    assert again.step("a")
    again.end(done=True)
    anew = taken_up(client, contract, values, check=True)  # the one before ended well: all steps are to be taken
    assert Run(client, anew.handle, check=True).step("a")


# -- playbooks


def run(kubeconfig: Path, playbook: str, *arguments: str) -> tuple[int, str]:
    inventory = ["-i", str(ROOT / "inventories" / "local"), "-e", f"cluster_kubeconfig={kubeconfig}"]
    done = ansible("ansible-playbook", f"playbooks/{playbook}.yml", *inventory, *arguments)
    return done.returncode, " ".join(done.stdout.split())


def test_all_that_is_wrong_is_told_at_once(kubeconfig: Path, client: Client) -> None:
    """And nothing else is done, whatever tags are asked for; of the cluster too, which is somebody's."""
    if client.get("v1", "ConfigMap", identity.NAME, identity.NAMESPACE) is None:
        identity.claim(client, "tests", check=False)
    given = "tenat_id=acme tenant_delete_pods=maybe tenant_state_wait_timeout=-3 tenant_only=x cluster_drain_node=y"
    given += " tenant_state=active"
    code, said = run(
        kubeconfig, "tenant_suspend", "-e", given, "-e", "cluster_environment=none", "--tags", "backendapi"
    )
    assert code == 2
    for part in (
        "tenant_suspend: 8 things to remedy, nothing was changed:",
        "tenant_id is missing: The tenant. Remedy: -e tenant_id=<str>.",
        "tenant_delete_pods: maybe is not bool",
        "tenant_state_wait_timeout: -3 is less than 0",
        "cluster_drain_node: tenant_suspend does not take it",
        "tenant_state: tenant_suspend says itself what it is. Remedy: leave it out",
        "tenat_id: there is no such variable: did you mean tenant_id?",
        "tag backendapi: nothing carries it; did you mean backend_api?",
        "environment_name: ",
        "ok=0 changed=0",
    ):
        assert part in said
    assert said.count("PLAY [") == 1


CONFIRMATIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing typed": ((), "cluster_confirm: is missing."),
    "another name": (
        ("-e", "cluster_confirm=local"),
        "cluster_confirm: local is not nowhere, the value of cluster_local_name.",
    ),
    "misspelt": (
        ("-e", "cluster_confrim=nowhere"),
        "cluster_confrim: there is no such variable: did you mean cluster_confirm?",
    ),
    "another name, in check mode": (("-e", "cluster_confirm=local", "--check"), "cluster_confirm: local is not"),
    "nothing typed, in check mode": (("--check",), ""),
    "the name": (("-e", "cluster_confirm=nowhere"), ""),
}


@pytest.mark.parametrize(("arguments", "told"), CONFIRMATIONS.values(), ids=CONFIRMATIONS)
def test_what_is_lost_must_be_named(kubeconfig: Path, arguments: tuple[str, ...], told: str) -> None:
    """The cluster is not there: its removal changes nothing."""
    code, said = run(kubeconfig, "cluster_remove", "-e", "cluster_local_name=nowhere", *arguments)
    assert code == (2 if told else 0)
    assert (told or "cluster_remove nowhere: ") in said
