# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one tree of errors that this collection's plugins raise. Pure.

VcciError                    something the user can act on; str(error) is the message, .errors each fault of it
├── ConfigError              the arguments or the kubeconfig are wrong: nothing was asked of a server
├── InputError               an object or a file handed in is wrong: nothing was asked of a server
├── ConnectionFailed         no answer from the API server, after the retries
├── ApiError                 the API server answered with a Status: .status, .reason, .message, .details
│   ├── Conflict             409: another field manager, or an object changed in between
│   └── NotFound             404
├── SetError                 a set of objects was not brought to its end: .result says what was done of it
│   ├── ApplyError           one or more objects could not be applied: .failures
│   ├── PruneRefused         pruning would delete more than its limit allows: .names
│   └── WaitTimeout          objects did not become ready in time: .pending
└── SetLocked                another run of the same set holds its lease
"""

from __future__ import annotations

from typing import Any


class VcciError(Exception):
    """Root of the tree. `errors` are the single faults of which the message speaks; without them it is one."""

    def __init__(self, message: str, errors: list[str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.errors = errors or [message]


class ConfigError(VcciError):
    pass


class InputError(VcciError):
    pass


class ConnectionFailed(VcciError):
    pass


class ApiError(VcciError):
    def __init__(self, status: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.details = details or {}

    @property
    def causes(self) -> list[dict[str, Any]]:
        return self.details.get("causes") or []


class Conflict(ApiError):
    pass


class NotFound(ApiError):
    pass


class SetError(VcciError):
    """`result` is the applyset.result.Result of what was done until then, None where nothing was."""

    def __init__(self, message: str, errors: list[str] | None = None, result: Any = None) -> None:
        super().__init__(message, errors)
        self.result = result


class ApplyError(SetError):
    """`failures` have `object`, `source` and `message` each."""

    def __init__(self, message: str, failures: list[dict[str, Any]] | None = None, result: Any = None) -> None:
        self.failures = failures or []
        super().__init__(message, [_sourced(failure) for failure in self.failures], result)


class PruneRefused(SetError):
    """`names` are those of the objects that would go."""

    def __init__(self, message: str, names: list[str] | None = None, result: Any = None) -> None:
        self.names = names or []
        super().__init__(message, list(self.names), result)


class WaitTimeout(SetError):
    """`pending` have `object`, `state` and `message` each."""

    def __init__(self, message: str, pending: list[dict[str, Any]] | None = None, result: Any = None) -> None:
        self.pending = pending or []
        super().__init__(message, [f"{entry['object']}: {entry['message']}" for entry in self.pending], result)


class SetLocked(VcciError):
    pass


def _sourced(failure: dict[str, Any]) -> str:
    """With the file or document that the object came from, where it came from one."""
    source = failure.get("source")
    return f"{source}: {failure['message']}" if source else str(failure["message"])


def api_error(status: int, body: dict[str, Any] | None, fallback: str) -> ApiError:
    """The error for an answer of the API server that is not a success."""
    body = body if isinstance(body, dict) else {}
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or fallback)
    kind = {404: NotFound, 409: Conflict}.get(status, ApiError)
    return kind(status, reason, message, body.get("details"))
