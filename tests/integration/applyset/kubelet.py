# Copyright (c) 2026 GreenLang. All rights reserved.
"""Pods whose kubelet is played by a test: what becomes of one is said by the tag of its image.

No scheduler knows them, so that they are on no node, and neither do the simulated nodes care for them.
"""

from __future__ import annotations

import contextlib
import threading
import time

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError

MERGE = "application/merge-patch+json"
NOW = "2026-01-01T00:00:00Z"
READY = {"ready": True, "state": {"running": {"startedAt": NOW}}}
ENDED = {"terminated": {"exitCode": 2, "reason": "Error"}}


def waiting(reason, message=""):
    return {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}}


# By the tag of the image: the status of the container, and the phase of the pod.
BECOMES = {
    "good": READY,
    "missing": waiting("ImagePullBackOff", "not found"),
    "crash": {**waiting("CrashLoopBackOff", "back-off"), "restartCount": 3, "lastState": ENDED},
    "crash-once": {**waiting("CrashLoopBackOff", "back-off"), "restartCount": 1, "lastState": ENDED},
}


class Kubelet:
    """Sets the status of the pods that are its own as long as the block runs."""

    SCHEDULER = "none"

    def __init__(self, client, namespace):
        self.client, self.namespace = client, namespace
        self._stop = threading.Event()
        self._worker = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._worker.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        self._worker.join()

    def pod(self, tag, **more):
        """The specification of a pod of its own that becomes what the tag says."""
        container = {"name": "main", "image": f"example.invalid/app:{tag}"}
        return {"containers": [container], "schedulerName": self.SCHEDULER, **more}

    def _run(self):
        while not self._stop.wait(0.1):
            with contextlib.suppress(VcciError):
                for pod in self.client.list("v1", "Pod", self.namespace):
                    if pod["spec"]["schedulerName"] == self.SCHEDULER:
                        self._tend(pod)

    def _tend(self, pod):
        status = self._status(pod)
        known = (pod.get("status") or {}).get("containerStatuses")
        if known != status["containerStatuses"]:
            path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}/status"
            self.client.request("PATCH", path, body={"status": status}, content_type=MERGE)

    def _status(self, pod):
        container = pod["spec"]["containers"][0]
        becomes = BECOMES[container["image"].rpartition(":")[2]]
        ready = "True" if becomes["ready"] else "False"
        same = {"name": "main", "image": container["image"], "imageID": "", "restartCount": 0, "lastState": {}}
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        names = ("Ready", "ContainersReady", "PodScheduled")
        conditions = [{"type": name, "status": ready, "lastTransitionTime": since} for name in names[:2]]
        conditions.append({"type": names[2], "status": "True", "lastTransitionTime": since})
        phase = "Running" if "running" in becomes["state"] or becomes.get("restartCount") else "Pending"
        return {"phase": phase, "conditions": conditions, "containerStatuses": [{**same, **becomes}]}
