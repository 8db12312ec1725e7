"""The program that runs a notebook, as one text that needs no other file."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Final

_PACKAGE: Final = "notebook_run"
_ROOMS: Final = ("page", "program")
# The image has no package of this repository: an importer has the sources of these modules.
_TEXT: Final = """\
import base64, importlib.abc, importlib.util, json, sys, zlib
SOURCES = json.loads(zlib.decompress(base64.b64decode("{sources}")))
class Sources(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def find_spec(self, name, path=None, target=None):
        if name in SOURCES:
            return importlib.util.spec_from_loader(name, self, origin="shrinkwrap", is_package=self.is_package(name))
    def is_package(self, name):
        return any(other.startswith(name + ".") for other in SOURCES)
    def get_source(self, name):
        return SOURCES[name]
sys.meta_path.insert(0, Sources())
from notebook_run.program.main import main
main(sys.argv[1])
"""


def program_text() -> str:
    """The program, for `python -c`; its only argument is an order."""
    packed = zlib.compress(json.dumps(program_sources()).encode(), 9)
    return _TEXT.format(sources=base64.b64encode(packed).decode())


def program_sources() -> dict[str, str]:
    """The text of each module of the program, by its name."""
    folder = Path(__file__).parents[1]
    paths = [path for room in _ROOMS for path in sorted((folder / room).glob("*.py"))]
    names = {path: [_PACKAGE, path.parent.name, *([] if path.stem == "__init__" else [path.stem])] for path in paths}
    return {_PACKAGE: "", **{".".join(name): path.read_text("utf-8") for path, name in names.items()}}
