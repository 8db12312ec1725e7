"""The language of a notebook's kernel, which the file of the notebook names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from notebook_run.errors import NotebookInputError

# Jupyter also writes the language; old and hand-written files may have only the name of the kernel.
_OTHERS: Final = re.compile(
    r"ir|r|irkernel|julia.*|iruby|ruby.*|bash|sh|zsh|calysto.*|xcpp.*|xc\d*|c|cling.*|javascript.*|tslab|jslab|deno|node.*"
    r"|scala.*|almond|kotlin.*|java|ijava|rjk|octave|matlab.*|imatlab|sas.*|stata.*|nbstata|gnuplot|go.*|lgo|rust.*|evcxr.*"
    r"|haskell.*|ihaskell|perl.*|lua.*|ilua|xsql.*|sql.*|\.net-.*|fsharp|csharp|clojure.*|ocaml.*|wolfram.*|maxima|prolog.*",
    re.IGNORECASE,
)


def check_kernel(path: Path, file: str) -> None:
    """Check that a notebook is one of Python; a file that cannot be read is reported when it is run.

    Args:
        file: Its path in messages.

    Raises:
        NotebookInputError: Its kernel has another language.
    """
    metadata = _metadata(path)
    kernel, info = _table(metadata, "kernelspec"), _table(metadata, "language_info")
    name = str(kernel.get("name") or "")
    language = str(kernel.get("language") or info.get("name") or "")
    is_other = not language.lower().startswith(("python", "ipython")) if language else bool(_OTHERS.fullmatch(name))
    if is_other:
        named = f"the kernel {name}" if name else "a kernel"
        of = f", which is {language}" if language else ""
        raise NotebookInputError(
            f"{file} is a notebook of {named}{of}, and images have a kernel of Python alone. Choose one of Python in"
            " Jupyter (Kernel, Change Kernel…) and save it, or remove the notebook's table."
        )


def _metadata(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return _table(document, "metadata") if isinstance(document, dict) else {}


def _table(table: dict[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}
