# Copyright (c) 2026 GreenLang. All rights reserved.
"""The write path: make the cluster equal to a set of objects.

    result = apply_set(client, objects, ApplyOptions(name="redis", check=True))

fetch (a few LISTs) → plan (pure, _items.py) → write (concurrent server-side apply, phase by phase) → prune → wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from ..errors import ApiError, ApplyError, InputError, NotFound, PruneRefused, VcciError
from ..kubernetes.client import APPLY_PATCH, JSON, METADATA_ONLY, Client
from ..labels import PROTECTED
from . import diff as _diff
from . import explain as _explain
from . import items as _items
from . import membership as _membership
from . import order as _order
from . import snapshot as _snapshot
from .items import APPLY, CREATE, REFUSED, UNCHANGED, Item
from .objects import Ref
from .options import ApplyOptions, Planned
from .owned import lost_fields, our_entry, was_written
from .record import Record
from .result import Result

ESTABLISH_TIMEOUT = 60
GONE_TIMEOUT = 120
MAX_FAILURES_SHOWN = 10


def apply_set(client: Client | None, objects: Iterable, options: ApplyOptions) -> Result:
    """Apply objects: dicts, or (dict, where it came from) pairs, for messages. Without a client, only what an empty cluster would get is predicted."""
    return _Run(client, options).present(objects)


def delete_set(client: Client | None, objects: Iterable, options: ApplyOptions) -> Result:
    """Delete these objects, or without objects every member of the set (then also its record); limits as for pruning."""
    return _Run(client, options).absent(objects)


class _Run:
    def __init__(self, client: Client | None, options: ApplyOptions) -> None:
        self.client: Client = client  # type: ignore[assignment]
        self.name, self.namespace, self.check = options.name, options.namespace, options.check
        self.prune, self.prune_limit = options.prune, options.prune_limit
        self.prune_named = {_named(text) for text in options.prune_named}
        self.wait, self.wait_timeout = options.wait, options.wait_timeout
        self.force, self.manager = options.force_conflicts, options.field_manager
        self.assume_empty, self.diff, self.concurrency = options.assume_empty, options.diff, options.concurrency
        self.planned = options.planned or Planned()
        self.lock_timeout = options.lock_timeout
        self._tell = options.say
        self._tell_lock = threading.Lock()
        self.part_of = _membership.set_id(self.name, self.namespace) if self.name else None
        self.result = Result()
        self.record = Record(self.client, self.name, self.namespace, self.progress, self.lock_timeout) if self.name else None
        self.started = time.monotonic()
        self.snapshot: dict = {}
        self._gone: set = set()
        self._requests_before = getattr(client, "requests", 0)

    # --- helpers -----------------------------------------------------------------------------------------------------
    def progress(self, line: str) -> None:
        if self._tell is not None:
            with self._tell_lock:
                self._tell(line)

    def concurrently(self, function: Callable, jobs: list) -> list:
        if len(jobs) <= 1 or self.concurrency <= 1:
            return [function(job) for job in jobs]
        with ThreadPoolExecutor(max_workers=min(self.concurrency, len(jobs))) as pool:
            return list(pool.map(function, jobs))

    def timed(self, step: str, since: float) -> float:
        now = time.monotonic()
        self.result.timing[step] = self.result.timing.get(step, 0.0) + now - since
        return now

    def finish(self) -> Result:
        self.result.requests = getattr(self.client, "requests", 0) - self._requests_before
        self.result.duration = time.monotonic() - self.started
        return self.result

    # --- state: present ----------------------------------------------------------------------------------------------
    def present(self, objects: Iterable) -> Result:
        mark = time.monotonic()
        items = _items.build(objects, self.part_of)
        mark = self.timed("prepare", mark)
        if self.assume_empty:
            return self._all_created(items)
        planned_kinds = self.planned.kinds if self.check else None
        self.result.warnings += _items.resolve(items, self.client.resource, lenient=self.check, planned=planned_kinds)
        self.plan(items)
        mark = self.timed("read", mark)
        prunable = self.prune_plan(items) if self.prune and self.name else []
        mark = self.timed("prune plan", mark)
        if self.check:
            self.predict(items)
            self._list_pruned(prunable)
            self.timed("dry run", mark)
        else:
            prunable = self.write(items, prunable)
            self._list_pruned(prunable)
            self._raise_failures(items)
            mark = self.timed("write", mark)
            if self.wait:
                self.wait_for(items)
                self.timed("wait", mark)
        return self.finish()

    def _all_created(self, items: list[Item]) -> Result:
        if not self.check:
            raise InputError("assume_empty predicts what an empty cluster would get: it is for check mode only")
        for item in items:
            self._remember_planned(item)
            self._note(item, CREATE, None, item.desired)
        return self.finish()

    def plan(self, items: list[Item]) -> None:
        """Read what is there and decide about each object."""
        if self.record:
            self.record.read()
        full = (lambda kind: True) if self.check and self.diff else (lambda kind: False)
        fresh = self.record is None or not self.record.exists
        self.snapshot = _snapshot.read(self.client, items, self.part_of, self.concurrently, fresh, full)
        for item in items:
            item.action = _items.decide(item, self.snapshot.get(item.ref), self.part_of, self.manager, self.force)

    # --- check mode --------------------------------------------------------------------------------------------------
    def predict(self, items: list[Item]) -> None:
        missing = self.missing_namespaces(items)
        for item in items:
            self._remember_planned(item)
        self.concurrently(lambda item: self.predict_one(item, missing), [i for i in items if i.action in (CREATE, APPLY)])
        for item in items:
            self._conclude(item)
        self._raise_failures(items)

    def missing_namespaces(self, items: list[Item]) -> set:
        """Namespaces that objects to be created would go to and that are not there yet."""
        wanted = sorted({i.ref.namespace for i in items if i.action == CREATE and i.ref.namespace})
        return {n for n, there in zip(wanted, self.concurrently(self.may_exist, wanted), strict=False) if not there}

    def may_exist(self, namespace: str) -> bool:
        """Whether a namespace is there, or whoever we are may not know: then the dry runs in it will tell."""
        try:
            return self.client.get("v1", "Namespace", namespace) is not None
        except ApiError as exc:
            if exc.status != 403:
                raise
            return True

    def predict_one(self, item: Item, missing: set) -> None:
        if item.planned_kind or item.ref.namespace in missing:
            coming = set(self.planned.namespaces)
            if item.ref.namespace in missing and item.ref.namespace not in coming:
                self.result.warnings.append(
                    f"{item.label}: namespace {item.ref.namespace} does not exist and nothing so far creates it; "
                    "predicted as created, which is right only if something creates it first"
                )
            item.outcome, item.after = "created", item.desired
            return
        if item.action == APPLY and item.live.get("deletionTimestamp"):
            item.outcome, item.after = "created", item.desired
            return
        self.send(item, dry_run=True)

    def _remember_planned(self, item: Item) -> None:
        if item.ref.kind == "Namespace" and not item.ref.group:
            self.planned.namespaces.add(item.ref.name)
        elif item.ref.kind == "CustomResourceDefinition":
            self.planned.kinds.update(_items.defined_kinds([item]))

    # --- writing -----------------------------------------------------------------------------------------------------
    def write(self, items: list[Item], prunable: list) -> list:
        """Carry out the plan, or a newer one if somebody else was at work meanwhile; what was pruned."""
        while True:
            if any(i.action == REFUSED for i in items):
                break
            todo = [i for i in items if i.action in (CREATE, APPLY)]
            if not (todo or prunable or self.record_stale(items)):
                break
            kinds, namespaces = self.contained(items)
            early = []
            if self.record and not self.record.exists:
                # The record's own namespace is in the set and not there yet: it must be there first.
                early = [i for i in todo if i.action == CREATE and i.ref.kind == "Namespace" and i.ref.name == self.namespace]
                self.send_all(early, "namespace")
                if any(i.error for i in early):
                    break
            if self.record and not self.record.acquire(kinds, namespaces):
                self.plan(items)
                prunable = self.prune_plan(items) if self.prune else []
                continue
            try:
                complete = self.write_phases(items, [i for i in todo if i not in early])
                if complete and prunable:
                    self.delete_all(prunable)
            except BaseException:
                if self.record:
                    self.record.release()
                raise
            if self.record:
                # Without pruning, or after a failure, members of other kinds may remain: the record keeps naming them.
                exact = complete and self.prune and not self.result.skipped
                self.record.release(*((kinds, namespaces) if exact else (None, None)))
            break
        for item in items:
            self._conclude(item)
        return prunable

    def write_phases(self, items: list[Item], todo: list[Item]) -> bool:
        for phase in sorted({i.phase for i in todo}):
            members = [i for i in todo if i.phase == phase]
            self.send_all(members, _order.PHASE_NAMES[phase])
            if any(i.error for i in members):
                return False  # what follows needs this phase
            if phase == _order.FOUNDATION:
                self.after_foundation(items, members)
        return True

    def contained(self, items: list[Item]) -> tuple[set, set]:
        return {_membership.group_kind(i.ref) for i in items}, {i.ref.namespace for i in items if i.ref.namespace}

    def record_stale(self, items: list[Item]) -> bool:
        if self.record is None:
            return False
        kinds, namespaces = self.contained(items)
        if not self.prune or self.result.skipped:
            old_kinds, old_namespaces = self.record.contents()
            kinds, namespaces = kinds | old_kinds, namespaces | old_namespaces
        return not self.record.matches(kinds, namespaces)

    def send_all(self, items: list[Item], what: str) -> None:
        total, done, said = len(items), [0], [time.monotonic()]

        def one(item: Item) -> None:
            self.send(item)
            done[0] += 1
            if time.monotonic() - said[0] > 2:
                said[0] = time.monotonic()
                self.progress(f"{what}: {done[0]} of {total} applied")

        self.concurrently(one, items)

    def send(self, item: Item, dry_run: bool = False) -> None:
        """Apply one object; what came of it is left in the item."""
        try:
            if self.record:
                self.record.check_held()
            if not dry_run and item.live.get("deletionTimestamp"):
                self.wait_until_gone(item)
                item.before = None
            if self.diff and item.before is not None and "spec" not in item.before and item.before.get("kind") == "PartialObjectMetadata":
                item.before = self.client.request("GET", item.path)
            after = self.patch(item, dry_run)
            if item.before is None:
                item.outcome = "created"
            else:
                item.outcome = "configured" if was_written(item.before["metadata"], after["metadata"], self.manager) else "unchanged"
            item.after = after
        except ApiError as exc:
            if _explain.is_immutable(exc) and item.recreate and item.ref.kind not in _explain.NEVER_RECREATED:
                self.recreate(item, dry_run)
            else:
                item.error = _explain.explain(exc, item)
        except VcciError as exc:
            item.error = f"{item.label}: {exc}"

    def patch(self, item: Item, dry_run: bool) -> dict:
        query = {"fieldManager": self.manager, "fieldValidation": "Strict"}
        if self.force or item.force:
            query["force"] = "true"
        if dry_run:
            query["dryRun"] = "All"
        return self.client.request(
            "PATCH", item.path, body=item.body(), content_type=APPLY_PATCH, query=query, accept=JSON if self.diff else METADATA_ONLY
        )

    def recreate(self, item: Item, dry_run: bool) -> None:
        """Delete and create again. A StatefulSet leaves its pods (and so its volumes) alone: the new one adopts them."""
        item.outcome, item.after = "recreated", item.desired
        if dry_run:
            return
        policy = "Orphan" if item.ref.kind == "StatefulSet" else "Background"
        self.progress(f"{item.label}: deleted to be created again ({policy.lower()} deletion)")
        try:
            self.client.request("DELETE", item.path, body={"propagationPolicy": policy, "preconditions": {"uid": item.live["uid"]}})
            self.wait_until_gone(item)
            item.after = self.patch(item, False)
        except ApiError as exc:
            item.error = _explain.explain(exc, item)
        except VcciError as exc:
            item.error = f"{item.label}: {exc}"

    def wait_until_gone(self, item: Item, timeout: float = GONE_TIMEOUT) -> None:
        uid, delay, said = item.live.get("uid"), 0.05, time.monotonic()
        deadline = said + timeout
        while True:
            try:
                meta = self.client.request("GET", item.path, accept=METADATA_ONLY)["metadata"]
            except NotFound:
                return
            if meta.get("uid") != uid:
                return
            if time.monotonic() > deadline:
                held = ", ".join(meta.get("finalizers") or []) or "its dependents"
                raise VcciError(f"is being deleted and not gone after {int(timeout)} s; held by {held}")
            if time.monotonic() - said > 3:
                said = time.monotonic()
                self.progress(f"{item.label}: is being deleted, waiting until it is gone")
            time.sleep(delay)
            delay = min(delay * 2, 2.0)

    def after_foundation(self, items: list[Item], sent: list[Item]) -> None:
        """Definitions must be established before their objects can be sent."""
        definitions = [i for i in sent if i.ref.kind == "CustomResourceDefinition"]
        if not definitions:
            return
        deadline, delay, pending = time.monotonic() + ESTABLISH_TIMEOUT, 0.05, definitions
        while pending:
            pending = [
                i
                for i, obj in zip(pending, self.concurrently(lambda i: self.client.request("GET", i.path), pending), strict=False)
                if not _established(obj)
            ]
            if pending and time.monotonic() > deadline:
                names = ", ".join(i.ref.name for i in pending)
                raise ApplyError(f"not established after {ESTABLISH_TIMEOUT} s: {names}; see their conditions", result=self.finish())
            if pending:
                time.sleep(delay)
                delay = min(delay * 2, 1.0)
        self.client.forget_kinds()
        for item in items:
            if item.planned_kind:
                self.until_served(item, deadline)

    def until_served(self, item: Item, deadline: float) -> None:
        delay = 0.05
        while True:
            try:
                item.resource, item.planned_kind = self.client.resource(item.desired["apiVersion"], item.ref.kind), False
                return
            except NotFound as exc:
                if time.monotonic() > deadline:
                    raise ApplyError(f"{item.label}: {exc}", result=self.finish()) from exc
                time.sleep(delay)
                delay = min(delay * 2, 1.0)
                self.client.forget_kinds()

    # --- outcomes ----------------------------------------------------------------------------------------------------
    def _conclude(self, item: Item) -> None:
        if item.error:
            self.result.failed.append(item.error)
        elif item.action == UNCHANGED:
            self.result.unchanged.append(item.label)
        elif item.outcome:
            self._note(item, item.outcome, item.before, item.after)
        else:
            self.result.skipped.append(item.label)  # its phase was not reached

    def _note(self, item: Item, outcome: str, before: dict | None, after: dict | None) -> None:
        getattr(self.result, "created" if outcome == CREATE else outcome).append(item.label)
        if self.diff and outcome != "unchanged":
            entry = _diff.entry(item.label, before, item.desired if before is None or outcome == "recreated" else after)
            if before is not None and entry["before"] == entry["after"]:
                lost = lost_fields(item.desired, our_entry(before["metadata"], self.manager) or {})
                what = "ownership taken back: " + ", ".join(lost[:8]) if lost else "only the record of what was applied is written"
                entry["after"] += f"# {what}\n"
            self.result.diff.append(entry)

    def _raise_failures(self, items: list[Item]) -> None:
        failures = [{"object": i.label, "source": i.source, "message": i.error} for i in items if i.error]
        if not failures:
            return
        shown = [f["message"] for f in failures[:MAX_FAILURES_SHOWN]]
        if len(failures) > MAX_FAILURES_SHOWN:
            shown.append(f"… and {len(failures) - MAX_FAILURES_SHOWN} more")
        title = f"set {self.name}: " if self.name else ""
        raise ApplyError(f"{title}{len(failures)} of {len(items)} objects failed:\n" + "\n".join(shown), failures, self.finish())

    # --- pruning -----------------------------------------------------------------------------------------------------
    def prune_plan(self, items: list[Item]) -> list:
        """Members of the set that are not among its objects: (ref, resource, metadata). Protected ones are set aside."""
        wanted = {i.ref for i in items}
        self.result.skipped.clear()
        return self.removable({ref: found for ref, found in self.members(items).items() if ref not in wanted})

    def members(self, items: list[Item]) -> dict:
        if self.record is None or not self.record.exists:
            return {}
        resources = {i.resource for i in items if not i.planned_kind}
        for text in sorted(self.record.contents()[0]):
            group, kind = _membership.parse_group_kind(text)
            if any(r.kind == kind and _group(r) == group for r in resources):
                continue
            try:
                resources.add(self.client.preferred(group, kind))
            except NotFound:
                self.result.warnings.append(f"the set's record lists {text}, which the server no longer serves")
        return _snapshot.members(self.client, sorted(resources), self.part_of or "", self.concurrently)

    def removable(self, found: dict) -> list:
        doomed = []
        for ref, (obj, resource) in sorted(found.items()):
            if obj["metadata"].get("deletionTimestamp"):
                continue
            if ref.kind in PROTECTED and _key(ref) not in self.prune_named:
                self.result.skipped.append(ref.label)
                self.result.warnings.append(f"{ref.label} left the set but is not deleted: name it in prune_named if its contents may go")
            else:
                doomed.append((ref, resource, obj["metadata"]))
        if self.prune_limit >= 0 and len(doomed) > self.prune_limit:
            names = [ref.label for ref, _resource, _meta in doomed]
            raise PruneRefused(
                f"{len(doomed)} objects would be deleted from set {self.name}, more than prune_limit={self.prune_limit}; "
                f"nothing was changed. If this is meant, raise prune_limit. They are: {', '.join(names[:20])}"
                + (" …" if len(names) > 20 else ""),
                names,
                self.finish(),
            )
        return doomed

    def _list_pruned(self, doomed: list, into: str = "pruned") -> None:
        for ref, _resource, meta in doomed:
            if not self.check and ref not in self._gone:
                continue
            getattr(self.result, into).append(ref.label)
            if self.diff:
                self.result.diff.append(_diff.entry(ref.label, {"kind": ref.kind, "metadata": meta}, None))

    def delete_all(self, doomed: list) -> None:
        """Delete in the reverse of the order of creation, each only if it is still the very object that was listed."""
        self.progress(f"pruning {len(doomed)}: " + ", ".join(ref.label for ref, _r, _m in doomed[:10]) + (" …" if len(doomed) > 10 else ""))
        errors: list[str] = []

        def one(job: tuple) -> None:
            ref, resource, meta = job
            try:
                self.client.request(
                    "DELETE",
                    resource.path(ref.namespace, ref.name),
                    body={"propagationPolicy": "Background", "preconditions": {"uid": meta["uid"]}},
                )
            except NotFound:
                pass
            except ApiError as exc:
                errors.append(f"{ref.label}: {exc}")
                return
            self._gone.add(ref)

        for phase in sorted({_order.phase_of(ref.kind, ref.group) for ref, _r, _m in doomed}, reverse=True):
            self.concurrently(one, [job for job in doomed if _order.phase_of(job[0].kind, job[0].group) == phase])
        if errors:
            self.result.failed += errors
            raise ApplyError("could not be deleted:\n" + "\n".join(errors[:MAX_FAILURES_SHOWN]), result=self.finish())

    # --- state: absent -----------------------------------------------------------------------------------------------
    def absent(self, objects: Iterable) -> Result:
        items = _items.build(objects, None)
        if self.assume_empty:
            return self.finish()
        if self.record:
            self.record.read()
        if items:
            self.prune_named |= {_key(i.ref) for i in items}  # given one by one is named
            self.prune_limit = -1
        elif not self.name:
            raise InputError("state absent needs objects, or the name of a set to delete")
        while True:
            doomed = self.removable(self._existing(items) if items else self.members([]))
            if self.check or not (doomed or (self.record and self.record.exists and not items)):
                break
            if self.record and self.record.exists and not self.record.acquire(set(), set()):
                self.result.skipped.clear()
                continue
            try:
                if doomed:
                    self.delete_all(doomed)
            finally:
                self._end_of_record(whole=not items and len(self._gone) == len(doomed) and not self.result.skipped)
            break
        self._list_pruned(doomed, "deleted")
        if self.wait and not self.check:
            self.wait_for_deletion(doomed)
        return self.finish()

    def _end_of_record(self, whole: bool) -> None:
        if self.record and self.record.exists:
            if whole:
                self.record.delete()
            else:
                self.record.release()

    def _existing(self, items: list[Item]) -> dict:
        known = []
        for item in items:
            try:
                _items.resolve([item], self.client.resource)
                known.append(item)
            except InputError:
                if item.desired["apiVersion"].partition("/")[0].count(".") == 0:
                    raise
        found = _snapshot.read(self.client, known, None, self.concurrently, True, lambda _kind: False)
        return {i.ref: (found[i.ref], i.resource) for i in known if i.ref in found}

    def wait_for_deletion(self, doomed: list) -> None:
        deadline = time.monotonic() + self.wait_timeout
        for ref, resource, meta in doomed:
            gone = Item(ref, {}, "", resource=resource, before={"metadata": meta})
            self.wait_until_gone(gone, max(0.0, deadline - time.monotonic()))

    # --- waiting -----------------------------------------------------------------------------------------------------
    def wait_for(self, items: list[Item]) -> None:
        from .wait import wait_ready

        wait_ready(self.client, items, timeout=self.wait_timeout, progress=self.progress, run=self.concurrently, result=self.finish())


def _group(resource) -> str:
    return resource.api_version.split("/", 1)[0] if "/" in resource.api_version else ""


def _named(text: str) -> tuple:
    """ "Kind/name" or "Kind/namespace/name" as a key."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise InputError(f"prune_named: {text!r} is neither Kind/name nor Kind/namespace/name")
    return (parts[0], parts[1] if len(parts) == 3 else "", parts[-1])


def _key(ref: Ref) -> tuple:
    return (ref.kind, ref.namespace, ref.name)


def _established(definition: dict) -> bool:
    states = {c["type"]: c["status"] for c in (definition.get("status") or {}).get("conditions") or []}
    return states.get("Established") == "True" and states.get("NamesAccepted") == "True"
