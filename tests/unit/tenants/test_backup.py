# Copyright (c) 2026 GreenLang. All rights reserved.
"""The pod that reads a volume, the stream out of it, and the archive that it becomes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import socket
import struct
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import exec as _exec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import reader as _tenant_reader
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.backup import Archive

from tests.helpers import PATIENCE

WHERE = "vcci-tenant-acme"


def workload(kind, name, context=None, own=None, **spec):
    container = {
        "name": "main",
        "volumeMounts": [{"name": "files", "mountPath": "/data"}],
        **({"securityContext": own} if own else {}),
    }
    template = {"spec": {"securityContext": context or {}, "containers": [container], **spec.pop("pod", {})}}
    return {"kind": kind, "metadata": {"name": name}, "spec": {"template": template, **spec}}


def mounting(claim):
    return {"volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": claim}}]}


def reader(claim, *workloads, user=None):
    return _tenant_reader.reader(
        "reader", WHERE, "greenlang/vcci-probe:v1.0.0", claim, {"app.kubernetes.io/component": "x"}, workloads, user
    )


def identity(*arguments, **options):
    context = reader(*arguments, **options)["spec"]["securityContext"]
    return {key: value for key, value in context.items() if key.startswith("runAs") or key.endswith("roups")} | {
        "runAsNonRoot": context["runAsNonRoot"]
    }


def test_a_reader_changes_nothing():
    spec = reader("files")["spec"]
    assert spec["volumes"] == [{"name": "volume", "persistentVolumeClaim": {"claimName": "files", "readOnly": True}}]
    assert spec["containers"][0]["volumeMounts"] == [{"name": "volume", "mountPath": "/data", "readOnly": True}]
    assert "fsGroup" not in json.dumps(spec)
    bounds = spec["containers"][0]["resources"]
    assert all(set(bounds[key]) == {"cpu", "memory", "ephemeral-storage"} for key in ("requests", "limits"))


@pytest.mark.parametrize(
    ("entries", "requested", "at_most"),
    [
        ([], "10m", "500m"),
        ([{"type": "Container", "default": {"cpu": "1"}}], "10m", "500m"),
        ([{"type": "Container", "min": {"cpu": "100m"}}], "100m", "500m"),
        ([{"type": "Container", "min": {"cpu": "1"}}], "1", "1"),
        ([{"type": "Container", "max": {"cpu": "250m"}}], "10m", "250m"),
        ([{"type": "Container", "min": {"cpu": "20m"}, "max": {"cpu": "0.25"}}], "20m", "0.25"),
        ([{"type": "Pod", "max": {"cpu": "1m"}}], "10m", "500m"),  # of all containers of a pod: nobody of us makes one
        ([{"type": "Container", "max": {"memory": "1Gi"}}], "10m", "500m"),
    ],
)
def test_a_reader_keeps_within_the_limits_of_its_tenant(entries, requested, at_most):
    found = _tenant_reader.fitting([{"spec": {"limits": entries}}])
    assert (found["requests"]["cpu"], found["limits"]["cpu"]) == (requested, at_most)
    assert found["limits"]["memory"] == "128Mi"


@pytest.mark.parametrize(
    ("workloads", "wanted"),
    [
        ([], {"runAsUser": 10001, "runAsGroup": 10001}),
        (
            [workload("Deployment", "web", {"runAsUser": 999}, pod=mounting("other"))],
            {"runAsUser": 10001, "runAsGroup": 10001},
        ),
        (
            [
                workload(
                    "Deployment",
                    "web",
                    {"runAsUser": 999, "fsGroup": 998, "supplementalGroups": [5]},
                    pod=mounting("files-store-0"),
                )
            ],
            {"runAsUser": 999, "supplementalGroups": [5, 998]},
        ),
        (
            [
                workload(
                    "Deployment",
                    "web",
                    {"runAsUser": 999},
                    {"runAsUser": 70, "runAsGroup": 71},
                    pod=mounting("files-store-0"),
                )
            ],
            {"runAsUser": 70, "runAsGroup": 71},
        ),
        (
            [
                workload(
                    "StatefulSet", "store", {"runAsUser": 999}, volumeClaimTemplates=[{"metadata": {"name": "files"}}]
                )
            ],
            {"runAsUser": 999},
        ),
        (
            [
                workload(
                    "StatefulSet", "sto", {"runAsUser": 999}, volumeClaimTemplates=[{"metadata": {"name": "files"}}]
                )
            ],
            {"runAsUser": 10001, "runAsGroup": 10001},
        ),
        (
            [
                {
                    "kind": "CronJob",
                    "metadata": {"name": "x"},
                    "spec": {"jobTemplate": workload("Job", "x", {"runAsUser": 5}, pod=mounting("files-store-0"))},
                }
            ],
            {"runAsUser": 5},
        ),
        (
            [workload("Deployment", "web", {"fsGroup": 7}, pod=mounting("files-store-0"))],
            {"runAsUser": 10001, "supplementalGroups": [7]},
        ),
    ],
)
def test_it_reads_as_the_user_who_wrote(workloads, wanted):
    assert identity("files-store-0", *workloads) == {"runAsNonRoot": True, **wanted}


def test_a_user_can_be_named():
    assert identity(
        "files", workload("Deployment", "web", {"runAsUser": 999, "fsGroup": 7}, pod=mounting("files")), user=26
    ) == {"runAsNonRoot": True, "runAsUser": 26, "supplementalGroups": [7]}


def test_it_goes_where_the_workload_may_run():
    tolerations = [{"key": "storage", "operator": "Exists"}]
    assert (
        reader("files", workload("Deployment", "web", pod={**mounting("files"), "tolerations": tolerations}))["spec"][
            "tolerations"
        ]
        == tolerations
    )


def test_claims():
    claims = [
        {"metadata": {"name": "b"}, "spec": {"volumeName": "pv-1"}},
        {"metadata": {"name": "waiting"}, "spec": {}},
        {"metadata": {"name": "a"}, "spec": {"volumeName": "pv-2", "volumeMode": "Block"}},
        # Somebody deleted it, and a finalizer holds it: that it goes was decided.
        {
            "metadata": {"name": "c", "deletionTimestamp": "2026-11-23T10:00:00Z"},
            "spec": {"volumeName": "pv-3", "volumeMode": "Block"},
        },
    ]
    assert _tenant_reader.bound(claims) == ["a", "b"]
    assert _tenant_reader.unreadable(claims) == ["a"]


def test_an_archive_is_whole_or_nothing():
    content = gzip.compress(b"0" * 5_000_000)
    handle = io.BytesIO()
    archive = Archive(handle)
    for at in range(0, len(content), 700):
        archive.write(content[at : at + 700])
    archive.end()
    assert handle.getvalue() == content
    assert archive.size == len(content)
    assert archive.sha256.hexdigest() == hashlib.sha256(content).hexdigest()
    for wrong in (b"", content[:-1], content + b"x"):
        archive = Archive(io.BytesIO())
        archive.write(wrong)
        with pytest.raises(VcciError, match="not whole"):
            archive.end()
    with pytest.raises(VcciError, match="does not arrive as it was written"):
        Archive(io.BytesIO()).write(content[:-8] + bytes(8))


class Server:
    """A socket that takes one WebSocket, sends these (channel, content) frames and closes."""

    def __init__(self, *frames):
        self.frames, self.path = frames, ""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        connection, _address = self.listener.accept()
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        self.path = head.split(b" ")[1].decode()
        key = next(
            line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        connection.sendall(
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
            ).encode()
        )
        for channel, content in self.frames:
            body = bytes([channel]) + content
            connection.sendall(struct.pack("!BBQ", 0x82, 127, len(body)) + body)
        connection.close()

    def stream(self):
        client, found = Client.from_params({"host": f"http://127.0.0.1:{self.listener.getsockname()[1]}"}), []
        try:
            _exec.stream(client, WHERE, "pod", "reader", ["tar", "."], found.append, timeout=PATIENCE)
        finally:
            self.thread.join(PATIENCE)
            self.listener.close()
        return b"".join(found)


def test_a_command_is_streamed():
    server = Server((1, b"a" * 70000), (2, b"warning"), (1, b"b"), (3, b'{"status":"Success"}'))
    assert server.stream() == b"a" * 70000 + b"b"
    asked = urlsplit(server.path)
    assert asked.path == f"/api/v1/namespaces/{WHERE}/pods/pod/exec"
    assert parse_qs(asked.query)["command"] == ["tar", "."]


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (
            [(1, b"a"), (2, b"x: Permission denied\n"), (3, b'{"status":"Failure","message":"exit code 2"}')],
            "tar failed: x: Permission denied",
        ),
        ([(3, b'{"status":"Failure","message":"exit code 2"}')], "tar failed: exit code 2"),
        ([(1, b"a")], "could not be run to its end"),
    ],
)
def test_a_command_that_fails_is_an_error(frames, text):
    with pytest.raises(VcciError, match=text):
        Server(*frames).stream()
