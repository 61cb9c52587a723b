# Copyright (c) 2026 GreenLang. All rights reserved.
"""What several sets did is told together, also when one of them ends with an error."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.result import Result
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.total import Sum


@pytest.mark.parametrize("last", [Result(created=["b"], unchanged=["c"], warnings=["w"]), None])
def test_an_error_of_one_set_tells_of_those_before_it_too(last):
    done = Sum()
    done.add(Result(created=["a"]))

    def fail():
        raise ApplyError("refused", result=last)

    with pytest.raises(VcciError) as caught, done.ending():
        fail()
    told = caught.value.result.answer(False)
    assert told["changed"]
    assert told["written"] == (["a", "b"] if last else ["a"])
    assert told["counts"]["created"] == (2 if last else 1)
    assert told.get("warnings") == (["w"] if last else None)


def test_nothing_done_is_nothing_changed():
    done = Sum()
    with pytest.raises(VcciError) as caught, done.ending():
        raise VcciError("no")
    assert not caught.value.result.answer(True)["changed"]
