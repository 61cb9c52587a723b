# Copyright (c) 2026 GreenLang. All rights reserved.
"""Lost connections, killed runs, two runs at once: a repeat converges and the record is right."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import holder, record
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ConnectionFailed, SetLocked
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

COUNT = 200
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
given = json.load(sys.stdin)
print("started", flush=True)
options = ApplyOptions(name="s", namespace=given["namespace"], prune=True, prune_limit=-1, diff=False, lock_timeout=480)
result = apply_set(Client.from_params({"kubeconfig": sys.argv[2]}), given["objects"], options)
print(json.dumps(result.to_dict()), flush=True)
"""


def config_maps(namespace, value, count=COUNT):
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"c{i:03d}", "namespace": namespace},
            "data": {"value": value},
        }
        for i in range(count)
    ]


def values(client, namespace):
    return {o["data"]["value"] for o in client.list("v1", "ConfigMap", namespace, "applyset.kubernetes.io/part-of")}


def annotations(client, namespace):
    return client.get("v1", "ConfigMap", "s", namespace)["metadata"]["annotations"]


@pytest.fixture
def start(kubeconfig, namespace):
    """A run in a process of its own."""
    collections = next(p for p in sys.path if p.endswith("collections"))

    def run(objects):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, collections, str(kubeconfig)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(json.dumps({"objects": objects, "namespace": namespace}))
        process.stdin.close()
        assert process.stdout.readline() == "started\n"
        return process

    return run


