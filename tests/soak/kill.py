# Copyright (c) 2026 GreenLang. All rights reserved.
"""kill -9 at 100 moments of a run that creates, configures and prunes; the next run waits for nobody and converges."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.record import STALE_AFTER

from tests.faults import Trial, Verb, objects
from tests.helpers import Client
from tests.proxy import fault_proxy
from tests.soak._cluster import place

MOMENTS = 100
BEFORE, AFTER = tuple(range(40)), tuple(range(20, 80))
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
given = json.load(sys.stdin)
options = ApplyOptions(name="s", namespace=given["namespace"], prune=True, prune_limit=-1, diff=False)
print("started", flush=True)
apply_set(Client.from_params({"kubeconfig": sys.argv[2]}), given["objects"], options)
"""


def soak() -> str:
    with place() as (kubeconfig, client, namespace):
        return _all(kubeconfig, client, namespace)


def _all(kubeconfig: Path, client: Client, namespace: str) -> str:
    verb = Verb(BEFORE, AFTER, "2", {"prune": True})
    killed = ended = 0
    with fault_proxy(client) as (proxy, connect):
        trial = Trial(client, namespace, proxy, connect)
        longest = _length(kubeconfig, trial, verb)
        while killed < MOMENTS:
            moment = killed + ended
            trial.prepare(verb)
            process = _start(kubeconfig, namespace, objects(namespace, AFTER, "2"))
            time.sleep(random.Random(moment).uniform(0, longest))
            alive = process.poll() is None
            killed, ended = killed + alive, ended + (not alive)
            longest *= 1 if alive else 0.97  # the first run was a slow one
            process.send_signal(signal.SIGKILL)
            process.wait()
            begun = time.monotonic()
            trial.converge(verb, f"killed at moment {moment}")
            waited = time.monotonic() - begun
            assert waited < STALE_AFTER / 2, f"after moment {moment} the next run took {waited:.0f} s"
    return f"{killed} kills, and {ended} too late; all converge"


def _length(kubeconfig: Path, trial: Trial, verb: Verb) -> float:
    """Seconds of a run that is let live."""
    trial.prepare(verb)
    process = _start(kubeconfig, trial.namespace, objects(trial.namespace, AFTER, "2"))
    begun = time.monotonic()
    assert process.wait(120) == 0
    return time.monotonic() - begun


def _start(kubeconfig: Path, namespace: str, wanted: list[dict[str, Any]]) -> subprocess.Popen[str]:
    collections = next(path for path in sys.path if path.endswith("collections"))
    command = [sys.executable, "-c", RUN, collections, str(kubeconfig)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps({"objects": wanted, "namespace": namespace}))
    process.stdin.close()
    assert process.stdout.readline() == "started\n"
    return process
