# Copyright (c) 2026 GreenLang. All rights reserved.
"""Pods come to their end in bounded time, whatever they say themselves: a grace of a year, a finalizer, no owner, a
node that is gone.

First they may end by themselves, then they are deleted, then they are removed. What of that is by force is told before
it is done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Conflict, NotFound, WaitTimeout
from ..kubernetes.client import MERGE_PATCH, Client
from ..kubernetes.owning import has_ended
from ..waiting import until

GRACE = 30  # seconds of a pod that says nothing
MARGIN = 30  # seconds that a node has to report that a pod has ended, and the API server to remove one

Object = dict[str, Any]
Entry = dict[str, str]  # object, what was done to it by force
Note = Callable[[list[Entry]], None]


@dataclass(frozen=True)
class Bounds:
    """timeout  seconds in which pods may end by themselves.
    grace    the most seconds that a pod has to stop, whatever it says.
    margin   seconds beyond its grace in which its node has to report that it did.
    """

    timeout: float
    grace: int
    margin: float


def end_pods(
    client: Client,
    find: Callable[[], list[Object]],
    bounds: Bounds,
    *,
    who: str,
    note: Note,
    say: Callable[[str], None],
) -> None:
    """Until `find` finds none; WaitTimeout when even force does not help.

    find    the pods that are to end; those among them that have ended are to go.
    note    is told what is about to be done by force.
    """
    ending = _Ending(client, find, bounds, note, say)
    if ending.over(ending.shorten, bounds.timeout) or ending.over(ending.delete, ending.longest()):
        return
    if not ending.over(ending.remove, max(bounds.timeout, MARGIN)):
        raise WaitTimeout(f"{who}: pods {ending.names(10)} do not go, not even by force; see kubectl describe pod")


class _Ending:
    def __init__(
        self, client: Client, find: Callable[[], list[Object]], bounds: Bounds, note: Note, say: Callable[[str], None]
    ) -> None:
        self.client, self.find, self.bounds, self.note, self.say = client, find, bounds, note, say
        self.left: list[Object] = []
        self.told: set[str] = set()  # uids of those of which it was told in this step

    def over(self, step: Callable[[], None], seconds: float) -> bool:
        """Whether the pods are gone within so many seconds, while a step is taken for each that is there."""
        self.told = set()

        def none() -> bool:
            self.left = self.find()
            step()
            return not self.left

        try:
            return until(
                none,
                seconds,
                self.say,
                awaited=lambda: f"{len(self.left)} pods to end: {self.names(5)}",
                late=lambda waited: WaitTimeout(f"{waited} s"),
            )
        except WaitTimeout:
            return False

    def names(self, number: int) -> str:
        names = sorted(str(pod["metadata"]["name"]) for pod in self.left)
        return ", ".join(names[:number]) + (" …" if len(names) > number else "")

    def longest(self) -> float:
        """Seconds in which those that are left end, if they end at all."""
        longest = max((grace_of(pod, self.bounds.grace) for pod in self.left), default=0)
        return longest + self.bounds.margin

    # --- the steps ---------------------------------------------------------------------------------------------------
    def shorten(self) -> None:
        """Whoever ends them, not in a year; one that has ended stops nothing any more."""
        grace = self.bounds.grace
        late = [pod for pod in self.left if granted(pod) > grace and not has_ended(pod)]
        self._end(late, lambda pod: f"had {granted(pod)} s to stop, and got {grace} s")
        self._end(pod for pod in self.left if has_ended(pod))

    def delete(self) -> None:
        """Also those that nobody ends. Nothing makes them again: no pod may start."""
        self.shorten()
        stay = [pod for pod in self.left if not pod["metadata"].get("deletionTimestamp") and not has_ended(pod)]
        self._end(stay, lambda _pod: "deleted, since nothing else ended it")

    def remove(self) -> None:
        """From the API server, whatever their node or a finalizer waits for."""
        self._end(self.left, lambda pod: f"removed without waiting for its node{_finalizers(pod)}", 0)
        for pod in self.left:
            if pod["metadata"].get("finalizers"):
                take_finalizers(self.client, {"apiVersion": "v1", "kind": "Pod", **pod}, [])

    def _end(
        self, pods: Iterable[Object], force: Callable[[Object], str] | None = None, grace: int | None = None
    ) -> None:
        """Delete them, again for those that were written meanwhile; what is by force is told first, once in a step."""
        found = list(pods)
        new = [pod for pod in found if pod["metadata"]["uid"] not in self.told]
        if new and force is not None:
            self.told |= {pod["metadata"]["uid"] for pod in new}
            self.note([{"object": f"Pod {pod['metadata']['name']}", "what": force(pod)} for pod in new])
        for pod in found:
            delete_pod(self.client, pod, grace_of(pod, self.bounds.grace) if grace is None else grace)


def grace_of(pod: Mapping[str, Any], most: int) -> int:
    """Seconds that a pod has to stop: as it says, and no more than is granted."""
    said = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    return 0 if has_ended(pod) else min(GRACE if said is None else int(said), most)


def granted(pod: Mapping[str, Any]) -> int:
    """Seconds that it was given when it was deleted; 0 for one that was not."""
    return int(pod["metadata"].get("deletionGracePeriodSeconds") or 0)


def delete_pod(client: Client, pod: Mapping[str, Any], grace: int) -> None:
    """This very pod, not one of its name that came after it."""
    meta = pod["metadata"]
    path = client.resource("v1", "Pod").path(meta["namespace"], meta["name"])
    body = {"gracePeriodSeconds": grace, "propagationPolicy": "Background", "preconditions": {"uid": meta["uid"]}}
    with contextlib.suppress(NotFound, Conflict):
        client.request("DELETE", path, body=body)


def take_finalizers(client: Client, obj: Mapping[str, Any], kept: list[str]) -> None:
    """Leave an object these finalizers and no others."""
    meta = obj["metadata"]
    path = client.resource(obj["apiVersion"], obj["kind"]).path(meta.get("namespace"), meta["name"])
    body = {"metadata": {"uid": meta["uid"], "finalizers": kept or None}}
    with contextlib.suppress(NotFound, Conflict):
        client.request("PATCH", path, body=body, content_type=MERGE_PATCH)


def _finalizers(pod: Mapping[str, Any]) -> str:
    finalizers = pod["metadata"].get("finalizers")
    return f", with finalizers {', '.join(finalizers)}" if finalizers else ""
