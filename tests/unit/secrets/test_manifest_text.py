# Copyright (c) 2026 GreenLang. All rights reserved.
"""Ciphertexts are exchanged where they stand, in every style of YAML, and every other byte stays."""

from __future__ import annotations

import json
import textwrap

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.manifest_text import exchanged, sealed_secrets

OLD, NEW = "AgB" + "x" * 40 + "==", "AgC" + "y" * 50 + "="
HEAD = "kind: SealedSecret\nmetadata: {name: a, namespace: n}\nspec:\n  encryptedData:\n"
HALVES = OLD[:20], OLD[20:]

# How one ciphertext may stand there: before, and after.
STYLES = {
    "plain": (f"    foo: {OLD}\n", f"    foo: {NEW}\n"),
    "plain, with a comment": (f"    foo: {OLD}  # why\n    # more\n", f"    foo: {NEW}  # why\n    # more\n"),
    "without an end of the line": (f"    foo: {OLD}", f"    foo: {NEW}"),
    "in single quotes": (f"    foo: '{OLD}'\n", f"    foo: '{NEW}'\n"),
    "in double quotes": (f'    foo: "{OLD}"\n', f'    foo: "{NEW}"\n'),
    "escaped": (f'    foo: "\\x41{OLD[1:]}"\n', f'    foo: "{NEW}"\n'),
    "a block": (f"    foo: |\n      {OLD}\n", f"    foo: |\n      {NEW}\n"),
    "a block of lines": (f"    foo: |\n      {HALVES[0]}\n      {HALVES[1]}\n", f"    foo: |\n      {NEW}\n"),
    "a block without its last line end": (f"    foo: |-\n      {OLD}\n", f"    foo: |-\n      {NEW}\n"),
    "a block with all line ends": (f"    foo: |+\n      {OLD}\n\n\n", f"    foo: |+\n      {NEW}\n\n\n"),
    "a block with its indent": (f"    foo: |2\n      {OLD}\n", f"    foo: |2\n      {NEW}\n"),
    "a block with a comment": (f"    foo: | # why\n      {OLD}\n", f"    foo: | # why\n      {NEW}\n"),
    "a block at the end": (f"    foo: |\n      {OLD}", f"    foo: |\n      {NEW}"),
    "a folded block": (f"    foo: >\n      {HALVES[0]}\n\n      {HALVES[1]}\n", f"    foo: >\n      {NEW}\n"),
    "a block before others": (
        f"    foo: |\n      {OLD}\n    # c\n    z: 'b'\n",
        f"    foo: |\n      {NEW}\n    # c\n    z: 'b'\n",
    ),
    "under its key": (f"    foo:\n      {OLD}\n", f"    foo:\n      {NEW}\n"),
    "with an anchor": (f"    foo: &x {OLD}\n", f"    foo: &x {NEW}\n"),
    "with a tag": (f"    foo: !!str {OLD}\n", f"    foo: !!str {NEW}\n"),
    "with both, in quotes": (f"    foo: !!str &x '{OLD}'\n", f"    foo: !!str &x '{NEW}'\n"),
    "a block with an anchor": (f"    foo: &x |\n      {OLD}\n", f"    foo: &x |\n      {NEW}\n"),
    "a key in quotes": (f"    'foo': {OLD}\n", f"    'foo': {NEW}\n"),
    "a flow": (f"    {{other: b, foo: {OLD}}}\n", f"    {{other: b, foo: {NEW}}}\n"),
    "a flow in quotes": (f'    {{"foo":"{OLD}"}}\n', f'    {{"foo":"{NEW}"}}\n'),
    "the last of two": (f"    foo: aaa\n    foo: {OLD}\n", f"    foo: aaa\n    foo: {NEW}\n"),
}
ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("style", STYLES)
def test_a_ciphertext_is_exchanged_where_it_stands(style: str, end: str) -> None:
    before, after = ((HEAD + text).replace("\n", ENDS[end]) for text in STYLES[style])
    for lead in ("", "# a comment: ä\n---\n".replace("\n", ENDS[end]), "\ufeff"):
        [found] = sealed_secrets(lead + before, "here")
        assert found.sealed["spec"]["encryptedData"]["foo"].replace("\n", "").replace(" ", "") == OLD
        text = exchanged(lead + before, {found.places["foo"]: NEW})
        assert text == lead + after
        assert yaml.safe_load(text)["spec"]["encryptedData"]["foo"].strip() == NEW


