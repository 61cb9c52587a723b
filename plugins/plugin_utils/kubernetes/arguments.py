# Copyright (c) 2026 GreenLang. All rights reserved.
"""The connection arguments that all plugins share: those of the doc fragment greenlang.vcci.connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ansible.module_utils.errors import AnsibleFallbackNotFound


def connection_argument_spec() -> dict[str, dict[str, Any]]:
    """Names and environment are as kubernetes.core has them."""
    return {
        "kubeconfig": {"type": "raw", "fallback": _env("KUBECONFIG")},
        "context": {"type": "str", "fallback": _env("CONTEXT")},
        "host": {"type": "str", "fallback": _env("HOST")},
        "api_key": {"type": "str", "no_log": True, "fallback": _env("API_KEY")},
        "username": {"type": "str", "fallback": _env("USERNAME")},
        "password": {"type": "str", "no_log": True, "fallback": _env("PASSWORD")},
        "validate_certs": {"type": "bool", "aliases": ["verify_ssl"], "fallback": _env("VERIFY_SSL")},
        "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": _env("SSL_CA_CERT")},
        "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": _env("CERT_FILE")},
        "client_key": {"type": "path", "aliases": ["key_file"], "fallback": _env("KEY_FILE")},
        "tls_server_name": {"type": "str", "fallback": _env("TLS_SERVER_NAME")},
        "proxy": {"type": "str", "fallback": _env("PROXY")},
        "no_proxy": {"type": "str", "fallback": _env("NO_PROXY")},
        "proxy_headers": {
            "type": "dict",
            "options": {
                "proxy_basic_auth": {"type": "str", "no_log": True},
                "basic_auth": {"type": "str", "no_log": True},
                "user_agent": {"type": "str"},
            },
        },
        "impersonate_user": {"type": "str", "fallback": _env("IMPERSONATE_USER")},
        "impersonate_groups": {"type": "list", "elements": "str", "fallback": _env("IMPERSONATE_GROUPS")},
    }


def _env(name: str) -> tuple[Callable[..., Any], list[str]]:
    return (_from_environment, ["K8S_AUTH_" + name])


def _from_environment(name: str) -> str:
    """What is set to nothing is not set."""
    if not os.environ.get(name):
        raise AnsibleFallbackNotFound
    return os.environ[name]
