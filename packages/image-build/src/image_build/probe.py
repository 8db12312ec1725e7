"""What runs inside a container to look at it: text, because the package is not in the images it builds."""

from __future__ import annotations

from typing import Final

CONTENT: Final = """\
import csv, json, os, shutil, sys
from importlib import metadata
sizes, damaged = {}, {}
for found in metadata.distributions():
    record = found.read_text("RECORD")
    if record is None:
        damaged[found.metadata["Name"]] = "has no RECORD"
        continue
    total = 0
    for path, _, size in csv.reader(record.splitlines()):
        file = str(found.locate_file(path))
        if not os.path.exists(file):
            if not path.endswith(".pyc"):
                damaged[found.metadata["Name"]] = path + " is not there"
            continue
        there = os.stat(file).st_size
        total += there
        # What is made while installing has its size in no wheel: the kernel's file is ours.
        if size and int(size) != there and not path.endswith("kernel.json"):
            damaged[found.metadata["Name"]] = "%s has %d bytes, not %s" % (path, there, size)
    sizes[found.metadata["Name"]] = total
print(json.dumps({"user": os.getuid(), "sizes": sizes, "damaged": damaged, "python": sys.version.split()[0]}))
"""
"""The user, every distribution's bytes, and what of them is not as its RECORD says."""

TOOLS: Final = """\
for tool in poetry uv uvx curl cc gcc g++ make; do command -v $tool; done
ls -d /opt/tools /run/secrets/* 2>/dev/null
true
"""
"""Where the tools of the builder are."""

KERNEL: Final = """\
import json, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
said = []
def hear(message):
    if message["msg_type"] == "stream":
        said.append(message["content"]["text"])
try:
    reply = client.execute_interactive("import sys; print(sys.prefix)", output_hook=hear, timeout=60)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
status = reply["content"]["status"]
print(json.dumps({"status": status, "said": "".join(said).strip(), "prefix": sys.prefix}))
"""
"""The default kernel runs a cell, in the Python of this image."""
