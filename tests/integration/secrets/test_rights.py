# Copyright (c) 2026 GreenLang. All rights reserved.
"""The table of rights in docs/runbooks/secrets.md is enough: whoever seals needs no private key."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.controller import NAME
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.stores.objects import FEW
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.survey import survey
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE, Client, impersonating
from tests.integration.secrets.controller import SLICES, newest_certificate

pytestmark = pytest.mark.usefixtures("controller")
GROUP = "rbac.authorization.k8s.io"
SEALER = [
    {"apiGroups": ["bitnami.com"], "resources": ["sealedsecrets"], "verbs": ["get", "list", "create", "patch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]},
]
WITHOUT_RECORDS = [*SEALER[:2], {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
ASKER = [
    {
        "apiGroups": [""],
        "resources": ["services/proxy"],
        "resourceNames": [f"http:{NAME}:http", f"http:{NAME}:"],
        "verbs": ["get"],
    }
]


def role(user: str, namespace: str, rules: list[dict]) -> list[dict]:
    metadata = {"name": user, "namespace": namespace}
    bound = {"apiVersion": f"{GROUP}/v1", "kind": "RoleBinding", "metadata": metadata}
    return [
        {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            **bound,
            "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": user},
            "subjects": [{"apiGroup": GROUP, "kind": "User", "name": user}],
        },
    ]


@pytest.fixture
def account(client, namespace, kubeconfig) -> Iterator[Callable[..., Client]]:
    """A client of a user with these rights in the test's namespace and in the controller's, and no others."""
    made = []

    def connect(here: list[dict], there: list[dict]) -> Client:
        user = f"sealer-{namespace}"
        roles = [*role(user, namespace, here), *role(user, "kube-system", there)]
        apply_set(client, roles, ApplyOptions(diff=False))
        made.append(impersonating(kubeconfig, user, roles))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def is_served(client: Client) -> bool:
    """Whether the API server reaches the controller, for which this machine needs an address beside its loopback."""
    of_service = {"labelSelector": f"kubernetes.io/service-name={NAME}"}
    return bool(client.request("GET", SLICES, query=of_service)["items"])


@pytest.mark.parametrize("number", [1, FEW + 1])
@pytest.mark.parametrize("records", [True, False])
def test_who_seals_needs_no_private_key(client, namespace, account, number: int, records: bool) -> None:
    if not is_served(client):
        pytest.skip("the API server does not reach the controller here")
    sealer = account(SEALER if records else WITHOUT_RECORDS, ASKER)
    wanted = [{"name": f"s{at}", "values": {"given": "x", "made": {"generate": {}}}} for at in range(number)]
    options = Options(name="mine", record_namespace=namespace, wait_timeout=PATIENCE)
    made = run_secrets(sealer, read(wanted, namespace), options)
    assert made["changed"]
    told = [warning for warning in made.get("warnings", []) if "the record of set mine may not be written" in warning]
    assert bool(told) != records
    first = {name: client.get("v1", "Secret", name, namespace)["data"] for name in ("s0", f"s{number - 1}")}
    assert not run_secrets(sealer, read(wanted, namespace), options)["changed"]
    wanted[0]["values"]["given"] = "y"
    again = run_secrets(sealer, read(wanted, namespace), options)
    assert again["secrets"][f"{namespace}/s0"]["changed_keys"] == ["given"]
    assert client.get("v1", "Secret", "s0", namespace)["data"]["made"] == first["s0"]["made"]


def test_without_that_right_the_error_says_which_and_a_certificate_helps(
    namespace, account, sealing_keys, tmp_path
) -> None:
    sealer = account(SEALER, [])
    wanted = read([{"name": "s", "values": {"given": "x"}}], namespace)
    options = {"name": "mine", "record_namespace": namespace, "wait_timeout": PATIENCE}
    with pytest.raises(
        InputError, match=r"may not be read.*services/proxy.*give certificate, as `kubeseal --fetch-cert`"
    ):
        run_secrets(sealer, wanted, Options(**options))
    (tmp_path / "cert.pem").write_bytes(newest_certificate(sealing_keys))
    assert run_secrets(sealer, wanted, Options(**options, certificate=str(tmp_path / "cert.pem")))["changed"]


def test_a_report_says_what_it_may(client, namespace, account) -> None:
    wanted = read([{"name": "s", "values": {"given": "x"}}], namespace)
    run_secrets(client, wanted, Options(name="mine", record_namespace=namespace, wait_timeout=PATIENCE))
    found = survey(account(SEALER, []), [namespace], "kube-system", 90)
    one = found["secrets"][f"{namespace}/s"]
    assert (one["decrypts"], one["equal"], one["consumers"], one["synced"]) == (None, None, None, True)
    assert found["sealing_keys"] is None
    assert found["table"][1].split()[4:8] == ["d", "?", "?", "?"]
    reader = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "get"]}]
    found = survey(account(SEALER, reader), [namespace], "kube-system", 90)
    one = found["secrets"][f"{namespace}/s"]
    assert (one["decrypts"], one["equal"], one["consumers"]) == (True, True, None)
    assert base64.b64encode(b"x").decode() not in str(found)
