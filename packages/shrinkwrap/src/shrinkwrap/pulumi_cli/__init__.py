"""Runs the project's Pulumi program by the Pulumi CLI, after checking everything that a run needs."""

from __future__ import annotations

from shrinkwrap.pulumi_cli.stacks import preview_stack, print_outputs, read_outputs, up_stack

__all__ = ["preview_stack", "print_outputs", "read_outputs", "up_stack"]
