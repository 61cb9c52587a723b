# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one tree of errors that this collection's plugins raise.

VcciError                    something the user can act on; str(error) is the whole message
├── ConfigError              the arguments or the kubeconfig are wrong: nothing was asked of a server
├── InputError               an object or a file handed in is wrong: nothing was asked of a server
├── ConnectionFailed         no answer from the API server, after the retries
├── ApiError                 the API server answered with a Status: .status, .reason, .message, .details
│   ├── Conflict             409: another field manager, or an object changed in between
│   └── NotFound             404
├── ApplyError               one or more objects of a set could not be applied: .failures, .result
├── PruneRefused             pruning would delete more than its limit allows: .names
├── SetLocked                another run of the same set holds its lease
└── WaitTimeout              objects did not become ready in time: .pending, .result
"""

from __future__ import annotations


class VcciError(Exception):
    """Root of the tree."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigError(VcciError):
    pass


class InputError(VcciError):
    pass


class ConnectionFailed(VcciError):
    pass


class ApiError(VcciError):
    def __init__(self, status: int, reason: str, message: str, details: dict | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.details = details or {}

    @property
    def causes(self) -> list[dict]:
        return self.details.get("causes") or []


class Conflict(ApiError):
    pass


class NotFound(ApiError):
    pass


class ApplyError(VcciError):
    def __init__(self, message: str, failures: list[dict] | None = None, result: object = None) -> None:
        super().__init__(message)
        self.failures = failures or []
        self.result = result


class PruneRefused(VcciError):
    def __init__(self, message: str, names: list[str] | None = None, result: object = None) -> None:
        super().__init__(message)
        self.names = names or []
        self.result = result


class SetLocked(VcciError):
    pass


class WaitTimeout(VcciError):
    def __init__(self, message: str, pending: list[dict] | None = None, result: object = None) -> None:
        super().__init__(message)
        self.pending = pending or []
        self.result = result


def api_error(status: int, body: dict | None, fallback: str) -> ApiError:
    """The error for an answer of the API server that is not a success."""
    body = body if isinstance(body, dict) else {}
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or fallback)
    kind = {404: NotFound, 409: Conflict}.get(status, ApiError)
    return kind(status, reason, message, body.get("details"))
