# Copyright (c) 2026 GreenLang. All rights reserved.
"""A namespace of a control plane for trials: that of VCCI_TEST_KUBECONFIG, or one of their own."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests import helpers


@contextlib.contextmanager
def place() -> Iterator[tuple[Path, helpers.Client, str]]:
    """A kubeconfig, a client, and the name of a namespace that is deleted at the end."""
    with contextlib.ExitStack() as stack:
        given = os.environ.get("VCCI_TEST_KUBECONFIG")
        if given:
            kubeconfig = Path(given)
        else:
            kubeconfig = stack.enter_context(helpers.own_cluster("soak", range(112, 116), nodes="none")) / "kubeconfig"
        client = helpers.connect(kubeconfig)
        stack.callback(client.close)
        namespace = f"soak-{uuid.uuid4().hex[:8]}"
        helpers.make_namespace(client, namespace)
        stack.callback(client.request, "DELETE", f"/api/v1/namespaces/{namespace}")
        yield kubeconfig, client, namespace
