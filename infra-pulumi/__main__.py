"""The Pulumi program: the entry point that `pulumi up` runs."""

from __future__ import annotations

import pulumi
from shrinkwrap_infra.errors import InfraError
from shrinkwrap_infra.program import make_stack

try:
    make_stack(pulumi.Config().get_object("settings"), stack=pulumi.get_stack())
except InfraError as error:
    raise pulumi.RunError(str(error)) from None