def test_json() -> None:
    one = {"kind": "SealedSecret", "metadata": {"name": "a"}, "spec": {"encryptedData": {"foo": OLD}}}
    for indent in (None, 1):
        text = json.dumps({"kind": "List", "items": [one, {"kind": "Secret"}, one]}, indent=indent)
        first, second = sealed_secrets(text, "here")
        assert first.places != second.places
        changed = exchanged(text, {first.places["foo"]: NEW, second.places["foo"]: NEW})
        assert changed == text.replace(OLD, NEW)


def test_equal_ciphertexts_are_told_apart() -> None:
    text = f"{HEAD}    foo: {OLD}\n---\n{HEAD}    foo: {OLD}\n    bar: {OLD}\n"
    first, second = sealed_secrets(text, "here")
    changed = exchanged(text, {second.places["foo"]: NEW})
    assert changed == f"{HEAD}    foo: {OLD}\n---\n{HEAD}    foo: {NEW}\n    bar: {OLD}\n"
    assert len({*first.places.values(), *second.places.values()}) == 3


def test_an_alias_is_exchanged_with_its_anchor() -> None:
    text = f"{HEAD}    foo: &x {OLD}\n    bar: *x\n"
    [found] = sealed_secrets(text, "here")
    assert found.places["foo"] == found.places["bar"]
    assert exchanged(text, {found.places["bar"]: NEW}) == text.replace(OLD, NEW)


def test_what_is_merged_is_exchanged_where_it_stands() -> None:
    text = f"kind: SealedSecret\nmetadata: {{name: a}}\nx: &x\n  foo: {OLD}\nspec:\n  encryptedData:\n    <<: *x\n"
    [found] = sealed_secrets(text, "here")
    assert exchanged(text, {found.places["foo"]: NEW}) == text.replace(OLD, NEW)


OTHERS = {
    "nothing": "",
    "a text": "SealedSecret\n",
    "other kinds": "kind: ConfigMap\ndata: {a: SealedSecret}\n",
    "items that are no list": "items:\nkind: X\n---\nitems: [a, b]\n---\njust text\n",
    "tags of others": "key: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61\nother: !Sub SealedSecret\nmap: !x {a: !y [b]}",
    "a SealedSecret without values": "kind: SealedSecret\nmetadata: {name: a}\n",
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_no_sealed_secret_is_passed_over(case: str) -> None:
    assert [found.places for found in sealed_secrets(OTHERS[case], "here")] == (
        [{}] if case == "a SealedSecret without values" else []
    )


def test_tags_of_others_beside_a_sealed_secret() -> None:
    text = f"a: !vault x\n---\n{HEAD}    foo: {OLD}\n"
    [found] = sealed_secrets(text, "here")
    assert exchanged(text, {found.places["foo"]: NEW}) == text.replace(OLD, NEW)


WRONG = {
    "no YAML": ("a: [", "here is not YAML"),
    "no date": ("when: 2026-13-01\n", "here is not YAML"),
    "a tab": ("\ta: b\n", "here is not YAML"),
    "without an end": ("[" * 2000 + "]" * 2000, "here is nested too deeply"),
    "a list of ciphertexts": (
        HEAD.replace("encryptedData:\n", "encryptedData: [a]\n"),
        "here holds a damaged SealedSecret",
    ),
    "a number as ciphertext": (HEAD + "    foo: 12\n", "here holds a damaged SealedSecret"),
    "no ciphertext": (HEAD + "    foo:\n", "here holds a damaged SealedSecret"),
    "a mapping as ciphertext": (HEAD + "    foo: {a: b}\n", "here holds a damaged SealedSecret"),
    "a ciphertext of a tag": (HEAD + f"    foo: !vault {OLD}\n", "here holds a damaged SealedSecret"),
    "no metadata": ("kind: SealedSecret\nspec: {}\n", "here holds a damaged SealedSecret"),
    "annotations that are a list": (
        "kind: SealedSecret\nmetadata: {annotations: [a]}\nspec: {}\n",
        "here holds a damaged SealedSecret",
    ),
    "a spec that is a text": ("kind: SealedSecret\nmetadata: {}\nspec: text\n", "here holds a damaged SealedSecret"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_with_its_file(case: str) -> None:
    text, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        sealed_secrets(text, "here")


def test_an_indented_document_keeps_its_shape() -> None:
    text = textwrap.indent(HEAD + f"    foo: |\n        {OLD}\n    bar: x\n", "  ")
    [found] = sealed_secrets(text, "here")
    assert exchanged(text, {found.places["foo"]: NEW}) == text.replace(OLD, NEW)
