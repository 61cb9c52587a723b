# Copyright (c) 2026 GreenLang. All rights reserved.
"""A share of the faults of tests/faults.py, spread over verbs, requests and faults; `make soak ONLY=faults` has all."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError

from tests.faults import LIMITS, VERBS, Trial, Verb, cases
from tests.proxy import FAULTS, fault_proxy

SHARE = 17  # every so many of them; a prime, so that each fault meets many requests
SHARE_OF_SLOW = 5  # of those for which something has to be waited


@pytest.fixture
def trial(client, namespace):
    with fault_proxy(client, **LIMITS) as (proxy, connect):
        yield Trial(client, namespace, proxy, connect)


@pytest.mark.parametrize("verb", VERBS)
def test_each_fault_ends_in_the_right_state_or_in_one_error(trial, verb):
    chosen = [case for number, case in enumerate(cases(trial, [verb])) if number % SHARE == list(VERBS).index(verb)]
    slow = [case for case in chosen if case[2] in ("slow", "429 for a second")][SHARE_OF_SLOW:]
    for case in chosen:
        if case not in slow:
            trial.check(*case)


@pytest.mark.parametrize("fault", ["reset before", "503", "lost answer", "HTML"])
def test_a_server_that_stays_away_ends_a_run_once(trial, fault):
    """Patience is over for all requests at once; one line says so, the result says what was done, and the next run goes
    on from there."""
    verb = Verb((), tuple(range(80)))
    trial.prepare(verb)
    trial.proxy.arm(40, FAULTS[fault], for_good=True)
    client = trial.connect()
    client.retry_for = 1.5
    with pytest.raises(VcciError) as caught:
        trial.run(client, verb, verb.after, verb.value)
    client.close()
    error = caught.value
    assert len(error.errors) == 1, error.errors
    assert error.result.changed
    assert 0 < len(error.result.created) < 80
    assert len(error.result.created) + len(error.result.skipped) + len(error.result.failed) >= 80
    trial.check_result(error.result, {}, trial.state(), fault)
    trial.proxy.arm()
    trial.converge(verb, fault)
