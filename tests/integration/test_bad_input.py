# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whatever stands in an option of a plugin: the result is right, or one clear error; never a Python exception, never a
wait."""

from __future__ import annotations

import datetime
import importlib
import itertools
import json
import threading
from typing import Any

import hypothesis
import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import client as clients
from hypothesis import strategies as st

from tests import actions
from tests.helpers import PATIENCE, ROOT
from tests.scripted import Request, answer, scripted

PLUGINS = sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py"))
SMALL = {"quota": {"configmaps": 10, "requests.cpu": 1}, "limits": {"default": {"cpu": "100m"}, "max_volume": "1Gi"}}
ACME = {"id": "acme", "name": "Acme", "tier": "small", "owners": [{"group": "g"}]}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "namespace": "default"}}
# What a task of each plugin needs at least. All are run in check mode.
LEAST: dict[str, dict[str, Any]] = {
    "applyset": {"name": "s", "definition": [CONFIG_MAP]},
    "cluster_identity": {"environment_name": "test"},
    "cluster_preflight": {},
    "local_cluster": {"name": "h-sweep", "nodes": "none", "subnet": "10.124.0.0/16"},
    "objects_info": {"kind": "ConfigMap"},
    "platform_check": {"namespace": "n", "api_host": "h", "timeout": 0},
    "pod_exec": {"namespace": "n", "pod": "p", "container": "c", "command": "true"},
    "sealed_secret": {"secrets": [{"name": "s", "namespace": "n", "values": {"a": {"value": "b"}}}]},
    "sealing_keys": {"state": "reencrypted"},
    "tenant_attempts": {"namespaces": ["n", "m"], "image": "i"},
    "tenant_state": {"id": "acme", "state": "suspended"},
    "tenants": {"tiers": {"small": SMALL}, "tenants": [ACME]},
    "tier_quota": {"tiers": {"small": SMALL}, "namespaces": [{"name": "default", "tier": "small"}]},
}
NASTY: list[Any] = [
    *(
        None,
        "",
        " ",
        5,
        -1,
        0,
        1.5,
        True,
        [],
        {},
        "x" * 100_000,
        "a b\nc",
        "🚀 ü\u202e",
        "\ud800",
        "a\0b",
        "/none/there",
    ),
    *(["a", 5, None], [[["x"]]], {"a": {"b": [1]}}, [{}], [{"name": 5}], {"x": None}, [None], {5: 6}, [{"a": "b"}]),
    *(float("inf"), float("nan"), 10**30, "1e999", "0x10", "no", "-" * 5000, b"bytes", datetime.date(2001, 1, 1)),
]
# Too long, of no text, of nobody; a folder; below a file.
NO_PATHS = ("-" * 5000, "x" * 100_000, "a\0b", "\ud800", "/none/there", "/proc", "/proc/version/x", "~nobody-is-this/x")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
EACH = 4  # of the values above for each option; another part of them for the next option


def spec_of(plugin: str) -> dict[str, dict[str, Any]]:
    module = importlib.import_module(f"ansible_collections.greenlang.vcci.plugins.action.{plugin}")
    return dict(module.ActionModule.ARGUMENTS)


def options_of(plugin: str) -> list[str]:
    return list(spec_of(plugin))


def empty_cluster(request: Request) -> bytes:
    """Serves what is built in, and has nothing."""
    if request.method == "GET" and request.path.endswith("s") and "/namespaces/" not in request.path:
        return answer(200, {"items": [], "metadata": {}})
    return answer(404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "message": "not found"})


@pytest.fixture(scope="module")
def server():
    with scripted(empty_cluster) as made:
        yield made.url


@pytest.fixture(scope="module", autouse=True)
def soon():
    """What does not answer is not asked again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clients, "FIRST_PATIENCE", 0.0)
        yield


def check(plugin: str, server: str, option: str, value: Any) -> None:
    args = {
        **({} if plugin == "local_cluster" else {"host": server, "api_key": "t"}),
        **LEAST.get(plugin, {}),
        option: value,
    }
    found: list[dict[str, Any]] = []
    done = threading.Thread(target=lambda: found.append(actions.run(plugin, args, check=True, diff=True)), daemon=True)
    done.start()
    done.join(PATIENCE)
    assert not done.is_alive(), "it waits"
    assert found, "an exception, which is shown above"
    [result] = found
    json.dumps(result)
    if not result.get("failed"):
        return
    assert result["msg"].strip()
    for error in result["errors"]:
        assert len(error) < 300, error
        assert "Traceback" not in error


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_option(plugin: str, server: str) -> None:
    values = itertools.cycle(NASTY)
    for option in options_of(plugin):
        for value in itertools.islice(values, EACH):
            try:
                check(plugin, server, option, value)
            except AssertionError as exc:
                raise AssertionError(f"{option}: {value!r:.80}: {exc}") from exc


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_is_no_path_in_every_path(plugin: str, server: str) -> None:
    for option, spec in spec_of(plugin).items():
        for value in NO_PATHS if "path" in (spec.get("type"), spec.get("elements")) else ():
            try:
                check(plugin, server, option, value)
            except AssertionError as exc:
                raise AssertionError(f"{option}: {value!r:.80}: {exc}") from exc


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("plugin", PLUGINS)
def test_anything_in_any_option(plugin: str, server: str) -> None:
    options = st.sampled_from([name for name in options_of(plugin) if name not in ("src", "host", "proxy")])

    # As it was found is as it is told: making it smaller takes minutes, and it is small.
    @hypothesis.settings(max_examples=25, database=None, phases=(hypothesis.Phase.generate,))
    @hypothesis.given(option=options, value=VALUES)
    def examine(option: str, value: Any) -> None:
        check(plugin, server, option, value)

    examine()
