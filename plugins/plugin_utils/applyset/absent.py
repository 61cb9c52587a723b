# Copyright (c) 2026 GreenLang. All rights reserved.
"""Objects that are named to be deleted: which of them are there, and may be."""

from __future__ import annotations

from ..errors import NotFound, Unavailable
from ..kubernetes.kinds import is_core_group
from . import borders, plan, prune, snapshot
from .context import Context
from .plan import Item


def existing(run: Context, items: list[Item]) -> prune.Existing:
    """Those of the items that are there. What the server does not serve is not; what is wrong in an item is an error as
    it is for applying it. Those that belong to another set are faults of the run; those that cannot be read are its
    `unseen`."""
    run.unseen = {}
    known = [item for item in items if _is_served(run, item)]
    run.result.warnings += plan.resolve(known, run.client.resource, namespace=run.options.objects_namespace)
    borders.refuse_own_record(known, run.part_of)
    found, lost = snapshot.read(run.client, known, None, run.workers)
    run.unseen.update({ref.label: f"{ref.label}: {why}" for ref, why in lost.items()})
    there = {item.ref: (found[item.ref], item.resource) for item in known if item.ref in found}
    foreign = [item for item in known if item.ref in there and _is_foreign(run, item, there[item.ref][0]["metadata"])]
    names = borders.Names(run)
    for item in foreign:
        run.fail(item.label, names.refusal(item.label, there[item.ref][0]["metadata"]))
    return there


def _is_foreign(run: Context, item: Item, meta: dict[str, object]) -> bool:
    return plan.is_foreign(item, meta, run.part_of, run.options.force_conflicts)


def _is_served(run: Context, item: Item) -> bool:
    """Whether the item's kind is served: in its version, or in another by which the same object can be deleted."""
    api_version, kind = item.desired["apiVersion"], item.ref.kind
    try:
        try:
            run.client.resource(api_version, kind)
        except NotFound:
            item.desired["apiVersion"] = run.client.preferred(item.ref.group, kind).api_version
    except NotFound:
        return is_core_group(api_version)  # nothing can bring it: resolve() says what is wrong
    except Unavailable as exc:
        run.unseen[item.label] = f"{item.label}: {exc}"
        return False
    return True
