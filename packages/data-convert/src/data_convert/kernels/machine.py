"""Operations on memory that Numba lacks, such as loads from an address and bit masks of bytes, and how it compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_BYTE, _WORD = ir.IntType(8), ir.IntType(64)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Make the function one that kernels call."""
    result: _Function = njit(error_model="numpy")(function)
    return result


def inlined(function: _Function) -> _Function:
    """Make the function one that becomes part of the kernels that call it."""
    result: _Function = njit(error_model="numpy", forceinline=True)(function)
    return result


def _operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make an operation of a function that returns its types and the code for it."""
    result: Callable[..., Any] = intrinsic(function)
    return result


@_operation
def load_byte(context: Any, address: Any) -> Any:
    """The byte at the address, as int64."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.load(builder.inttoptr(arguments[0], _BYTE.as_pointer())), _WORD)

    return types.int64(types.int64), code


@_operation
def load_word(context: Any, address: Any) -> Any:
    """The eight bytes from the address on, as uint64."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = builder.load(builder.inttoptr(arguments[0], _WORD.as_pointer()))
        word.align = 1
        return word

    return types.uint64(types.int64), code


@_operation
def equal_bytes(context: Any, address: Any, byte: Any) -> Any:
    """A bit for each of the 64 bytes from the address on: whether it equals `byte`; none if `byte` is above 255."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(_BYTE, 64)
        text = builder.load(builder.inttoptr(arguments[0], vector.as_pointer()))
        text.align = 1
        one = builder.insert_element(
            ir.Constant(vector, ir.Undefined), builder.trunc(arguments[1], _BYTE), ir.Constant(ir.IntType(32), 0)
        )
        all_ = builder.shuffle_vector(
            one, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64)
        )
        mask = builder.bitcast(builder.icmp_unsigned("==", text, all_), _WORD)
        is_byte = builder.icmp_unsigned("<", arguments[1], ir.Constant(_WORD, 256))
        return builder.select(is_byte, mask, ir.Constant(_WORD, 0))

    return types.uint64(types.int64, types.int64), code


@_operation
def high_bytes(context: Any, address: Any) -> Any:
    """A bit for each of the 64 bytes from the address on: whether it is above 127, so not ASCII."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(_BYTE, 64)
        text = builder.load(builder.inttoptr(arguments[0], vector.as_pointer()))
        text.align = 1
        return builder.bitcast(builder.icmp_signed("<", text, ir.Constant(vector, [0] * 64)), _WORD)

    return types.uint64(types.int64), code


@_operation
def lowest_bit(context: Any, mask: Any) -> Any:
    """The place of the lowest bit that is set; 64 if there is none."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), code


@_operation
def count_bits(context: Any, mask: Any) -> Any:
    """How many bits are set."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), code


@_operation
def highest_bit(context: Any, mask: Any) -> Any:
    """The place of the highest bit that is set; -1 if there is none."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.sub(ir.Constant(_WORD, 63), builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0)))

    return types.int64(types.uint64), code


@_operation
def pointer_to(context: Any, address: Any, kind: Any) -> Any:
    """The address as a pointer to values of that type."""
    pointer = types.CPointer(kind.dtype)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(types.int64, kind), code
