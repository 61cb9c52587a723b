# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sets that are recorded in a test's own namespace."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set


@pytest.fixture
def apply(client, namespace):
    """apply_set() of the set `s` recorded in the test's namespace."""

    def run(objects, **options):
        options = {"name": "s", "namespace": namespace, **options}
        return apply_set(options.pop("client", client), objects, ApplyOptions(**options))

    return run
