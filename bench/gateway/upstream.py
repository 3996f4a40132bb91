"""Providers of fixed answers: nginx for whole bodies, and a process of its own for streams that take their time.

nginx serves `/whole/v1/…` (a chat completion), `/stream/v1/…` (203 frames at once), and relays the same paths and
`/paced/v1/…` when it is the reference. Measures nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import bodies

from .processes import Tree, free_port, seconds_until, started

MAIN = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
worker_rlimit_nofile 16384;
{user}
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 600;
  keepalive_requests 1000000;
{http}
}}
"""
STATIC = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder};
    open_file_cache max=10;
    # a file answers GET only: what another method gets is the same file, in place of the error
    location /whole/ {{ try_files /whole.json =404; error_page 405 =200 /whole.json; }}
    location /stream/ {{ try_files /stream.sse =404; error_page 405 =200 /stream.sse; }}
    types {{ application/json json; text/event-stream sse; }}
  }}
"""
RELAY = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://{static}; }}
    location /paced/ {{ proxy_pass http://{paced}; proxy_buffering off; }}
  }}
"""
KEPT_ALIVE = """
  upstream static {{ server {static}; keepalive 128; keepalive_requests 1000000; }}
  upstream paced {{ server {paced}; keepalive 128; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {{ proxy_pass http://static; }}
    location /paced/ {{ proxy_pass http://paced; proxy_buffering off; }}
  }}
"""


class NotInstalled(Exception):
    """A program that is needed; the message says which."""


def program(name: str) -> str:
    """Where it is; as root on Debian it is installed when it is not there. Raises NotInstalled."""
    path = os.environ["PATH"] + os.pathsep + "/usr/sbin"
    if shutil.which(name, path=path) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        # a machine's own nginx would take port 80: what we run is started by ourselves
        environment = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "--yes", "--quiet", name], env=environment, check=True, stdout=sys.stderr)
    found = shutil.which(name, path=path)
    if found is None:
        raise NotInstalled(f"{name} is needed: install the package {name}, or run this as root on Debian")
    return found


@contextmanager
def nginx(folder: Path, http: str, ready: str) -> Iterator[Tree]:
    """An nginx of our own with this configuration; given when `ready` answers."""
    folder.mkdir()
    file = folder / "nginx.conf"
    file.write_text(MAIN.format(folder=folder, http=http, user="user root;" if os.geteuid() == 0 else ""))
    command = [program("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)]
    with started(command, {"PATH": os.environ["PATH"]}, folder / "output.log") as tree:
        seconds_until(ready, tree)
        yield tree


@dataclass(frozen=True)
class Upstream:
    """Where the providers are: addresses without a path."""

    static: str
    paced: str

    def base_url(self, what: str) -> str:
        """Of `whole`, `stream` or `paced`, as a provider is configured."""
        return f"http://{self.paced if what == 'paced' else self.static}/{what}/v1"


@contextmanager
def upstream(folder: Path) -> Iterator[Upstream]:
    """Both of them."""
    static, paced = free_port(), free_port()
    own = folder / "static"
    http = STATIC.format(port=static, folder=own)
    with nginx_with_files(own, http, static), pacing(paced, folder):
        yield Upstream(f"127.0.0.1:{static}", f"127.0.0.1:{paced}")


@contextmanager
def nginx_with_files(folder: Path, http: str, port: int) -> Iterator[Tree]:
    """The static server, its files made."""
    with nginx(folder, http, f"http://127.0.0.1:{port}/nginx.conf") as tree:
        (folder / "whole.json").write_bytes(bodies.chat())
        (folder / "stream.sse").write_bytes(b"".join(bodies.stream_frames()))
        yield tree


@contextmanager
def pacing(port: int, folder: Path) -> Iterator[Tree]:
    """The pacing server."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "bench.gateway.paced", str(port)]
    with started(command, {"PYTHONPATH": str(root), "PATH": os.environ["PATH"]}, folder / "paced.log") as tree:
        seconds_until(f"http://127.0.0.1:{port}/seen", tree)
        yield tree
