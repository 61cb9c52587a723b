# Copyright (c) 2026 GreenLang. All rights reserved.
"""Transactions of pgbench: three members as role data has them (TLS, a commit is another member's as well) beside one
local server without either, of the same image and buffers, in turns in the same run.

All members are on this machine: with many sessions they and the client share its processors, so that a ratio has the
work of three servers in it; with one session processors are left, and it is what a client waits for."""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.figure import figures, ratio, values
from tests.helpers import connect, eventually, kubectl, make_namespace, own_cluster, reserved
from tests.integration.images.patroni_members import SOCKETS, Members
from tests.integration.images.redis_members import unpacked

SCALE, SECONDS, ROUNDS = 10, 20, 3
TRANSACTIONS = {"commit": ("tpcb-like", 1), "commits": ("tpcb-like", 8), "reads": ("select-only", 8)}  # sessions
GOAL = 2.0
RESOURCES = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2000m", "memory": "1Gi"}}
Bench = Callable[..., subprocess.CompletedProcess[str]]


@figures("postgresql", *(f"postgresql-{name}" for name in TRANSACTIONS), long=True)
def transactions() -> Iterator[str]:
    """Milliseconds a transaction: of reads and writes, in one session and in several, and of reads alone."""
    with members() as three, alone(three) as one:
        for bench in (three_of(three), one):
            made = bench("pgbench", "--initialize", "--quiet", f"--scale={SCALE}")
            assert made.returncode == 0, made.stderr
        for name, (script, sessions) in TRANSACTIONS.items():
            ours, theirs = [], []
            for _round in range(ROUNDS):
                theirs.append(latency(one, script, sessions))
                ours.append(latency(three_of(three), script, sessions))
            beside = f"one server without TLS and replicas {values(theirs)}"
            note = f"a transaction, sessions: {sessions}, {values(ours)}; {beside}"
            yield ratio(f"postgresql-{name}", min(ours), min(theirs), GOAL, note).replace(" s ratio", " ms ratio")


def latency(bench: Bench, script: str, sessions: int) -> float:
    options = (f"--builtin={script}", f"--client={sessions}", f"--jobs={min(sessions, 2)}", f"--time={SECONDS}")
    done = bench("pgbench", *options)
    assert done.returncode == 0, done.stderr
    found = re.search(r"latency average = ([0-9.]+) ms", done.stdout)
    assert found, done.stdout
    return float(found[1])


def three_of(three: Members) -> Bench:
    """As any client in a member: over TLS, verified, whichever is the primary."""
    return partial(three.run, 0, PGUSER="vcci", PGDATABASE="vcci")


@contextlib.contextmanager
def members() -> Iterator[Members]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp", prefix="vcci-bench-")))
        folder.chmod(0o755)
        image = unpacked("vcci-postgresql", folder)
        state = stack.enter_context(own_cluster("bench", range(100, 104), nodes="none"))
        network = stack.enter_context(reserved(range(200, 250), "network"))
        client = stack.enter_context(contextlib.closing(connect(state / "kubeconfig")))
        make_namespace(client, "bench")
        (folder / "members").mkdir()
        kubeconfig = state / "kubeconfig"
        settings = {"data_postgresql_resources": RESOURCES}
        made = Members(image, folder / "members", network, kubeconfig, "bench", **settings)
        made.bring(partial(kubectl, kubeconfig))
        stack.callback(made.stop)
        made.start(0, 1, 2)
        eventually(lambda: made.whole() is not None, made.logs)
        yield made


@contextlib.contextmanager
def alone(three: Members) -> Iterator[Bench]:
    """One server of the same image, buffers and size of its log, over its socket."""
    data, where = "/var/lib/postgresql/data/alone", f"{SOCKETS}/alone"
    shared = three.sql(0, "show shared_buffers")
    options = f"-c listen_addresses= -c unix_socket_directories={where} -c shared_buffers={shared} -c max_wal_size=4GB"
    steps = f"mkdir -p {where}; initdb --pgdata {data} --username vcci --data-checksums --locale C.UTF-8 > /dev/null"
    serve = f"{steps}; exec postgres -D {data} {options} -c wal_compression=on"
    command = three.command(0, "bash", "-c", serve, alone=True)
    process = subprocess.Popen(command, env=three.environment(0), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told = {"PGHOST": where, "PGUSER": "vcci", "PGDATABASE": "postgres", "PGSSLMODE": "disable"}
    bench = partial(three.run, 0, **told)
    try:
        eventually(lambda: bench("pg_isready").returncode == 0, "the server alone")
        yield bench
    finally:
        process.kill()
        process.wait(30)
