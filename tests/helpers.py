# Copyright (c) 2026 GreenLang. All rights reserved.
"""What tests share: Ansible's commands, plays of a test's own, rendered templates, clusters, numbers, waiting."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, record
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.preflight import may

ROOT = Path(__file__).resolve().parents[1]
STATE = Path("/var/lib/greenlang-vcci")
TOOLS = Path(sys.executable).parent
BUILDING = 7200  # seconds that may pass while another run builds what both need
# Seconds that a busy machine may take for what takes ten on a quiet one. Every wait for what must happen has this
# bound: a shorter one shows nothing, and fails by chance.
PATIENCE = 480
T = TypeVar("T")


def eventually(
    ready: Callable[[], T], why: str | Callable[[], object], every: float = 0.2, within: float = PATIENCE
) -> T:
    """The first true answer of `ready`, asked every so many seconds; after `within` seconds the test fails: `why`."""
    deadline = time.monotonic() + within
    while not (found := ready()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within} s: {why() if callable(why) else why}")
        time.sleep(every)
    return found


@contextlib.contextmanager
def reserved(which: Iterable[T], of: str) -> Iterator[T]:
    """The first of these that no other process of tests on this machine holds, while the block runs."""
    for one in which:
        name = f"greenlang-vcci-{of}-{one}.lock".replace("/", "-")
        with (Path(tempfile.gettempdir()) / name).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield one
            return
    pytest.fail(f"{of}: {list(which)} are taken by other runs of these tests")


# -- Ansible


def ansible(
    *arguments: str, timeout: float = BUILDING, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run an Ansible command of this environment; all that it said is its standard output."""
    command = [str(TOOLS / arguments[0]), *arguments[1:]]
    settings = {**os.environ, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", **(environment or {})}
    return subprocess.run(
        command,
        cwd=cwd,
        env=settings,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )


def written(folder: Path, tasks: Sequence[Mapping[str, Any]], **more: Any) -> list[str]:
    """Write a play of tasks; the arguments of ansible-playbook that run it here. `more` are keywords of the play."""
    variables = {"ansible_python_interpreter": sys.executable, **more.pop("vars", {})}
    named = [{"name": f"Task {number}", **task} for number, task in enumerate(tasks)]
    play = {"name": "Test", "hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": named, **more}
    (folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    return [str(folder / "play.json"), "-i", "localhost,", "-c", "local"]


def play(
    folder: Path,
    tasks: Sequence[Mapping[str, Any]],
    *flags: str,
    environment: Mapping[str, str] | None = None,
    **more: Any,
) -> tuple[list[dict[str, Any]], str]:
    """Run tasks in a play of their own; the result of each that ran, and everything that was said, results included."""
    kept = folder / "results.jsonl"
    kept.write_text("", encoding="utf-8")
    settings = {
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "results",
        "VCCI_TEST_RESULTS": str(kept),
    }
    command = written(folder, tasks, **more)
    done = ansible("ansible-playbook", *command, *flags, cwd=folder, environment={**settings, **(environment or {})})
    told = kept.read_text(encoding="utf-8")
    return [json.loads(line) for line in told.splitlines()], done.stdout + told


def render(
    folder: Path, *roles: str, names: Iterable[str] = (), inventory: Iterable[Path] = (), **values: Any
) -> list[dict[str, Any]]:
    """The manifests that templates of roles make, all of them or those of these names.

    Variables are what is shared, the roles' own, above these the files of an inventory, and above all `values`.
    """
    templates = folder / "templates"
    for role in roles:
        shutil.copytree(ROOT / "roles" / role / "templates", templates, dirs_exist_ok=True)
    known = [ROOT / "group_vars" / "all" / "platform.yml"]
    for role, kind in itertools.product(roles, ("defaults", "vars")):
        known += sorted((ROOT / "roles" / role / kind / "main").glob("*.yml"))
    wanted = list(names) or [path.name for path in sorted(templates.glob("*.yml.j2"))]
    # One task: each reads all files anew. Not the module template: each file would start several processes.
    texts = [f"{{{{ lookup('ansible.builtin.template', '{name}') }}}}" for name in wanted]
    (folder / "values.json").write_text(json.dumps(values), encoding="utf-8")
    files = [str(path) for path in (*known, *inventory)]
    task = {"ansible.builtin.debug": {"msg": texts}}
    results, said = play(folder, [task], "-e", f"@{folder / 'values.json'}", vars_files=files)
    assert [result.get("failed", False) for result in results] == [False], said
    return [document for text in results[0]["msg"] for document in yaml.safe_load_all(text) if document]


# -- clusters


def local_cluster(**options: object) -> subprocess.CompletedProcess[str]:
    """Run the plugin local_cluster with these options."""
    module = ("-m", "greenlang.vcci.local_cluster", "-a", json.dumps(options))
    return ansible("ansible", "localhost", "-i", "localhost,", "-c", "local", *module)


def services(state: Path) -> list[str]:
    """The names of all daemons of a cluster, as its supervision has them: `etcd`, `compute-1.kubelet`."""
    return sorted(path.parent.name for path in state.glob("supervision/services/[!.]*/digest"))


def daemon_pid(state: Path, service: str) -> int:
    """The pid of a supervised daemon; 0 or less while it does not run."""
    command = ["s6-svstat", "-o", "ready,pid", str(state / "supervision/services" / service)]
    told = subprocess.run(command, text=True, capture_output=True, check=False).stdout.split()
    return int(told[1]) if told[:1] == ["true"] else 0


def supervisors(state: Path) -> list[int]:
    """The processes of a cluster's supervision, which work in its directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if state / "supervision" in [(process / "cwd").readlink(), *(process / "cwd").readlink().parents]:
                found.append(int(process.name))
    return found


def in_cgroups(name: str) -> set[int]:
    """The processes in the cgroups of a cluster."""
    return host.processes(host.cgroups(f"vcci-{name}"))


def kill(pids: Iterable[int]) -> None:
    """End processes at once; those that are gone, or 0 and less, do not matter."""
    host.kill({pid for pid in pids if pid > 0})


def power_off(state: Path) -> None:
    """Leave of a cluster what a machine that lost power leaves: files. What begins meanwhile ends too."""

    def runs() -> set[int]:
        return {*supervisors(state), *in_cgroups(state.name)}

    def is_off() -> bool:
        left = runs()
        kill(left)
        return not left

    eventually(is_off, lambda: f"nothing runs; now {runs()}")
    known = record.read(state)
    assert known
    layout = record.layout(known, state)
    if layout.kind == "real":
        for node in layout.nodes:
            subprocess.run(["ip", "netns", "delete", layout.netns(node)], check=True)
        subprocess.run(["umount", "--recursive", "--lazy", f"/run/greenlang-vcci/{state.name}"], check=True)
        subprocess.run(["ip", "link", "delete", layout.bridge], check=True)


@contextlib.contextmanager
def running_cluster(name: str, **options: object) -> Iterator[Path]:
    """A local cluster while the block runs; its state directory."""
    try:
        started = local_cluster(name=name, **options)
        assert started.returncode == 0, started.stdout
        yield STATE / name
    finally:
        removed = local_cluster(name=name, state="absent")
        assert removed.returncode == 0, removed.stdout


@contextlib.contextmanager
def own_cluster(of: str, numbers: Iterable[int], **options: object) -> Iterator[Path]:
    """A cluster that no other run of these tests uses: `<of>-<number>`, in the subnet of the number."""
    with contextlib.ExitStack() as stack:
        number = stack.enter_context(reserved(numbers, of))
        yield stack.enter_context(running_cluster(f"{of}-{number}", subnet=f"10.{number}.0.0/16", **options))


def upgrade_to_itself(
    state: Path, pools: Sequence[Mapping[str, object]], *flags: str, **variables: object
) -> subprocess.CompletedProcess[str]:
    """cluster_upgrade of a cluster of one's own with simulated nodes to the version that it runs: every step is taken
    all the same."""
    given = {
        "cluster_local_name": state.name,
        "cluster_local_subnet": f"10.{state.name.rpartition('-')[2]}.0.0/16",
        "cluster_local_nodes": "simulated",
        "cluster_local_pools": pools,
        "cluster_upgrade_version": "1.37",
        "cluster_upgrade_delete_pods": True,
        **variables,
    }
    command = ("ansible-playbook", "playbooks/cluster_upgrade.yml", "-i", "inventories/local", "-e", json.dumps(given))
    return ansible(*command, *flags)


def kubectl(
    kubeconfig: Path,
    *arguments: str,
    given: object = None,
    timeout: float = PATIENCE,
    programs: Path | None = None,
    everything: bool = False,
) -> str:
    """Run kubectl, by default the one that came with the kubeconfig's cluster; its standard output, or everything said.

    What is `given` on standard input is a text or an object.
    """
    command = [str((programs or kubeconfig.parent / "bin") / "kubectl"), "--kubeconfig", str(kubeconfig), *arguments]
    settings = {**os.environ, "KUBECTL_APPLYSET": "true"}
    text = given if given is None or isinstance(given, str) else json.dumps(given)
    done = subprocess.run(
        command, input=text, text=True, capture_output=True, check=False, timeout=timeout, env=settings
    )
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{(done.stdout + done.stderr)[-3000:]}"
    return done.stdout + done.stderr if everything else done.stdout


def connect(kubeconfig: Path) -> Client:
    """A client of the cluster under test."""
    return Client.from_params({"kubeconfig": str(kubeconfig)})


def impersonating(kubeconfig: Path, user: str, roles: Iterable[Mapping[str, Any]]) -> Client:
    """A client of who has these Roles, as soon as the API server knows it: a right counts a moment after it was
    written."""
    client = Client.from_params({"kubeconfig": str(kubeconfig), "impersonate_user": user})
    for role in (one for one in roles if one["kind"] == "Role"):
        for rule in role["rules"]:
            for group, resource, verb, name in itertools.product(
                rule["apiGroups"], rule["resources"], rule["verbs"], rule.get("resourceNames", [""])
            ):
                asked = {"group": group, "verb": verb, "name": name, "namespace": role["metadata"]["namespace"]}
                asked["resource"], _slash, asked["subresource"] = resource.partition("/")
                eventually(functools.partial(may, client, **asked), f"{user} may {asked}")
    return client


def make_namespace(client: Client, name: str) -> None:
    client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
