"""The policy pack: the entry point that `pulumi preview --policy-pack policy-pack` runs."""

from __future__ import annotations

from bucket_rules import RULES, unprotected, violations
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from stack_rules import STACK_RULES


def resource_policy(name: str, description: str) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for message in violations(name, args.resource_type, args.props):
            report(message, None)

    return ResourceValidationPolicy(name=name, description=description, validate=validate)


def protect_policy() -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for message in unprotected(args.resource_type, is_protected=args.opts.protect):
            report(message, None)

    return ResourceValidationPolicy(name="protect", description="Buckets and keys are protected.", validate=validate)


def stack_policy(name: str, description: str) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for message in STACK_RULES[name].find(
            [(resource.resource_type, resource.props) for resource in args.resources]
        ):
            report(message, None)

    return StackValidationPolicy(name=name, description=description, validate=validate)


PolicyPack(
    name="shrinkwrap",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        *(resource_policy(name, rule.description) for name, rule in RULES.items()),
        protect_policy(),
        *(stack_policy(name, rule.description) for name, rule in STACK_RULES.items()),
    ],
)
