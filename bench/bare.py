# Copyright (c) 2026 GreenLang. All rights reserved.
"""Server-side applies and nothing else: `python -m bench.bare KUBECONFIG FILE` prints the seconds that they take.

As many threads as applyset has send what is in a YAML file, Namespaces first. Bodies and addresses are made before the
clock starts; answers are read and not looked at.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import CONCURRENCY
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import APPLY_PATCH, Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.encoding import to_json

QUERY = {"fieldManager": "bench", "fieldValidation": "Strict"}


def main() -> None:
    kubeconfig, path = sys.argv[1:]
    client = Client.from_params({"kubeconfig": kubeconfig})
    manifests = list(yaml.load_all(Path(path).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    namespaces = [entry for entry in manifests if entry["kind"] == "Namespace"]
    waves = [namespaces, [entry for entry in manifests if entry["kind"] != "Namespace"]]
    prepared = [prepare(client, wave) for wave in waves]

    def send(request: tuple[str, bytes]) -> None:
        client.raw("PATCH", request[0], query=QUERY, body=request[1], content_type=APPLY_PATCH, read=len)

    begun = time.monotonic()
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        for wave in prepared:
            list(pool.map(send, wave))
    print(time.monotonic() - begun)


def prepare(client: Client, manifests: list[dict[str, Any]]) -> list[tuple[str, bytes]]:
    return [(address(client, entry), to_json(entry)) for entry in manifests]


def address(client: Client, manifest: dict[str, Any]) -> str:
    metadata = manifest["metadata"]
    resource = client.resource(manifest["apiVersion"], manifest["kind"])
    return resource.path(metadata.get("namespace"), metadata["name"])


if __name__ == "__main__":
    main()
