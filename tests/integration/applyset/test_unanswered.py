# Copyright (c) 2026 GreenLang. All rights reserved.
"""Kinds for which nobody answers, while the API server is there: an APIService whose server is away, and objects that
only a webhook which is gone could convert. The run says which, does all else, and deletes nothing that is not seen."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import members
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import GROUP_KINDS
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError, ApplyError, WaitTimeout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import groups

from tests.helpers import eventually
from tests.integration.applyset.objects import config_map, definition, made

AWAY = r"APIService v1\.\S+ is not available \(ServiceNotFound: service/nothing in \"default\" is not present\)"
LOST = r"conversion webhook for \S+, Kind=Widget failed"
NOWHERE = {"name": "nothing", "namespace": "default"}


def widget(group, namespace, name="w", version="v1"):
    return made(f"{group}/{version}", "Widget", namespace, name, spec={"a": 1})


@pytest.fixture
def away(apply, client, namespace, monkeypatch):
    """An API group whose server is away, and that the set's record has."""
    monkeypatch.setattr(groups, "PATIENCE", 0.2)
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    spec = {
        "group": group,
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 1,
        "insecureSkipTLSVerify": True,
        "service": NOWHERE,
    }
    service = made("apiregistration.k8s.io/v1", "APIService", None, f"v1.{group}", spec=spec)
    apply_set(client, [service], ApplyOptions())

    def judged():
        found = client.get("apiregistration.k8s.io/v1", "APIService", f"v1.{group}")
        return (found.get("status") or {}).get("conditions")

    eventually(judged, "the APIService is judged")
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    note = {"metadata": {"annotations": {GROUP_KINDS: f"ConfigMap,Widget.{group}"}}}
    note["data"] = {f"{members.LEAD}Widget.{group}": json.dumps({namespace: ["w"]})}
    path = client.resource("v1", "ConfigMap").path(namespace, "s")
    client.request("PATCH", path, body=note, content_type="application/merge-patch+json")
    yield group
    delete_set(client, [service], ApplyOptions())


@pytest.fixture
def unconverted(apply, client, namespace):
    """A group whose objects, which the set has, cannot be read any more."""
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    defined = definition(group)
    apply_set(client, [defined], ApplyOptions())
    members = [widget(group, namespace, f"w{number}") for number in range(8)]
    apply([config_map(namespace, "a"), config_map(namespace, "b"), *members])
    version = defined["spec"]["versions"][0]
    defined["spec"]["versions"] = [{**version, "name": "v2"}, {**version, "storage": False}]
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": {"service": NOWHERE}}
    defined["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    apply_set(client, [defined], ApplyOptions())

    def lost():
        """The server goes on with the version before, for a moment that nothing bounds."""
        try:
            client.list(f"{group}/v2", "Widget", namespace)
        except ApiError as error:
            return re.search(LOST, str(error))
        return None

    eventually(lost, "the server asks the webhook")
    yield group
    defined["spec"]["conversion"] = {"strategy": "None"}
    apply_set(client, [defined], ApplyOptions())
    delete_set(client, [defined], ApplyOptions())


def failed(run, message):
    with pytest.raises(ApplyError, match=message) as caught:
        run()
    return caught.value.result


def check_verbs(apply, client, namespace, wanted, kind, message):
    """Every verb fails by that message, and does what else there is to do; in check mode it says so."""
    a, b = f"ConfigMap {namespace}/a", f"ConfigMap {namespace}/b"
    new, newer = config_map(namespace, "a", "2"), config_map(namespace, "a", "3")
    options = ApplyOptions(name="s", namespace=namespace, check=True)
    assert failed(lambda: delete_set(client, None, options), message).deleted == [a, b]
    for check in (True, False):
        result = failed(lambda check=check: apply([new, wanted], prune=True, check=check), message)
        assert (result.configured, result.pruned) == ([a], []), "a set of which something fails is not pruned"
        result = failed(lambda check=check: apply([newer], prune=True, check=check), message)
        assert (result.configured, result.pruned) == ([a], [b])
    assert failed(lambda: apply([newer], prune=True), message).unchanged == [a]
    options = ApplyOptions(name="s", namespace=namespace)
    assert failed(lambda: delete_set(client, [newer, wanted], options), message).deleted == [a]
    assert not failed(lambda: delete_set(client, None, options), message).changed
    record = client.get("v1", "ConfigMap", "s", namespace)
    assert {f"{ref.kind}.{ref.group}" for ref in members.decoded(record)} == {kind}, "it is named, and nothing else"
    assert kind in record["metadata"]["annotations"][GROUP_KINDS].split(",")


def test_whose_server_is_away(apply, client, namespace, away):
    check_verbs(apply, client, namespace, widget(away, namespace), f"Widget.{away}", AWAY)


def test_what_nobody_converts(apply, client, namespace, unconverted):
    wanted = widget(unconverted, namespace, "w0", "v2")
    check_verbs(apply, client, namespace, wanted, f"Widget.{unconverted}", LOST)


def test_a_namespace_in_which_something_may_be_unseen_is_kept(apply, client, namespace, away):
    other = f"{namespace}-two"
    home = made("v1", "Namespace", None, other)
    apply([config_map(namespace, "a"), config_map(namespace, "b"), home, config_map(other)])
    result = failed(lambda: apply([config_map(namespace, "a")], prune=True, prune_named=(f"Namespace/{other}",)), AWAY)
    assert f"Namespace {other}" in result.skipped
    assert any(f"Namespace {other}" in line and "may go with it" in line for line in result.warnings)
    path = client.resource("v1", "Namespace").path(None, other)
    client.request("DELETE", path)


def test_a_namespace_that_does_not_go_for_want_of_an_answer_says_so(client, namespace, away):
    home = made("v1", "Namespace", None, f"{namespace}-three")
    apply_set(client, [home], ApplyOptions())
    with pytest.raises(WaitTimeout, match=rf"held by .*{away}"):
        delete_set(client, [home], ApplyOptions(wait=True, wait_timeout=2))
