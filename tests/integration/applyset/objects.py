# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that several of these tests apply."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def made(api_version: str, kind: str, namespace: str | None, name: str = "x", **more: Any) -> Object:
    """`meta` of these goes into its metadata."""
    meta = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("meta", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **more}


def config_map(namespace: str, name: str = "a", value: str = "1", **meta: Any) -> Object:
    return made("v1", "ConfigMap", namespace, name, meta=meta, data={"value": value})


def secret(namespace: str, name: str = "c") -> Object:
    return made("v1", "Secret", namespace, name)


def definition(group: str, kind: str = "Widget", plural: str = "widgets", name: str | None = None) -> Object:
    """Of a kind whose objects may hold anything, and have a status."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": {"status": {}},
    }
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return made("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, name or f"{plural}.{group}", spec=spec)


def path_of(client: Any, obj: Object) -> str:
    """Of an object that lives in a namespace, on the server."""
    meta = obj["metadata"]
    return str(client.resource(obj["apiVersion"], obj["kind"]).path(meta["namespace"], meta["name"]))
