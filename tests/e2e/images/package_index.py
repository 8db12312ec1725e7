"""A package index with a password, for builds: one private package, and an old version of a public one."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "team", "p@ss/word"  # pragma: allowlist secret


class PackageIndex:
    """Serves on an address that containers and this machine reach, for the duration of a block.

    Attributes:
        asked: The paths of all requests.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._files = dict([wheel("shrinkwrap_private", "1.0"), wheel("iniconfig", "0.1")])

    @property
    def url(self) -> str:
        """Of the index, without credentials."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/simple"

    def __enter__(self) -> PackageIndex:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                if self.headers.get("Authorization") != f"Basic {expected}":
                    self._answer(401, b"")
                elif (content := index._content(self.path)) is None:
                    self._answer(404, b"")
                else:
                    self._answer(200, content)

            def _answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="packages"')
                self.send_header("Content-Type", "text/html" if "/simple/" in self.path else "application/zip")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((bridge_address(), 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _content(self, path: str) -> bytes | None:
        name = path.strip("/").rpartition("/")[2]
        if path.startswith("/files/"):
            return self._files.get(name)
        links = [
            f'<a href="/files/{file}#sha256={hashlib.sha256(content).hexdigest()}">{file}</a>'
            for file, content in self._files.items()
            if file.partition("-")[0].replace("_", "-") == name
        ]
        return "".join(links).encode() if links else None


def wheel(
    name: str, version: str, *, requires: str = "Requires-Dist: iniconfig\n", module: str = ""
) -> tuple[str, bytes]:
    """Name and content of a wheel, which needs `iniconfig` if nothing else is named."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": module,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            # Of the same time in each run: caches know a wheel by its name.
            archive.writestr(zipfile.ZipInfo(path), text)
        archive.writestr(
            zipfile.ZipInfo(f"{info}/RECORD"), "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
        )
    return f"{name}-{version}-py3-none-any.whl", buffer.getvalue()


def bridge_address() -> str:
    """The address of this machine in the network of containers; no other machine reaches it."""
    words = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
