"""A Hugging Face hub on a port of this machine: what `huggingface_hub` asks when it fetches a model."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c0ffee" + "0" * 34


class Hub:
    """Repositories by name, each with its files; `asked` is every path that was asked for."""

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes]], refuse: str = "") -> None:
        self.repositories = repositories
        self.refuse = refuse
        """The error code that every question about a repository gets."""
        self.asked: list[str] = []
        self.url = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(path)
        path = path.partition("?")[0].strip("/")
        if path.startswith("api/models/"):
            return self._api(path.removeprefix("api/models/"))
        name, _, rest = path.partition("/resolve/")
        file = rest.partition("/")[2]
        content = self.repositories.get(name, {}).get(file)
        if content is None:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        etag = hashlib.sha256(content).hexdigest()
        return 200, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}, content

    def _api(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if self.refuse:
            status = 403 if self.refuse == "GatedRepo" else 404
            return status, {"X-Error-Code": self.refuse}, b'{"error": "no"}'
        name, what = path, ""
        for part in ("/revision/", "/tree/"):
            if part in path:
                name, what = path.partition(part)[0], part
        files = self.repositories.get(name)
        if files is None:
            return 404, {"X-Error-Code": "RepoNotFound"}, b'{"error": "Repository not found"}'
        said: Any = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": file} for file in files]}
        if what == "/tree/":
            said = [
                {"type": "file", "path": file, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for file, content in files.items()
            ]
        return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """The hub on a port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = hub.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # the name that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
