# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is referred to is written before what refers to it, for every pair that a server or a controller checks."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import order
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import Ref

RBAC, STORAGE = "rbac.authorization.k8s.io", "storage.k8s.io"
ADMISSION, FLOW = "admissionregistration.k8s.io", "flowcontrol.apiserver.k8s.io"
PAIRS = [
    ("/Namespace", "/ConfigMap", "there is no other place for it"),
    ("apiextensions.k8s.io/CustomResourceDefinition", "example.com/Widget", "the kind is not served"),
    ("scheduling.k8s.io/PriorityClass", "/Pod", "admission refuses the pod"),
    ("scheduling.k8s.io/PriorityClass", "apps/Deployment", "its pods are refused"),
    ("node.k8s.io/RuntimeClass", "/Pod", "admission refuses the pod"),
    (f"{STORAGE}/StorageClass", "/PersistentVolumeClaim", "no default class is filled in"),
    (f"{STORAGE}/VolumeAttributesClass", "/PersistentVolumeClaim", "the class is not found"),
    (f"{STORAGE}/CSIDriver", "/PersistentVolume", "what the driver can do is not known"),
    ("/PersistentVolume", "/PersistentVolumeClaim", "another volume is made for the claim"),
    ("networking.k8s.io/IngressClass", "networking.k8s.io/Ingress", "no default class is filled in"),
    ("networking.k8s.io/ServiceCIDR", "/Service", "the address is of no range"),
    ("/Service", "networking.k8s.io/IPAddress", "the address is deleted"),
    ("/ServiceAccount", "/Secret", "the controller deletes a token of nobody"),
    ("/ServiceAccount", "/Pod", "admission refuses the pod"),
    (f"{RBAC}/Role", f"{RBAC}/RoleBinding", "the role is not found by who is no administrator"),
    (f"{RBAC}/ClusterRole", f"{RBAC}/RoleBinding", "the same"),
    (f"{RBAC}/ClusterRole", f"{RBAC}/ClusterRoleBinding", "the same"),
    (f"{FLOW}/PriorityLevelConfiguration", f"{FLOW}/FlowSchema", "the schema dangles"),
    ("resource.k8s.io/DeviceClass", "resource.k8s.io/ResourceClaim", "the class is not found"),
    ("resource.k8s.io/ResourceClaimTemplate", "/Pod", "the pod waits"),
    ("/ResourceQuota", "/Secret", "it would not be counted"),
    ("/LimitRange", "/PersistentVolumeClaim", "it would not be limited"),
    ("/LimitRange", "apps/StatefulSet", "its pods would not be limited"),
    ("networking.k8s.io/NetworkPolicy", "apps/Deployment", "its pods would be open"),
    ("/ConfigMap", "apps/Deployment", "its pods do not start"),
    ("/PersistentVolumeClaim", "/Pod", "the pod cannot be placed"),
    ("/Service", "apps/StatefulSet", "its pods have no names"),
    ("/Service", "/Endpoints", "the controller may delete it"),
    ("apps/Deployment", f"{ADMISSION}/ValidatingWebhookConfiguration", "it would intercept its own server"),
    ("apps/Deployment", "apiregistration.k8s.io/APIService", "nobody answers"),
    (f"{ADMISSION}/ValidatingAdmissionPolicy", f"{ADMISSION}/ValidatingAdmissionPolicyBinding", "it needs every right"),
    (f"{ADMISSION}/MutatingAdmissionPolicy", f"{ADMISSION}/MutatingAdmissionPolicyBinding", "it needs every right"),
    ("/ConfigMap", f"{ADMISSION}/ValidatingAdmissionPolicyBinding", "its parameters are missing"),
    ("example.com/Widget", f"{ADMISSION}/MutatingAdmissionPolicy", "it would change what is written now"),
    ("karpenter.k8s.aws/EC2NodeClass", "karpenter.sh/NodePool", "the class is not found"),
    ("gateway.networking.k8s.io/GatewayClass", "gateway.networking.k8s.io/Gateway", "the class is not found"),
]


def phase(text):
    group, _slash, kind = text.partition("/")
    return order.phase_of(kind, group)


@pytest.mark.parametrize(("first", "second", "_else"), PAIRS)
def test_what_is_referred_to_comes_first(first, second, _else):
    assert phase(first) < phase(second)


def test_kinds_are_told_apart_by_their_group():
    others = (
        "serving.knative.dev/Service",
        "iam.services.k8s.aws/Role",
        "example.com/Namespace",
        "example.com/ConfigMap",
    )
    assert {phase(other) for other in others} == {order.REST}


LATE = {
    "the account of a new namespace": ('pods "p" is forbidden: error looking up service account n/default: x', True),
    "an account of the set": ('pods "p" is forbidden: error looking up service account n/mine: x', True),
    "an account that nobody brings": ('pods "p" is forbidden: error looking up service account n/theirs: x', False),
    "a class of the set": ("no PriorityClass with name high was found", True),
    "a class that nobody brings": ("no PriorityClass with name low was found", False),
    "another refusal": ('pods "p" is forbidden: exceeded quota: default', False),
}


@pytest.mark.parametrize("case", LATE)
def test_what_is_on_its_way(case):
    error, late = LATE[case]
    brought = {Ref("", "ServiceAccount", "n", "mine"), Ref("scheduling.k8s.io", "PriorityClass", "", "high")}
    assert order.is_on_its_way(error, Ref("", "Pod", "n", "p"), brought) is late
