# Copyright (c) 2026 GreenLang. All rights reserved.
"""Why a pod does not start, in a few words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..kubernetes.rules import conditions

Object = Mapping[str, Any]
PULL, CONFIG, CRASH, ROOM, CREATE = "pull", "config", "crash", "room", "create"
_PULL = ("ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed")
_NEVER = ("InvalidImageName", "ErrImageNeverPull")  # no later attempt can end otherwise
_CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError")
MANY_CRASHES = 3  # restarts before which what it depends on may just not be up yet
_LONGEST = 300  # characters of a message


class Trouble(NamedTuple):
    """final: time cannot cure it. stands: no container of the pod that is in trouble runs at this moment."""

    kind: str
    text: str
    final: bool = False
    stands: bool = True
    crashes: int = 0

    @property
    def ends_wait(self) -> bool:
        """Whether it ends the wait, when it has lasted for long enough."""
        return self.kind != CRASH or self.crashes >= MANY_CRASHES


def is_ready(pod: Object) -> bool:
    return conditions(pod.get("status") or {}).get("Ready", {}).get("status") == "True"


def containers(pod: Object) -> Iterator[Object]:
    """Their statuses, in the order in which they start."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def of_pod(pod: Object) -> Trouble | None:
    """What keeps a pod from starting; None when it is ready, done, going, or on its way."""
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    if is_ready(pod) or pod["metadata"].get("deletionTimestamp") or status.get("phase") in ("Succeeded", "Failed"):
        return None
    asked = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    images = {one.get("name"): one.get("image") for one in asked}
    for container in containers(pod):
        found = _of_container(container, images.get(container.get("name")) or container.get("image") or "its image")
        if found:
            return found
    scheduled = conditions(status).get("PodScheduled", {})
    if scheduled.get("reason") == "Unschedulable" and not status.get("nominatedNodeName"):
        return Trouble(ROOM, f"cannot be placed: {_short(scheduled.get('message'))}")
    return None


def _of_container(container: Object, image: str) -> Trouble | None:
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason") or "", _short(waiting.get("message"))
    if reason in _NEVER or reason in _PULL:
        return Trouble(PULL, f"cannot pull {image} ({reason}: {message})", final=reason in _NEVER)
    if reason in _CONFIG:
        return Trouble(CONFIG, f"container {container['name']} cannot be made ({reason}: {message})")
    restarts = container.get("restartCount") or 0
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    if container.get("ready") or not ended.get("exitCode") or not (restarts or state.get("terminated")):
        return None
    text = f"container {container['name']} {crash(container)}"
    return Trouble(CRASH, text, stands="running" not in state, crashes=restarts)


def crash(container: Object) -> str:
    """How a container ended last: "ended with exit code 2 (Error), 3 restarts"; empty when it never did."""
    state = container.get("state") or {}
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated")
    if not ended:
        return ""
    reason, restarts = ended.get("reason"), container.get("restartCount") or 0
    said = f"ended with exit code {ended.get('exitCode')}" + (f" ({reason})" if reason else "")
    return said + (f", {restarts} restart{'s' if restarts > 1 else ''}" if restarts else "")


def doing(pod: Object) -> str:
    """What a pod that is not in trouble is at."""
    for container in containers(pod):
        state = container.get("state") or {}
        reason = (state.get("waiting") or {}).get("reason")
        if reason and reason != "PodInitializing":
            return f"container {container['name']}: {reason}"
        if "running" in state and not container.get("ready"):
            return f"container {container['name']} runs and is not ready"
    if is_ready(pod):
        return "ready"
    return f"phase {(pod.get('status') or {}).get('phase') or 'unknown'}"


def _short(message: object) -> str:
    text = " ".join(str(message or "").split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 2] + " …"
