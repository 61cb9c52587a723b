# Copyright (c) 2026 GreenLang. All rights reserved.
"""All of a task is checked before anything is asked of a server: a table of what an API server would take."""

from __future__ import annotations

import base64
import datetime
import random
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import Generator
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.values import resolve
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import Wanted, read

NEW = Generator(random.SystemRandom(), datetime.datetime.now(datetime.UTC))
GOOD: dict[str, Any] = {"name": "s", "namespace": "n", "values": {"a": "x"}}
TELL = {"workload": "StatefulSet/db", "container": "main", "commands": [["a"]]}


def one(**fields: Any) -> Wanted:
    [found] = read([{**GOOD, **fields}])
    return found


def of_value(spec: object) -> dict[str, Any]:
    return {"values": {"a": spec}}


def generate(**how: Any) -> dict[str, Any]:
    return of_value({"generate": how})


def certificate(**how: Any) -> dict[str, Any]:
    return of_value({"certificate": {"key": "k", "names": ["x"], **how}})


TAKEN: dict[str, dict[str, Any]] = {
    "a dot first in a key": {"values": {".dockercfg": "{}"}},
    "a longest key": {"values": {"k" * 253: "x"}},
    "dots and dashes in a key": {"values": {"-._": "x"}},
    "a name with dots": {"name": "a.b-c.d"},
    "a longest name": {"name": "a" * 253},
    "a long part of a name": {"name": "a" * 64},
    "a longest namespace": {"namespace": "a" * 63},
    "labels": {"labels": {"a": "", "example.com/b_c": "V_1.x-y", "A": "z"}},
    "annotations": {"annotations": {"Example.com/x": "any\ntext: ü", "b": ""}},
    "a number as text": generate(length="40"),
    "the least and the most": generate(length=8),
    "the most": generate(length=65536),
    "a wild card": certificate(names=["*.example.com", "::1", "10.0.0.1", "a"], days="30"),
    "base64 with line breaks": of_value({"base64": "AA\r\nH/\n"}),
    "empty base64": of_value({"base64": ""}),
    "a server": {"tell": TELL},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two dots first in a key": ({"values": {"..x": "v"}}, r"key '\.\.x' is invalid: .*not begin with '\.\.'"),
    "two dots": ({"values": {"..": "v"}}, "is invalid"),
    "a dot": ({"values": {".": "v"}}, "is invalid"),
    "a longer key": ({"values": {"k" * 254: "v"}}, "253 characters"),
    "an empty key": ({"values": {"": "v"}}, "is invalid"),
    "a slash": ({"values": {"a/b": "v"}}, "is invalid"),
    "a line break after a key": ({"values": {"a\n": "v"}}, "is invalid"),
    "a number as a key": ({"values": {3: "v"}}, "is invalid"),
    "two dots in a name": ({"name": "a..b"}, "name must be"),
    "a dash before a dot": ({"name": "a-.b"}, "name must be"),
    "a dash last": ({"name": "a-"}, "name must be"),
    "a dot last": ({"name": "a."}, "name must be"),
    "a longer name": ({"name": "a" * 254}, "name must be"),
    "a number as a name": ({"name": 12}, "name must be"),
    "a line break after a name": ({"name": "a\n"}, "name must be"),
    "a dot in a namespace": ({"namespace": "a.b"}, "namespace must be"),
    "a longer namespace": ({"namespace": "a" * 64}, "namespace must be"),
    "no namespace": ({"namespace": None}, "namespace must be"),
    "labels that are a list": ({"labels": ["a"]}, "labels: a dictionary of texts is needed"),
    "labels that are a text": ({"labels": "a=b"}, "labels: a dictionary of texts is needed"),
    "a label that is a number": ({"labels": {"a": 1}}, "labels.a: a text is needed, and this is a number"),
    "a label that is a boolean": ({"labels": {"a": True}}, "labels.a: .* this is a boolean; write it in quotes"),
    "a label that is null": ({"labels": {"a": None}}, "labels.a: .* this is a null"),
    "a label with a space": ({"labels": {"a": "b c"}}, "labels.a: letters, digits"),
    "a longer label": ({"labels": {"a": "b" * 64}}, "63 at most"),
    "a name of a label with a space": ({"labels": {"a b": "c"}}, "'a b' is no name"),
    "an upper-case prefix of a label": ({"labels": {"Example.com/a": "c"}}, "is no name"),
    "an annotation that is a float": ({"annotations": {"a": 1.5}}, "annotations.a: .* this is a number"),
    "an annotation that is a list": ({"annotations": {"a": []}}, "annotations.a: .* this is a list or dictionary"),
    "annotations that are a text": ({"annotations": "x"}, "annotations: a dictionary of texts is needed"),
    "annotations that are too large": ({"annotations": {"a": "b" * 262144}}, "annotations: 262145 bytes"),
    "half a pair in an annotation": ({"annotations": {"a": "\ud800"}}, "annotations.a: half a surrogate pair"),
    "a type that is a number": ({"type": 3}, "type: a text is needed"),
    "an empty type": ({"type": ""}, "type: a text is needed"),
    "a type that is a list": ({"type": ["Opaque"]}, "type: a text is needed"),
    "a scope that is a list": ({"scope": ["strict"]}, "scope must be one of"),
    "immutable, perhaps": ({"immutable": "perhaps"}, "immutable: true or false is needed"),
    "immutable, a list": ({"immutable": []}, "immutable: true or false is needed"),
    "immutable, 2": ({"immutable": 2}, "immutable: true or false is needed"),
    "other digits": (generate(length="٣٢"), "length: a number from 8"),
    "a raised digit": (generate(length="²²"), "length: a number from 8"),
    "a boolean as a number": (generate(length=True), "length: a number from 8"),
    "a fraction": (generate(length=8.5), "length: a number from 8"),
    "a sign": (generate(length="+32"), "length: a number from 8"),
    "too little": (generate(length=7), "length: a number from 8"),
    "too much": (generate(length=65537), "length: a number from 8"),
    "much too much": (generate(length="9" * 5000), "length: a number from 8"),
    "an unknown field of two kinds": (of_value({"generate": {"x": 1, 2: 3}}), "generate.x: unknown"),
    "days that are a boolean": (certificate(days=True), "days: a number from 1"),
    "days in other digits": (certificate(days="३"), "days: a number from 1"),
    "no days": (certificate(days=0), "days: a number from 1"),
    "a name that is no host's": (certificate(names=["a b"]), "names: a list of host names"),
    "a name in other letters": (certificate(names=["größe"]), "names: a list of host names"),
    "names that are a text": (certificate(names="a"), "names: a list of host names"),
    "a key that is a number": (certificate(key=3), "certificate.key: the key of a private key"),
    "half a pair": (of_value("\ud800"), "values.a: half a surrogate pair"),
    "half a pair in a template": (of_value({"compose": "\udc00"}), "values.a.compose: half a surrogate pair"),
    "another letter in base64": (of_value({"base64": "AA-_"}), "is not base64"),
    "a space in base64": (of_value({"base64": "AA H/"}), "is not base64"),
    "a tab in base64": (of_value({"base64": "AAH/\t"}), "is not base64"),
    "base64 that is cut off": (of_value({"base64": "AAA"}), "is not base64"),
    "base64 after its end": (of_value({"base64": "AA==AA=="}), "is not base64"),
    "base64 in other letters": (of_value({"base64": "ÄÄ=="}), "is not base64"),
    "a server without a kind": ({"tell": {**TELL, "workload": "db"}}, "workload: Kind/name is needed"),
    "a server of another kind": ({"tell": {**TELL, "workload": "Job/db"}}, "workload: Kind/name is needed"),
    "a server that is a list": ({"tell": {**TELL, "workload": ["x"]}}, "workload: Kind/name is needed"),
    "a container that is a number": ({"tell": {**TELL, "container": 1}}, "container: the name of a container"),
    "no commands": ({"tell": {**TELL, "commands": []}}, "commands: a list of commands"),
    "a restart, perhaps": ({"tell": {**TELL, "restart": "perhaps"}}, "restart: true or false is needed"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_taken(case: str) -> None:
    one(**TAKEN[case])


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    fields, message = REFUSED[case]
    with pytest.raises(InputError, match=message) as refused:
        one(**fields)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *[(word, False) for word in ("no", "No", "false", "False", "off", "0", 0, False, "n", "f")],
        *[(word, True) for word in ("yes", "TRUE", "on", "1", 1, True, " y ", "t")],
        (None, None),
    ],
)
def test_booleans_as_ansible_reads_them(given: object, meant: bool | None) -> None:
    assert one(immutable=given).immutable is meant
    if given is not None:
        assert one(tell={**TELL, "restart": given}).tell["restart"] is meant


@pytest.mark.parametrize("size", [0, 1, 2, 3, 57, 58, 200])
def test_base64_of_any_tool_is_what_it_encodes(size: int) -> None:
    data = bytes(range(200))[:size]
    for text in (base64.b64encode(data), base64.encodebytes(data), base64.encodebytes(data).replace(b"\n", b"\r\n")):
        wanted = [one(**of_value({"base64": text.decode()}))]
        assert resolve(wanted, {}, frozenset(), NEW) == {("n", "s", "a"): data}
