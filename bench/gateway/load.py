"""wrk, told what to post, and what it counted. Knows no relay."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from .processes import output
from .upstream import program

SCRIPT = """
wrk.method = "POST"
wrk.body = %s
for name, value in pairs(%s) do wrk.headers[name] = value end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\nFOUND {"requests":%%d,"wall_s":%%.6f,"failed":%%d,"p50_ms":%%.4f,"p99_ms":%%.4f}\\n',
    summary.requests, summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.status +
    errors.timeout, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


class Post(Struct, frozen=True):
    """A request, as often as is wanted."""

    url: str
    body: str
    headers: Mapping[str, str]


class Load(Struct, frozen=True):
    """What one run of wrk counted."""

    requests: int
    wall_s: float
    failed: int
    p50_ms: float
    p99_ms: float


def posted(folder: Path, post: Post, connections: int, seconds: float) -> Load:
    """Post it over so many connections, as fast as the answers come. Raises RuntimeError when answers are failures."""
    script = folder / "post.lua"
    headers = {"content-type": "application/json", **post.headers}
    table = ", ".join(f"[{lua(name)}] = {lua(value)}" for name, value in headers.items())
    script.write_text(SCRIPT % (lua(post.body), f"{{ {table} }}"))
    command = [program("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
    said = output([*command, "-s", str(script), post.url], os.environ, folder)
    load = msgspec.json.decode(said.rpartition("FOUND ")[2].strip(), type=Load)
    if load.failed or not load.requests:
        raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
    return load


def lua(text: str) -> str:
    """A text as Lua writes it: JSON's escapes are Lua's for what is written here."""
    return json.dumps(text)
