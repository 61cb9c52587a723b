# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether a manifest that people may have edited is a SealedSecret as the API server would take it. Pure. No value is
in any message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def damage(manifest: Mapping[str, Any], namespace: str, name: str) -> str:
    """What is wrong with it, as the rest of a sentence; empty where nothing is.

    namespace, name  that it is kept under: what is sealed for others opens nowhere else.
    """
    return next(_damage(manifest, namespace, name), "")


def _damage(manifest: Mapping[str, Any], namespace: str, name: str) -> Iterator[str]:
    metadata, spec = manifest.get("metadata"), manifest.get("spec")
    yield from _mapping(metadata, "metadata")
    yield from _mapping(spec, "spec")
    if not isinstance(metadata, Mapping) or not isinstance(spec, Mapping):
        return
    for field, expected in (("namespace", namespace), ("name", name)):
        found = metadata.get(field)
        if found is not None and found != expected:
            yield f"metadata.{field} is {found}, not {expected}, so that it belongs to another SealedSecret"
    yield from _texts(metadata, "metadata", "labels", "annotations")
    yield from _texts(spec, "spec", "encryptedData", needed=True)
    template = spec.get("template")
    yield from _mapping(template, "spec.template")
    if not isinstance(template, Mapping):
        return
    yield from _texts(template, "spec.template", "data")
    of_secret = template.get("metadata")
    yield from _mapping(of_secret, "spec.template.metadata")
    if isinstance(of_secret, Mapping):
        yield from _texts(of_secret, "spec.template.metadata", "labels", "annotations")


def _mapping(value: object, where: str) -> Iterator[str]:
    if value is not None and not isinstance(value, Mapping):
        yield f"{where} is no mapping"


def _texts(part: Mapping[str, Any], where: str, *fields: str, needed: bool = False) -> Iterator[str]:
    """Mappings of texts. Null is no text where one is `needed`."""
    for field in fields:
        texts = part.get(field)
        yield from _mapping(texts, f"{where}.{field}")
        for key, text in texts.items() if isinstance(texts, Mapping) else ():
            if not isinstance(key, str) or not (isinstance(text, str) or (text is None and not needed)):
                yield f"{where}.{field}.{key} is no text"