class Relay:
    """A TCP relay in front of the API server that can cut what passes through it."""

    def __init__(self, server):
        url = urlsplit(server)
        self.target = (url.hostname, url.port or 443)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs, self.open, self.served, self.closes_at = set(), True, 0, math.inf
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                inner, _address = self.listener.accept()
                if not self.open:
                    inner.close()
                    continue
                outer = socket.create_connection(self.target)
            except OSError:
                return
            self.pairs.add((inner, outer))
            if not self.open:  # closed meanwhile
                self.cut()
            for source, sink in ((inner, outer), (outer, inner)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
                self.served += 1
                if self.served >= self.closes_at:
                    self.closes_at = math.inf
                    self.close()
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.open = False
        self.cut()

    def cut(self):
        for pair in list(self.pairs):
            self.pairs.discard(pair)
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relayed(client, kubeconfig):
    relay = Relay(client.server)
    params = {
        "kubeconfig": str(kubeconfig),
        "host": f"https://127.0.0.1:{relay.port}",
        "tls_server_name": urlsplit(client.server).hostname,
    }
    made = Client.from_params(params, retry_for=60)
    yield relay, made
    made.close()
    relay.listener.close()
    relay.cut()


def test_lost_connections_are_survived(relayed, client, namespace):
    relay, through = relayed
    stop = threading.Event()

    def trouble():
        while not stop.wait(random.uniform(0.5, 1.5)):
            relay.cut()

    worker = threading.Thread(target=trouble)
    worker.start()
    try:
        result = apply_set(
            through, config_maps(namespace, "1"), ApplyOptions(name="s", namespace=namespace, diff=False)
        )
    finally:
        stop.set()
        worker.join()
    assert len(result.created) == COUNT
    assert values(client, namespace) == {"1"}
    assert record.LOCK not in annotations(client, namespace)
    assert not apply_set(client, config_maps(namespace, "1"), ApplyOptions(name="s", namespace=namespace)).changed


def test_a_server_that_restarts_in_mid_run_is_waited_for(relayed, client, namespace):
    relay, through = relayed
    said = []
    through.say = said.append
    relay.closes_at = 60  # of 400 requests and answers, at least

    def told():
        return any("does not answer" in line for line in said)

    def restart():
        while not told():  # however slow this machine is: the first attempts are nobody's business
            time.sleep(0.01)
        relay.open = True

    threading.Thread(target=restart, daemon=True).start()
    result = apply_set(through, config_maps(namespace, "1"), ApplyOptions(name="s", namespace=namespace, diff=False))
    assert told()
    assert len(result.created) == COUNT
    assert not apply_set(client, config_maps(namespace, "1"), ApplyOptions(name="s", namespace=namespace)).changed


def test_a_server_that_stays_away_is_an_error(relayed, namespace):
    relay, through = relayed
    through.get("v1", "Namespace", namespace)
    through.retry_for = 1
    relay.close()
    with pytest.raises(ConnectionFailed, match="does not answer"):
        apply_set(through, config_maps(namespace, "1"), ApplyOptions(name="s", namespace=namespace, diff=False))


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_run_is_completed_by_the_next(start, client, namespace, seed):
    """kill -9 at a random moment; the next run needs not wait for the dead one, and prunes what that one brought."""
    apply_set(client, config_maps(namespace, "1", COUNT // 2), ApplyOptions(name="s", namespace=namespace, diff=False))
    secrets = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"z{i}", "namespace": namespace}} for i in range(50)
    ]
    process = start([*secrets, *config_maps(namespace, "2")])
    time.sleep(random.Random(seed).uniform(0.02, 0.9))
    process.send_signal(signal.SIGKILL)
    process.wait()

    result = apply_set(
        client,
        config_maps(namespace, "3"),
        ApplyOptions(name="s", namespace=namespace, prune=True, prune_limit=-1, diff=False, lock_timeout=0),
    )
    assert len(result.created) + len(result.configured) == COUNT
    assert values(client, namespace) == {"3"}
    assert not [o for o in client.list("v1", "Secret", namespace) if o["metadata"]["name"].startswith("z")]
    kept = annotations(client, namespace)
    assert kept["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap"
    assert record.LOCK not in kept
    assert not apply_set(
        client, config_maps(namespace, "3"), ApplyOptions(name="s", namespace=namespace, prune=True)
    ).changed


def test_two_runs_at_once_never_interleave(start, client, namespace):
    processes = [start(config_maps(namespace, value)) for value in "12345"]
    results = [json.loads(p.stdout.read()) for p in processes]
    assert [p.wait() for p in processes] == [0] * 5
    assert all(len(r["created"]) + len(r["configured"]) + len(r["unchanged"]) == COUNT for r in results)
    assert [len(r["created"]) for r in results].count(COUNT) == 1
    assert all(len(r["configured"]) in (0, COUNT) for r in results)
    assert len(values(client, namespace)) == 1
    assert record.LOCK not in annotations(client, namespace)


def hold(client, namespace, **more):
    apply_set(client, config_maps(namespace, "1", 1), ApplyOptions(name="s", namespace=namespace))
    body = {
        "metadata": {"annotations": {record.LOCK: json.dumps({"host": "far", "pid": 7, "id": "x", "beat": 1, **more})}}
    }
    client.request(
        "PATCH", f"/api/v1/namespaces/{namespace}/configmaps/s", body=body, content_type="application/merge-patch+json"
    )


def test_a_run_elsewhere_is_waited_for_and_then_refused(client, namespace):
    hold(client, namespace)
    said = []
    with pytest.raises(SetLocked, match="is being applied by process 7 on far"):
        apply_set(
            client,
            config_maps(namespace, "2", 2),
            ApplyOptions(name="s", namespace=namespace, lock_timeout=1, say=said.append),
        )
    assert "waiting for another run of this set (process 7 on far)" in said
    assert values(client, namespace) == {"1"}
    # Nothing to do, or only looking, needs no turn.
    assert not apply_set(client, config_maps(namespace, "1", 1), ApplyOptions(name="s", namespace=namespace)).changed
    assert apply_set(
        client, config_maps(namespace, "2", 2), ApplyOptions(name="s", namespace=namespace, check=True)
    ).changed


def test_a_run_elsewhere_that_died_is_taken_over(client, namespace, monkeypatch):
    monkeypatch.setattr(record, "STALE_AFTER", 1.5)
    hold(client, namespace)
    result = apply_set(client, config_maps(namespace, "2", 2), ApplyOptions(name="s", namespace=namespace))
    assert len(result.created) + len(result.configured) == 2
    assert record.LOCK not in annotations(client, namespace)


def test_a_run_on_this_machine_that_died_is_noticed_at_once(client, namespace):
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    me = holder.identity()
    hold(client, namespace, machine=me["machine"], pid=process.pid, start="1")
    at_once = ApplyOptions(name="s", namespace=namespace, lock_timeout=0)
    assert apply_set(client, config_maps(namespace, "2", 2), at_once).changed
    assert os.getpid() == me["pid"]
