# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that are left out where the server does not know their kind, and those that are not."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import plan
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, NotFound
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kinds import BUILT_IN, Resource

OPTIONAL = "applyset.greenlang.io/optional"
GROUP = "admissionregistration.k8s.io/v1"
OLD = {key: value for key, value in BUILT_IN.items() if not key[1].startswith("Mutating")}


def thing(kind: str, without: str | None, name: str = "a", api: str = GROUP) -> dict:
    annotations = {} if without is None else {OPTIONAL: without}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "annotations": annotations}}


def resolved(objects: list[dict], kinds: dict, lenient: bool) -> tuple[list[str], list[str], list[plan.Item]]:
    def lookup(api: str, kind: str) -> Resource:
        if (api, kind) not in kinds:
            raise NotFound(404, "KindNotServed", f"the server does not serve {kind} in {api}")
        return kinds[api, kind]

    items = plan.build(objects, None)
    warnings = plan.resolve(items, lookup, lenient=lenient)
    return [item.label for item in items], warnings, items


POLICY, BINDING = "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"
BOTH = [thing(POLICY, "it is refused"), thing(BINDING, "it is refused"), thing("ValidatingAdmissionPolicy", None)]


@pytest.mark.parametrize("lenient", [True, False])
def test_what_a_server_does_not_know_is_left_out_with_one_warning(lenient: bool) -> None:
    labels, warnings, _items = resolved(BOTH, OLD, lenient)
    assert labels == ["ValidatingAdmissionPolicy a"]
    left = f"{POLICY} a, {BINDING} a: left out, since the server does not serve these kinds: it is refused"
    assert warnings == [left]


@pytest.mark.parametrize("lenient", [True, False])
def test_what_it_knows_is_there_without_the_annotation(lenient: bool) -> None:
    kinds = {**OLD, **{(GROUP, kind): Resource(GROUP, kind, kind.lower(), False) for kind in (POLICY, BINDING)}}
    labels, warnings, items = resolved(BOTH, kinds, lenient)
    assert len(labels) == 3
    assert warnings == []
    assert not any(OPTIONAL in item.desired["metadata"].get("annotations", {}) for item in items)


def test_each_reason_is_told() -> None:
    objects = [thing("Widget", "no widgets", api="x.example/v1"), thing("Gadget", "no gadgets", api="x.example/v1")]
    labels, warnings, _items = resolved(objects, OLD, lenient=False)
    assert labels == []
    assert warnings == [
        "Widget.x.example a: left out, since the server does not serve this kind: no widgets",
        "Gadget.x.example a: left out, since the server does not serve this kind: no gadgets",
    ]


@pytest.mark.parametrize("without", [None, "", "  "])
def test_all_others_are_needed(without: str | None) -> None:
    with pytest.raises(InputError, match="does not serve MutatingAdmissionPolicy"):
        resolved([thing(POLICY, without)], OLD, lenient=False)
