# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which part a word is.

  serve                                      the sidecar of a member
  configure                                  pgBackRest's file, from ConfigMap and Secrets
  ask <what>                                 a backup, by SQL: auto, full, diff, `expire <label>`
  mark                                       everything up to now is in the archive
  check                                      whether the archive can be that of this database
  explain <time> [tl]                        from which backup that time is reached
  place <run> <time> <backup> <bytes> [tl]   this volume as it was then
  aside <run>                                this volume's data is kept, and begun anew
  may <run> <bytes>                          whether that run may do either here
  kept                                       whether there is something to accept, or to undo, and of which run
  back <run>                                 undo of both
  forget [run]                               nothing of what was before that run is kept
  beside <time> <backup> [tl]                a server with the data as it was
  replica                                    a new replica
  bootstrap                                  the first member of a database whose volumes are all lost
What is asked by a playbook answers with one line of JSON: {"ok": …}, and what was found, or why not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from . import configure, settings


def answers(word: str, given: list[str]) -> Callable[[], dict[str, Any]] | None:
    """What answers with JSON."""
    from . import database, look, restore  # noqa: PLC0415 - not in each process

    found: dict[str, Callable[..., dict[str, Any]]] = {
        "check": look.check,
        "explain": look.explain,
        "mark": lambda: {"at": database.mark()},
        "may": lambda run, size: restore.may(run, int(size)),
        "kept": restore.kept,
        "forget": restore.forget,
    }
    alone: dict[str, Callable[..., dict[str, Any]]] = {
        "place": lambda run, wanted, backup, size, line="": restore.place(run, wanted, backup, int(size), line),
        "aside": restore.aside,
        "back": restore.back,
    }
    if word in alone:
        return lambda: on_own_volume(alone[word], given)
    return (lambda: found[word](*given)) if word in found else None


def on_own_volume(action: Callable[..., dict[str, Any]], given: list[str]) -> dict[str, Any]:
    from . import restore  # noqa: PLC0415 - not in each process

    with restore.own_volume():
        return action(*given)


def told(action: Callable[[], dict[str, Any]]) -> int:
    from . import repository  # noqa: PLC0415 - not in each process

    code, found = 0, dict[str, Any]()
    try:
        found = {"ok": True, **action()}
    except (settings.Refusal, repository.Failure, OSError) as exc:
        code, found = 1, {"ok": False, "said": " ".join(str(exc).split())}
    sys.stdout.write(json.dumps(found) + "\n")
    return code


def main(given: list[str]) -> int:
    word, rest = (given or ["serve"])[0], given[1:]
    action = answers(word, rest)
    if action:
        return told(action)
    try:
        return run(word, rest)
    except settings.Refusal as exc:
        settings.log(f"error: {exc}")
        return 1


def run(word: str, rest: list[str]) -> int:
    """What goes on for long, or answers nothing."""
    from . import ask, repository, restore, serve  # noqa: PLC0415 - not in each process

    if word == "serve":
        serve.serve()
    elif word == "configure":
        configure.write()
    elif word == "ask":
        return ask.ask(" ".join(rest) or "auto")
    elif word == "beside":
        restore.beside(*rest[:2], rest[2] if len(rest) > 2 else "")
    elif word in ("replica", "bootstrap"):
        try:
            getattr(restore, word)()
        except repository.Failure as exc:
            raise settings.Refusal(f"no {word} out of it: {exc}") from exc
    else:
        settings.log(f"error: {word} is none of its words")
        return 2
    return 0
