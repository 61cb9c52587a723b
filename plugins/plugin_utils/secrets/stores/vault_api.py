# Copyright (c) 2026 GreenLang. All rights reserved.
"""What Vault or OpenBao answers: the answer itself, or its own words in one clear error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import VcciError
from .keeper import refused

try:
    from hvac.exceptions import InvalidPath, InvalidRequest, VaultError
    from requests.exceptions import RequestException

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

WAYS = {
    "Forbidden": "the token must be valid and its policy allow this: docs/runbooks/secrets.md has the capabilities",
    "RateLimitExceeded": "a quota of requests is used up: run this later",
    "VaultDown": "it is sealed, or not ready: unseal it, and run this again",
}
REACHED = "vault.address must be that of an active node, and its certificate's authority known (vault.ca_cert)"


def ask(name: str, verb: str, request: Callable[[], Any], ways: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The answer. InvalidPath and InvalidRequest are the caller's to understand.

    ways  of each kind of refusal what to do about it; WAYS unless given.
    """
    try:
        answer = request()
    except (InvalidPath, InvalidRequest):
        raise
    except VaultError as exc:
        raise told(exc, name, verb, ways) from None
    except RequestException as exc:
        raise VcciError(f"{name}: {verb}: no answer ({type(exc).__name__}); {REACHED}") from None
    if isinstance(answer, dict):
        return answer
    where = f" to {answer.headers.get('Location')}" if answer.is_redirect else ""
    raise VcciError(f"{name}: {verb} was answered with {answer.status_code}{where}, and not by Vault; {REACHED}")


def words_of(exc: VaultError) -> str:
    """Vault's own; those that come over several lines in one."""
    return " ".join(str(exc.args[0] if exc.args else "").split()) or type(exc).__name__


def told(exc: VaultError, name: str, verb: str, ways: Mapping[str, str] | None = None) -> VcciError:
    return refused(name, verb, words_of(exc), (WAYS if ways is None else ways).get(type(exc).__name__, ""))
