#!/usr/bin/env python3
"""Requests the version of the server at its recorded address; its Python needs requests and jupyter_core."""

import json
from pathlib import Path

import requests
from jupyter_core import paths

server_file = next(Path(paths.jupyter_runtime_dir()).glob("*server-*.json"))
requests.get(json.loads(server_file.read_bytes())["url"] + "api", proxies={"http": ""}, timeout=3).raise_for_status()
