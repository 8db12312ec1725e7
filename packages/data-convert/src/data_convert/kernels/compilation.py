"""Compiles the kernels for this machine's processor. Run as a program, it writes the object code to its output."""

from __future__ import annotations

import sys
from typing import Any, Final

import llvmlite.binding as llvm

ARGUMENTS: Final = {"scan_text": 2, "read_columns": 3, "gather_texts": 6}
"""Number of arguments of each kernel, all of them 64-bit integers, as is the result."""


def object_code() -> bytes:
    """Object code of all kernels."""
    from numba import cfunc, types

    from data_convert.kernels import cell_loops, scanning

    module = llvm.parse_assembly("")
    loops = {**vars(scanning), **vars(cell_loops)}
    for name, count in ARGUMENTS.items():
        function = cfunc(types.int64(*[types.int64] * count), error_model="numpy")(loops[name])
        # The code generator gives the function a long name of its own.
        text = function.inspect_llvm().replace(function.native_name, symbol(name))
        module.link_in(llvm.parse_assembly(text))
    code: bytes = machine().emit_object(module)
    return code


def machine() -> Any:
    """This machine's processor as a target of LLVM."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="jitdefault",
    )


def symbol(name: str) -> str:
    """The kernel's name in the object code."""
    return f"shrinkwrap_{name}"


if __name__ == "__main__":
    sys.stdout.buffer.write(object_code())
