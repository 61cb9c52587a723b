# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which refusals say that what is there may not be changed: whoever states it, and nothing that merely has the word."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.immutable import is_immutable, told
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import api_error

BOUND = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
STATEFUL_SET = (
    "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' "
    "and 'minReadySeconds' are forbidden"
)
VALUE = (
    'core.PodTemplateSpec{Spec:core.PodSpec{Containers:[]core.Container{core.Container{Name:"a: b", Image:"x: y"}}}}'
)


def invalid(*causes, name="a", kind="Widget"):
    """A 422 of the server: (reason, message) of each cause."""
    entries = [{"reason": f"FieldValue{reason}", "message": text, "field": "spec.x"} for reason, text in causes]
    message = f'{kind} "{name}" is invalid: ' + ", ".join(f"spec.x: {text}" for _reason, text in causes)
    return api_error(422, {"message": message, "reason": "Invalid", "details": {"name": name, "causes": entries}}, "")


def denied(status, message, *causes):
    return api_error(status, {"message": message, "details": {"causes": [{"message": text} for text in causes]}}, "")


STATED = {
    "apimachinery": invalid(("Invalid", 'Invalid value: "x": field is immutable')),
    "a whole template as the value": invalid(("Invalid", f"Invalid value: {VALUE}: field is immutable")),
    "a value in JSON": invalid(("Invalid", 'Invalid value: {"a":"b: c","d":["}"]}: field is immutable')),
    "no value": invalid(("Invalid", "Invalid value: null: field is immutable")),
    "declarative, set": invalid(("Invalid", "Invalid value: null: field cannot be set once created")),
    "declarative, cleared": invalid(("Invalid", "Invalid value: null: field cannot be cleared once set")),
    "declarative, modified": invalid(("Invalid", "Invalid value: null: field cannot be modified once set")),
    "Service": invalid(("Invalid", 'Invalid value: ["None"]: may not change once set')),
    "families of a Service": invalid(("Invalid", 'Invalid value: "IPv6": primary ipFamily can not be changed')),
    "StatefulSet": invalid(("Forbidden", STATEFUL_SET)),
    "RoleBinding": invalid(
        ("Invalid", 'Invalid value: {"apiGroup":"g","kind":"Role","name":"x"}: cannot change roleRef')
    ),
    "PriorityClass": invalid(("Forbidden", "Forbidden: may not be changed in an update.")),
    "StorageClass": invalid(
        ("Forbidden", "Forbidden: updates to parameters are forbidden."),
        ("Forbidden", "Forbidden: updates to reclaimPolicy are forbidden."),
        ("Invalid", 'Invalid value: "Immediate": field is immutable'),
    ),
    "ConfigMap": invalid(("Forbidden", "Forbidden: field is immutable when `immutable` is set")),
    "claim": invalid(
        ("Forbidden", "Forbidden: spec is immutable after creation except resources.requests for bound claims")
    ),
    "Pod": invalid(
        ("Forbidden", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`\n{}")
    ),
    "containers of a Pod": invalid(("Forbidden", "Forbidden: pod updates may not add or remove containers")),
    "tolerations of a Pod": invalid(
        ("Forbidden", "Forbidden: existing toleration can not be modified except its tolerationSeconds")
    ),
    "completions of a Job": invalid(
        ("Invalid", "Invalid value: 2: can only be modified in tandem with spec.parallelism"),
        ("Invalid", 'Invalid value: "Indexed": field is immutable'),
    ),
    "deadline of a Pod": invalid(("Invalid", "Invalid value: 9: must be less than or equal to previous value")),
    "CEL, of the blog": invalid(("Invalid", 'Invalid value: "string": Value is immutable')),
    "CEL, without the value": invalid(("Invalid", "Invalid value: size is fixed after creation")),
    "CEL, default message without the value": invalid(("Invalid", "Invalid value: failed rule: self.a == oldSelf.a")),
    "CEL, default message": invalid(("Invalid", 'Invalid value: "object": failed rule: self.size == oldSelf.size')),
    "CEL, required once set": invalid(("Required", "Required value: class is required once set")),
    "CEL, can't": invalid(("Invalid", "Invalid value: 3: size can't be changed")),
    "CEL, only at creation": invalid(("Invalid", "Invalid value: 3: size may only be set during creation")),
    "Knative": denied(
        400,
        'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: '
        "Immutable fields changed (-old +new): spec",
    ),
    "Config Connector": denied(
        403,
        'admission webhook "deny-immutable-field-updates.cnrm.cloud.google.com" denied the request: '
        "the IAMPolicyMember's spec is immutable",
    ),
    "a webhook with causes": denied(
        422,
        'admission webhook "v.example.com" denied the request: Widget.example.com "w" is invalid: spec.size: Invalid '
        "value: 3: field is immutable",
        "Invalid value: 3: field is immutable",
    ),
    "a webhook without causes": denied(
        422,
        'admission webhook "v.example.com" denied the request: Widget.example.com "w" is invalid: [spec.size: Invalid '
        "value: 3: field is immutable, spec.class: Forbidden: changing the class is not allowed]",
    ),
    "a policy": denied(422, f'widgets "a" is forbidden: {BOUND}size is immutable', f"{BOUND}size is immutable"),
    "a policy's default message": denied(
        422, f'widgets "a" is forbidden: {BOUND}failed expression: object.spec.size == oldObject.spec.size'
    ),
}
NOT_STATED = {
    "the object's name": invalid(
        ("Invalid", "Invalid value: -1: must be greater than or equal to 0"), name="immutable-cache", kind="Deployment"
    ),
    "the kind": invalid(("Invalid", "Invalid value: -1: must be positive"), kind="Immutable.example.com"),
    "the value": invalid(("Invalid", 'Invalid value: "field is immutable": a valid label must be shorter')),
    "a value with the whole sentence": invalid(("Invalid", 'Invalid value: "x: field is immutable": must be short')),
    "a field's name": invalid(
        ("TypeInvalid", 'Invalid value: "string": spec.immutable in body must be of type boolean')
    ),
    "supported values": invalid(("NotSupported", 'Unsupported value: "x": supported values: "immutable", "mutable"')),
    "a negation": invalid(("Invalid", "Invalid value: 3: size is not immutable, but at most 2")),
    "another negation": invalid(("Invalid", "Invalid value: 3: the field isn't immutable")),
    "a demand": denied(
        403, 'admission webhook "w" denied the request: image references must be immutable, use a digest'
    ),
    "a condition": invalid(("Forbidden", "Forbidden: may not be given unless the volume is immutable")),
    "a mixture": invalid(
        ("Invalid", f"Invalid value: {VALUE}: field is immutable"), ("Required", "Required value: image is missing")
    ),
    "a mixture without causes": denied(
        422,
        'admission webhook "v" denied the request: Widget "w" is invalid: [spec.size: Invalid value: 3: field is '
        "immutable, spec.image: Required value]",
    ),
    "the webhook's name": denied(
        403, 'admission webhook "immutable.example.com" denied the request: too many replicas'
    ),
    "the policy's name": denied(
        422,
        "x \"a\" is forbidden: ValidatingAdmissionPolicy 'immutable' with binding 'is immutable' denied request: no",
    ),
    "a freeze": denied(403, 'admission webhook "w" denied the request: changes are not allowed during the freeze'),
    "required at all times": invalid(("Required", "Required value: image may not be empty")),
    "no permission": api_error(403, {"message": 'User "u" cannot update resource "widgets"; field is immutable'}, ""),
    "a conflict": api_error(409, {"message": "the object has been modified; field is immutable"}, ""),
    "the server's own fault": api_error(500, {"message": "field is immutable"}, ""),
    "a quota": api_error(403, {"message": 'pods "immutable" is forbidden: exceeded quota: immutable'}, ""),
    "an address that is taken": invalid(("Invalid", 'Invalid value: "10.0.0.1": provided IP is already allocated')),
    "nothing said": invalid(("Invalid", "Invalid value: 3")),
}


@pytest.mark.parametrize("case", STATED)
def test_who_states_that_a_field_is_immutable_is_understood(case):
    assert is_immutable(STATED[case])


@pytest.mark.parametrize("case", NOT_STATED)
def test_other_refusals_are_not_taken_for_it(case):
    assert not is_immutable(NOT_STATED[case])


def test_values_are_left_out_of_what_is_told():
    error = STATED["a whole template as the value"]
    assert told(error.causes, str(error)) == "field is immutable"
    assert told([], 'Service "a" is invalid: spec: it is so') == "spec: it is so"
