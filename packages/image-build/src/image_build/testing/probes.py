"""Programs that run inside a container to inspect it. They are texts, because images do not contain this package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# Prints the user, and the bytes of every distribution.
CONTENT: Final = """\
import json, os, sys
from importlib import metadata
sizes = {}
for found in metadata.distributions():
    files = (str(found.locate_file(path)) for path in found.files or ())
    sizes[found.metadata["Name"]] = sum(os.stat(file).st_size for file in files if os.path.exists(file))
print(json.dumps({"user": os.getuid(), "sizes": sizes, "python": sys.version.split()[0]}))
"""

# Prints the paths of tools that only the builder stage needs.
TOOLS: Final = """\
for tool in poetry uv uvx curl cc gcc g++ make; do command -v $tool; done
ls -d /opt/tools /run/secrets/* 2>/dev/null
true
"""

# Runs a cell in the default kernel, and prints which Python ran it.
KERNEL: Final = """\
import json, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
output = []
def add(message):
    if message["msg_type"] == "stream":
        output.append(message["content"]["text"])
try:
    reply = client.execute_interactive("import sys; print(sys.prefix)", output_hook=add, timeout=60)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
status = reply["content"]["status"]
print(json.dumps({"status": status, "output": "".join(output).strip(), "prefix": sys.prefix}))
"""


def dpkg_query(packages: Iterable[str]) -> list[str]:
    """The command that prints the name, version and status of Debian packages, which can have pinned versions."""
    names = [package.partition("=")[0] for package in packages]
    return ["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\\n", *names]
