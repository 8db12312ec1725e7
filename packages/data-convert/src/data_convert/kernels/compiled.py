"""Compiles the kernels once per machine and loads the compiled copy afterwards.

Importing Numba and compiling takes seconds, but loading the object code with llvmlite a few hundredths of a second.
The copy is cached in the environment's folder, or in the user's cache folder if that one is read-only.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt

from data_convert.kernels import compilation
from terminal import progress_if_slow

Kernel = Callable[..., int]

_lock = threading.Lock()


def kernel(name: str) -> Kernel:
    """The compiled kernel of that name; it takes addresses (`address_of`) and integers, and releases the GIL."""
    with _lock:
        return _kernels()[name]


def address_of(array: npt.NDArray[Any]) -> int:
    """Address of the array's data; the caller must keep the array alive."""
    address: int = array.__array_interface__["data"][0]
    return address


def address_of_text(text: bytes) -> int:
    """Address of the text; the caller must keep the text alive."""
    return address_of(np.frombuffer(text, dtype=np.uint8)) if text else 0


@cache
def _kernels() -> dict[str, Kernel]:
    machine = compilation.machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(_object_code()))
    engine.finalize_object()
    kernels: dict[str, Kernel] = {}
    for name, count in compilation.ARGUMENTS.items():
        prototype = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)
        kernels[name] = prototype(engine.get_function_address(compilation.symbol(name)))
    # The code lives as long as its engine.
    kernels["engine"] = engine
    return kernels


def _object_code() -> bytes:
    """The cached object code, or newly compiled code that is cached for the next process."""
    name = f"kernels-{_key()}.o"
    for folder in _cache_folders():
        code = _read(folder / name)
        if code is not None:
            return code
    with progress_if_slow("compiling the parser, once on this machine"):
        code = _compile()
    for folder in _cache_folders():
        if _write(folder / name, code):
            break
    return code


def _key() -> str:
    """Changes with the kernels, the compiler and the processor."""
    source = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    # A release of Numba needs one of llvmlite; its own version would take longer to find than the kernels to load.
    facts = [llvmlite.__version__, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
    return hashlib.sha256(source + "\n".join(facts).encode()).hexdigest()[:32]


def _cache_folders() -> Iterator[Path]:
    yield Path(sys.prefix) / "share" / "shrinkwrap"
    if home := os.environ.get("XDG_CACHE_HOME"):
        yield Path(home) / "shrinkwrap"
    # A user of a container may have no home at all.
    with suppress(RuntimeError):
        yield Path.home() / ".cache" / "shrinkwrap"


def _read(path: Path) -> bytes | None:
    """The code in the file; None if it does not exist or is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, code = data[:32], data[32:]
    return code if hashlib.sha256(code).digest() == digest else None


def _write(path: Path, code: bytes) -> bool:
    """Write the code completely or not at all; return whether that was possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            complete = Path(folder) / path.name
            complete.write_bytes(hashlib.sha256(code).digest() + code)
            complete.replace(path)
    except OSError:
        return False
    return True


def _compile() -> bytes:
    """Object code of all kernels for this machine's processor.

    A process of its own compiles them, because Numba takes 150 MB of memory, which would stay until the end.
    """
    command = [sys.executable, "-m", compilation.__name__]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return process.stdout if process.returncode == 0 else compilation.object_code()
