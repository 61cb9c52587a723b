# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sets that are recorded in a test's own namespace."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set

from tests.proxy import fault_proxy


@pytest.fixture
def apply(client, namespace):
    """apply_set() of the set `s` recorded in the test's namespace."""

    def run(objects, **options):
        options = {"name": "s", "namespace": namespace, **options}
        return apply_set(options.pop("client", client), objects, ApplyOptions(**options))

    return run


@pytest.fixture
def front(client):
    """A proxy in front of the API server, with a client that goes through it."""
    with contextlib.ExitStack() as stack:
        proxy, through = stack.enter_context(fault_proxy(client))
        proxy.client = stack.enter_context(contextlib.closing(through()))
        yield proxy


@pytest.fixture
def meanwhile(front):
    """Let something happen once, before the first request that `at` is true of; a fault that it answers happens to
    that request."""

    def arm(at, what):
        waiting = [what]

        def choose(request):
            return waiting.pop()() if waiting and at(request) else None

        front.choose = choose

    return arm
