# Copyright (c) 2026 GreenLang. All rights reserved.
"""What s6 runs: arguments arrive as they are, an end soon after the start delays the next; what may be held."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import held, scripts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.daemon import Daemon
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout, expand_pools

WORDS = ["plain", "two words", "it's", '"quoted"', "$HOME", "`id`", "back\\slash", "a;b", "*"]


def run(folder: Path, daemon: Daemon, parent: str = "s6-supervise") -> str:
    """What a daemon says that is started as s6-supervise starts it, by a process that is named so."""
    script, shell = folder / "run", folder / parent
    script.write_text(scripts.daemon(daemon, "digest", None))
    script.chmod(0o755)
    shutil.copy("/bin/sh", shell)
    command = [shell, "-c", "exec 3>/dev/null; ./run; exit $?"]
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=True)
    return done.stdout


def test_nothing_is_started_that_nobody_supervises(tmp_path: Path) -> None:
    """Its s6-supervise ended before it was tied to it: another one starts it, which must find its ports free."""
    assert run(tmp_path, Daemon("echo", ["echo", "started"]), parent="init") == ""
    assert run(tmp_path, Daemon("echo", ["echo", "started"])) == "started\n"


def test_arguments_and_environment_arrive_as_they_are(tmp_path: Path) -> None:
    daemon = Daemon("echo", ["printf", "%s\\n", *WORDS], env={"PATH": "/usr/bin:/bin", "X": "a b'c"})
    assert run(tmp_path, daemon).splitlines() == WORDS
    assert run(tmp_path, Daemon("env", ["env"], env={"X": "a b'c"})).splitlines() == [
        "HOME=/",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "X=a b'c",
    ]
    assert (tmp_path / "starts").read_text() == "2\n"
    assert (tmp_path / "started").read_text() == "digest\n"


@pytest.mark.parametrize(
    ("ended", "pause"),
    [(0, None), (1, None), (2, "2"), (3, "4"), (4, "8"), (5, "16"), (6, "32"), (7, "60"), (99, "60")],
)
def test_what_ends_soon_waits_longer_each_time(tmp_path: Path, ended: int, pause: str | None) -> None:
    """Of so many ends in a row; `sleep` says how long it is asked to."""
    for name, text in (("sleep", "#!/bin/sh\necho pause $1\n"), ("setpriv", '#!/bin/sh\nshift 2\nexec "$@"\n')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "early").write_text(f"{ended}\n")
    (tmp_path / "started").write_text("digest\n")
    assert delayed(tmp_path) == (f"pause {pause}\n" if pause else "")
    os.utime(tmp_path / "started", (1, 1))  # it ran long
    assert delayed(tmp_path) == ""
    assert (tmp_path / "early").read_text() == "0\n"


def delayed(folder: Path) -> str:
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    command = ["/bin/sh", "-ec", scripts.BACK_OFF]
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=True).stdout


def layout(kind: str) -> Layout:
    nodes = expand_pools([{"name": "compute", "count": 2}], kind)
    return Layout("mine", ipaddress.IPv4Network("10.1.0.0/16"), Path("/state"), kind, nodes)


@pytest.mark.parametrize(
    ("entries", "control", "node"),
    [
        ([], [], []),
        (["compute-1"], [], ["cilium-agent", "containerd", "kube-proxy", "kubelet"]),
        (["compute-1/kubelet"], [], ["kubelet"]),
        (["compute-2", "etcd"], ["etcd"], []),
        (
            ["kube-scheduler", "compute-1/containerd", "compute-1/kubelet"],
            ["kube-scheduler"],
            ["containerd", "kubelet"],
        ),
    ],
)
def test_what_is_held(entries: list[str], control: list[str], node: list[str]) -> None:
    found = held.parse(entries, layout("real"))
    assert sorted(found.daemons()) == control
    assert sorted(found.daemons("compute-1")) == node
    assert found.answers is ("etcd" not in entries)


@pytest.mark.parametrize("entry", ["compute-3", "compute", "compute-1/", "compute-1/etcd", "kubelet", "/kubelet", ""])
def test_what_cannot_be_held(entry: str) -> None:
    with pytest.raises(VcciError, match=r"(?s)^held: '.*' is nothing that can be held\. Remedy: "):
        held.parse([entry], layout("real"))
    with pytest.raises(VcciError, match="there is none that is real"):
        held.parse(["compute-1"], layout("simulated"))


def test_a_unit_and_a_boot_script_name_the_state(tmp_path: Path) -> None:
    boot = scripts.boot(tmp_path / "a b", Path("/collection"), "/nowhere/python")
    told = subprocess.run(["/bin/sh", "-c", boot], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "Remedy: run make up in a clone" in told.stderr
    assert 'ExecStart=:/bin/sh "/var/lib/x/boot" --wait\n' in scripts.unit("x", Path("/var/lib/x"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd to read a unit")
@pytest.mark.parametrize("name", ["plain", "two words", 'a "quoted" one', "100%", "%n", "back\\slash", "a'b", "a;b"])
def test_systemd_reads_the_unit_as_it_is_meant(tmp_path: Path, name: str) -> None:
    """Of a cluster in any folder: it has nothing to say."""
    unit = tmp_path / "greenlang-vcci-c.service"
    unit.write_text(scripts.unit("c", tmp_path / name / "c"))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
