# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tenant_attempts: its documentation is in plugins/modules/tenant_attempts.py."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ansible.plugins.action import ActionBase
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import JSON, MERGE_PATCH, Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import table
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.attempts import Attempt, Target, attempts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.objects import LIMITS, QUOTA

ARGUMENTS = {
    **connection_argument_spec(),
    "namespaces": {"type": "list", "elements": "str", "required": True},
    "image": {"type": "str", "required": True},
}


class ActionModule(ActionBase):
    """Try in dry runs what must be allowed and what must be refused."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENTS)
        try:
            if len(args["namespaces"]) < 2:
                raise VcciError("isolation is proved between tenants: name two namespaces at least")
            client = Client.from_params(args)
            targets = [self._target(client, namespace) for namespace in args["namespaces"]]
            tried = [attempt for here, there in zip(targets, [*targets[1:], targets[0]], strict=True)
                     for attempt in attempts(here, there.namespace, args["image"])]
            clients = {who: Client.from_params({**args, "impersonate_user": who[0], "impersonate_groups": list(who[1])}) if who[0] else client
                       for who in {(attempt.user, attempt.groups) for attempt in tried}}
            with ThreadPoolExecutor(max_workers=8) as pool:
                answers = list(pool.map(lambda attempt: self._try(clients[attempt.user, attempt.groups], attempt), tried))
        except VcciError as exc:
            return {**result, "failed": True, "msg": exc.message}
        rows, wrong = [("from", "what", "must be", "was", "")], []
        for attempt, message in zip(tried, answers, strict=True):
            wanted, (was, right) = "refused" if attempt.refusal else "allowed", attempt.verdict(message)
            rows.append((attempt.source, attempt.name, wanted, was, "ok" if right else "WRONG"))
            if not right:
                wrong.append(f"{attempt.source}: {attempt.name} must be {wanted}, was {was}" + (f": {message}" if message else ""))
        failure = {"failed": True, "msg": f"{len(wrong)} of {len(tried)} cells are wrong:\n" + "\n".join(wrong)} if wrong else {}
        return {**result, "changed": False, "lines": table(rows), "wrong": wrong, "cells": len(tried), **failure}

    @staticmethod
    def _target(client: Client, namespace: str) -> Target:
        quota, limits = client.get("v1", "ResourceQuota", QUOTA, namespace), client.get("v1", "LimitRange", LIMITS, namespace)
        binding = client.get("rbac.authorization.k8s.io/v1", "RoleBinding", "tenant-admin", namespace)
        if quota is None or binding is None:
            raise VcciError(f"{namespace} is no tenant's namespace, or its tenant was cordoned")
        container: dict = next((entry for entry in (limits or {}).get("spec", {}).get("limits", []) if entry["type"] == "Container"), {})
        return Target(namespace, next(iter(binding.get("subjects") or []), None), quota["spec"]["hard"], container.get("max") or {})

    @staticmethod
    def _try(client: Client, attempt: Attempt) -> str | None:
        try:
            query = {} if attempt.method == "GET" else {"dryRun": "All"}
            client.request(attempt.method, attempt.path, query=query, body=attempt.body, content_type=MERGE_PATCH if attempt.method == "PATCH" else JSON)
        except ApiError as exc:
            if exc.status in (403, 422):
                return exc.message
            raise
        return None
