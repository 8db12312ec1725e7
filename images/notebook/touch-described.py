"""touch-described.py FOLDER: creates the files that FOLDER/pyproject.toml names as description and license, if missing.

Without them, the project's own package could not be built; an image does not need their contents.
"""

import sys
import tomllib
from pathlib import Path

folder = Path(sys.argv[1])
data = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
named = []
for table in (data.get("project", {}), data.get("tool", {}).get("poetry", {})):
    readme, license_ = table.get("readme", []), table.get("license")
    named += readme if isinstance(readme, list) else [readme]
    named += [license_] if isinstance(license_, dict) else []
for name in named:
    path = name.get("file") if isinstance(name, dict) else name
    if path:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
