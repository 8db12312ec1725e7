#!/usr/bin/env python3
"""Asks the server for its version at the address it noted; needs requests and jupyter_core of whatever Python runs."""

import json
from pathlib import Path

import requests
from jupyter_core import paths

noted = next(Path(paths.jupyter_runtime_dir()).glob("*server-*.json"))
requests.get(json.loads(noted.read_bytes())["url"] + "api", proxies={"http": ""}, timeout=3).raise_for_status()
