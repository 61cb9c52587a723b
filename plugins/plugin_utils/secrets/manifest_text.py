# Copyright (c) 2026 GreenLang. All rights reserved.
"""SealedSecrets in the text of manifests: what they are, and where each of their ciphertexts stands. Pure.

So that a ciphertext is exchanged in its place, and every other byte of the file stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import InputError
from ..nesting import is_deep

KIND = "SealedSecret"
# libyaml, where PyYAML has it: ten times as fast, but what it says of places counts bytes.
QUICK: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LEAD = re.compile(r"(?:[&!]\S*\s+)*")  # an anchor, a tag
_BLOCK = re.compile(  # its header, empty lines, the indent of the first line, its text, its end
    r"(?P<header>[|>][^\r\n]*(?:\r\n|\r|\n))(?:[ \t]*(?:\r\n|\r|\n))*(?P<indent>[ \t]*)\S(?:.*\S)?(?P<end>\s*)",
    re.DOTALL,
)

Object = dict[str, Any]
Place = tuple[int, int]  # characters of the text, from and to


class _Quick(QUICK):  # type: ignore[misc]  # it is chosen at run time
    """Reads tags of others as nothing: whoever wrote them knows what they mean."""


class _Exact(yaml.SafeLoader):
    """The same, which says where everything stands."""


@dataclass(frozen=True)
class Found:
    """One SealedSecret of a text."""

    sealed: Object
    places: Mapping[str, Place]  # by key of encryptedData


def sealed_secrets(text: str, source: str) -> list[Found]:
    """InputError where it is no YAML, or a SealedSecret in it is damaged."""
    if is_deep(text):
        raise InputError(f"{source} is nested too deeply to be a manifest")
    loader = (_Exact if KIND in text else _Quick)(text)
    found: list[Found] = []
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            document = loader.construct_document(node)
            found += [_found(one, where, source) for one, where in _objects(document, node)]
    except (ValueError, yaml.YAMLError) as exc:
        raise InputError(f"{source} is not YAML") from exc
    finally:
        loader.dispose()
    return found if KIND in text else []


def exchanged(text: str, new: Mapping[Place, str]) -> str:
    """The text with other ciphertexts in these places, in the style of what is there."""
    parts, end = [], 0
    for (begin, until), ciphertext in sorted(new.items()):
        parts += [text[end:begin], _in_style(text[begin:until], ciphertext)]
        end = until
    return "".join([*parts, text[end:]])


def _in_style(raw: str, ciphertext: str) -> str:
    lead = _LEAD.match(raw)
    before = lead[0] if lead else ""
    scalar = raw[len(before) :]
    block = _BLOCK.fullmatch(scalar)
    if block:
        return before + block["header"] + block["indent"] + ciphertext + block["end"]
    quote = scalar[0] if scalar[:1] in ("'", '"') else ""
    return before + quote + ciphertext + quote


def _objects(document: Any, node: yaml.Node) -> Iterator[tuple[Object, yaml.Node]]:
    """The SealedSecrets of a document, which may be a list, each with its place."""
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if isinstance(items, list):
        pairs = list(zip(items, _child(node, "items").value, strict=True))
    else:
        pairs = [(document, node)]
    for one, where in pairs:
        if isinstance(one, dict) and one.get("kind") == KIND:
            yield one, where


def _found(one: Object, node: yaml.Node, source: str) -> Found:
    metadata, spec = one.get("metadata"), one.get("spec")
    encrypted = (spec or {}).get("encryptedData") or {} if isinstance(spec or {}, dict) else None
    texts = isinstance(encrypted, dict) and all(isinstance(value, str) for value in encrypted.values())
    annotations = (metadata.get("annotations") or {}) if isinstance(metadata, dict) else None
    if not texts or not isinstance(annotations, dict):
        raise InputError(f"{source} holds a damaged SealedSecret: metadata and encryptedData must be mappings of texts")
    places: dict[str, Place] = {}
    if encrypted:
        for key, value in _child(_child(node, "spec"), "encryptedData").value:
            places[key.value] = value.start_mark.index, value.end_mark.index
    return Found(one, places)


def _child(node: yaml.Node, name: str) -> Any:
    """The value of a key in a mapping; when it is there twice, the last counts."""
    return [value for key, value in node.value if key.value == name][-1]


def _nothing(_loader: Any, _node: yaml.Node) -> None:
    return None


for _loader in (_Quick, _Exact):
    _loader.add_constructor(None, _nothing)
