# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one tree of errors that this collection's plugins raise. Pure.

VcciError                    something the user can act on; str(error) is the message, .errors each fault of it
├── ConfigError              the arguments or the kubeconfig are wrong: nothing was asked of a server
├── InputError               an object or a file handed in is wrong: nothing was asked of a server
├── ConnectionFailed         no answer from the API server, after the retries
│   └── GivenUp              the run's patience is over: this request was not made any more
├── ApiError                 the API server answered with a Status: .status, .reason, .message, .details
│   ├── Conflict             409: another field manager, or an object changed in between
│   ├── NotFound             404
│   └── Unavailable          the API server is there, and nobody answers for the API group in question
├── SetError                 a set of objects was not brought to its end: .result says what was done of it
│   ├── ApplyError           one or more objects could not be applied: .failures
│   │   └── Overtaken        one of them was changed by somebody else since it was read and decided about
│   ├── PruneRefused         pruning would delete more than its limit allows: .names
│   └── WaitTimeout          objects did not become ready in time: .pending
├── SetLocked                another run of the same set holds its lease
└── Foreign                  an object belongs to another set: the message names both
"""

from __future__ import annotations

import re
from typing import Any

LINE = 299  # characters of a line about what was given to us
SHOWN = 80  # characters of a value in it
_LONG_WORD = re.compile(r"\S{200,}")


def brief(value: object, limit: int = SHOWN) -> str:
    """A text of any length, or what Python calls a value that is none, short enough for a message and in one line. Its
    middle is left out: what it is about comes first, and what to do last."""
    text = value if isinstance(value, str) else repr(value)
    ends = text if len(text) < 40 * limit else f"{text[: 20 * limit]} {text[-20 * limit :]}"
    text = " ".join(ends.split())
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[3 - limit // 2 :]}"


class VcciError(Exception):
    """Root of the tree. `errors` are the single faults of which the message speaks; without them it is one.

    `result` is the applyset.result.Result of what a run had done when this ended it, None outside of runs.
    """

    result: Any = None

    def __init__(self, message: str, errors: list[str] | None = None) -> None:
        self.message = _LONG_WORD.sub(lambda word: brief(word[0]), message)
        super().__init__(self.message)
        self.errors = [_LONG_WORD.sub(lambda word: brief(word[0]), error) for error in errors or ()] or [self.message]


class _Given(VcciError):
    """Is about what was given to us, which may be of any length: each fault is told in a short line all the same."""

    def __init__(self, message: str, errors: list[str] | None = None) -> None:
        if not errors or len(errors) == 1:
            message = "\n".join(line if len(line) <= LINE else brief(line, LINE) for line in message.splitlines())
        super().__init__(message, errors and [brief(error, LINE) for error in errors])


class ConfigError(_Given):
    pass


class InputError(_Given):
    pass


class ConnectionFailed(VcciError):
    pass


class GivenUp(ConnectionFailed):
    """Its message is that of the request for which the run's patience ended."""


class ApiError(VcciError):
    def __init__(self, status: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.details = details or {}

    @property
    def causes(self) -> list[dict[str, Any]]:
        """Of which `reason`, `message` and `field` are texts, where they are there."""
        found = self.details.get("causes")
        causes = [cause for cause in found if isinstance(cause, dict)] if isinstance(found, list) else []
        return [_texts(cause) for cause in causes]


class Conflict(ApiError):
    pass


class NotFound(ApiError):
    pass


class Unavailable(ApiError):
    """The message names the APIService."""


class SetError(VcciError):
    def __init__(self, message: str, errors: list[str] | None = None, result: Any = None) -> None:
        super().__init__(message, errors)
        self.result = result


class ApplyError(SetError):
    """`failures` have `object`, `source` and `message` each."""

    def __init__(self, message: str, failures: list[dict[str, Any]] | None = None, result: Any = None) -> None:
        self.failures = failures or []
        super().__init__(message, [_sourced(failure) for failure in self.failures], result)


class Overtaken(ApplyError):
    """Who reads and decides again may succeed."""


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


class Foreign(VcciError):
    pass


def _texts(mapping: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in mapping.items() if value is not None}


def _sourced(failure: dict[str, Any]) -> str:
    """With the file or document that the object came from, where it came from one."""
    source = failure.get("source")
    return f"{source}: {failure['message']}" if source else str(failure["message"])


def api_error(status: int, body: object, fallback: str) -> ApiError:
    """The error for an answer of the API server, or of whoever answers in its place, that is not a success."""
    body = body if isinstance(body, dict) else {}
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or fallback)
    kind = {404: NotFound, 409: Conflict}.get(status, ApiError)
    details = body.get("details")
    return kind(status, reason, message, details if isinstance(details, dict) else None)
