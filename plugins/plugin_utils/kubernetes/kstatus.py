# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether an object has become what its specification asks for: the rules of kstatus, by group and kind. Pure.

Where ours differ on purpose docs/applyset.md says so ("Waiting").
"""

from __future__ import annotations

from collections.abc import Mapping

from .kinds import group_of, is_built_in
from .rules import FAILED, IN_PROGRESS, READY, RULES, TERMINATING, Object, State, conditions, why

__all__ = ["FAILED", "IN_PROGRESS", "READY", "TERMINATING", "conditions", "is_silent", "matters", "status", "why"]

# The first of these that a custom resource has speaks for it.
SPEAKING_CONDITIONS = ("Ready", "Available", "Synced", "Established", "Healthy", "Succeeded")
# Kinds whose controllers always write these conditions: without them nobody has looked yet.
_ALWAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "Ready": {
        "cert-manager.io": ("Certificate", "CertificateRequest", "Issuer", "ClusterIssuer"),
        "external-secrets.io": (
            "ExternalSecret",
            "ClusterExternalSecret",
            "PushSecret",
            "SecretStore",
            "ClusterSecretStore",
        ),
        "serving.knative.dev": ("Service", "Configuration", "Route", "Revision", "DomainMapping"),
        "kustomize.toolkit.fluxcd.io": ("Kustomization",),
        "helm.toolkit.fluxcd.io": ("HelmRelease",),
        "source.toolkit.fluxcd.io": ("GitRepository", "OCIRepository", "Bucket", "HelmChart"),
        "keda.sh": ("ScaledObject", "ScaledJob"),
        "karpenter.sh": ("NodePool", "NodeClaim"),
    },
    "Synced": {"bitnami.com": ("SealedSecret",)},
    "Accepted": {"gateway.networking.k8s.io": ("GatewayClass",)},
    "Programmed": {"gateway.networking.k8s.io": ("Gateway",)},
    "Available": {"apiregistration.k8s.io": ("APIService",)},
    "Succeeded": {"tekton.dev": ("TaskRun", "PipelineRun")},
}
# What cert-manager's cainjector is to fill in: until then the API server trusts nobody there, and refuses what the
# webhook would be asked about. https://cert-manager.io/docs/concepts/ca-injector/
_INJECTED = tuple(f"cert-manager.io/inject-{what}" for what in ("ca-from", "ca-from-secret", "apiserver-ca"))
_ACK = ".services.k8s.aws"  # the groups of Amazon's controllers end so


def status(obj: Object) -> State:
    group, kind = _group_kind(obj)
    early = not_settled(obj)
    if early:
        return (READY, "") if early[0] == IN_PROGRESS and _stands_still(group, obj.get("spec")) else early
    st = obj.get("status") or {}
    found = conditions(st)
    stalled, reconciling = found.get("Stalled", {}), found.get("Reconciling", {})
    if stalled.get("status") == "True":
        return FAILED, why(stalled)
    if reconciling.get("status") == "True":
        return IN_PROGRESS, why(reconciling)
    if _awaits_bundle(obj):
        return IN_PROGRESS, "cert-manager's cainjector has not written the CA bundle yet"
    rule = RULES.get((group, kind))
    if rule is not None:
        return rule(obj.get("spec") or {}, st, found)
    return _by_conditions(obj, group, kind, found)


def not_settled(obj: Object) -> State | None:
    """Whatever its kind is: it is going, or its controller has not seen it as it is now."""
    meta = obj.get("metadata") or {}
    if meta.get("deletionTimestamp"):
        return TERMINATING, "is being deleted"
    observed, generation = (obj.get("status") or {}).get("observedGeneration"), meta.get("generation")
    # Not only a lower one: an object that was restored from elsewhere begins anew with 1.
    if isinstance(observed, int) and isinstance(generation, int) and observed != generation:
        return IN_PROGRESS, "its controller has not seen the change yet"
    return None


def matters(desired: Object) -> bool:
    """Whether objects of this kind can be anything but ready."""
    group, kind = group_of(desired["apiVersion"]), desired["kind"]
    if (group, kind) == ("", "Service"):
        return (desired.get("spec") or {}).get("type") == "LoadBalancer"
    if (group, kind) in RULES or _speaker(group, kind) is not None or not is_built_in(group):
        return True
    return _awaits_bundle(desired)


def is_silent(obj: Object) -> bool:
    """Whether nothing speaks for an object: no rule for its kind, and none of the conditions that are known; or it is
    suspended, so that nobody looks at it."""
    group, kind = _group_kind(obj)
    if _stands_still(group, obj.get("spec")):
        return True
    if is_built_in(group) or (group, kind) in RULES or _speaker(group, kind):
        return False
    found = conditions(obj.get("status") or {})
    return not any(name in found for name in SPEAKING_CONDITIONS)


def _group_kind(obj: Object) -> tuple[str, str]:
    return group_of(str(obj.get("apiVersion") or "")), str(obj.get("kind") or "")


def _speaker(group: str, kind: str) -> str | None:
    """The condition that objects of this kind always have."""
    if group.endswith(_ACK):
        return "ACK.ResourceSynced"
    return next((name for name, kinds in _ALWAYS.items() if kind in kinds.get(group, ())), None)


def _by_conditions(obj: Object, group: str, kind: str, found: Mapping[str, Object]) -> State:
    terminal = found.get("ACK.Terminal", {})
    if terminal.get("status") == "True":
        return FAILED, why(terminal)
    always = _speaker(group, kind)
    if (always is None and is_built_in(group)) or _stands_still(group, obj.get("spec")):
        return READY, ""
    if always:
        seen = found.get(always, {}).get("observedGeneration")
        if always not in found or (
            isinstance(seen, int) and seen != (obj.get("metadata") or {}).get("generation", seen)
        ):
            return IN_PROGRESS, f"its controller has not said {always} yet"
    name = always or next((name for name in SPEAKING_CONDITIONS if name in found), "")
    if not name or found[name].get("status") == "True":
        return READY, ""
    final = always == "Succeeded" and found[name].get("status") == "False"
    return FAILED if final else IN_PROGRESS, why(found[name])


def _awaits_bundle(obj: Object) -> bool:
    """Whether a CA bundle is to be injected, and is missing where somebody is called."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if not any(name in annotations for name in _INJECTED):
        return False
    spec = obj.get("spec") or {}
    webhook = (spec.get("conversion") or {}).get("webhook")
    called = [one.get("clientConfig") or {} for one in [*(obj.get("webhooks") or []), *([webhook] if webhook else [])]]
    called += [spec] if obj.get("kind") == "APIService" else []
    return any(not one.get("caBundle") for one in called)


def _stands_still(group: str, spec: object) -> bool:
    """Whether a custom resource is not to be worked on: its own specification says so."""
    return not is_built_in(group) and isinstance(spec, Mapping) and True in (spec.get("suspend"), spec.get("paused"))
