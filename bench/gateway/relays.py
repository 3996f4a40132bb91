"""What is measured: how each relay is started, configured and addressed. Measures nothing.

All stand before the same providers: `whole` answers with a chat completion, `stream` with 203 frames at once, `paced`
with a stream that takes its time (see upstream.py).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench import bodies, subjects

from . import upstream
from .load import Post
from .processes import Tree, free_port, output, seconds_until, started
from .upstream import Upstream

ROOT = Path(__file__).parents[2]
CHAT = "/chat/completions"
WHATS = ("whole", "stream", "paced")


@dataclass(frozen=True)
class Way:
    """How a relay is asked for one of the providers' answers."""

    url: str
    prefix: str = ""
    """Before the model's name."""
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Relay:
    """One that is running; `tree` is its processes, None where nothing stands in between."""

    name: str
    ways: Mapping[str, Way]
    tree: Tree | None = None
    ready_s: float = 0.0
    """From its start to its first answer."""

    def post(self, what: str, asked: str = subjects.USER) -> Post:
        """A request for an answer of this kind."""
        way = self.ways[what]
        messages = [{"role": "system", "content": subjects.SYSTEM}, {"role": "user", "content": asked}]
        body: dict[str, object] = {"model": way.prefix + bodies.MODEL, "messages": messages, "temperature": 0.7}
        body["max_tokens"] = 60
        if what != "whole":
            body["stream"] = True
        return Post(way.url, json.dumps(body), {"authorization": f"Bearer {subjects.KEY}", **(way.headers or {})})


@dataclass(frozen=True)
class Place:
    """Where a run keeps its files, and the providers that everything stands before."""

    folder: Path
    upstream: Upstream

    def new(self, name: str) -> Path:
        """A folder for one relay."""
        folder = self.folder / f"{name}-{time.monotonic_ns()}"
        folder.mkdir()
        return folder


Starter: TypeAlias = Callable[[Place], AbstractContextManager[Relay]]


def by_path(address: str) -> dict[str, Way]:
    """Of a relay that has the providers' own paths."""
    return {what: Way(f"http://{address}/{what}/v1{CHAT}") for what in WHATS}


def direct(place: Place) -> Relay:
    """Nothing in between."""
    return Relay("direct", {what: Way(place.upstream.base_url(what) + CHAT) for what in WHATS})


@contextmanager
def nginx(place: Place) -> Iterator[Relay]:
    """`proxy_pass` as it is by default, with a connection to the provider for each request."""
    with _nginx(place, "nginx", upstream.RELAY) as relay:
        yield relay


@contextmanager
def nginx_kept_alive(place: Place) -> Iterator[Relay]:
    """`proxy_pass` with the provider's connections kept alive: the limit of what a relay can do."""
    with _nginx(place, "nginx, upstream kept alive", upstream.KEPT_ALIVE) as relay:
        yield relay


@contextmanager
def _nginx(place: Place, name: str, configured: str) -> Iterator[Relay]:
    port, folder = free_port(), place.new("nginx")
    http = configured.format(port=port, static=place.upstream.static, paced=place.upstream.paced)
    began = time.perf_counter()
    with upstream.nginx(folder / "own", http, f"http://127.0.0.1:{port}/whole.json") as tree:
        yield Relay(name, by_path(f"127.0.0.1:{port}"), tree, time.perf_counter() - began)


@contextmanager
def prototype(place: Place) -> Iterator[Relay]:
    """The floor of what Python can do."""
    port, folder = free_port(), place.new("prototype")
    command = [sys.executable, "-m", "bench.gateway.prototype", str(port), place.upstream.static, place.upstream.paced]
    with started(command, environment(folder), folder / "output.log") as tree:
        ready_s = seconds_until(f"http://127.0.0.1:{port}/whole.json", tree)
        yield Relay("prototype", by_path(f"127.0.0.1:{port}"), tree, ready_s)


PROVIDERS = """
[providers.{what}]
dialect = "openai"
base_url = "{url}"
api_key = "env:BENCH_KEY"

[models."{what}/gpt-4o-mini"]
input_per_million = 0.15
output_per_million = 0.60
"""
LIMITS = """
[limits.{what}]
requests_per_minute = 100000000
tokens_per_minute = 100000000000
concurrency = 10000
"""
STATE = '[state]\nurl = "{state}"\n'


@dataclass(frozen=True)
class Variant:
    """Ours, with this much of it switched on; the ledger and the metrics always are."""

    name: str
    state: str = "memory"
    """Where limits are counted: that is enough for one worker."""
    key: bool = True
    budget: bool = False

    @property
    def limits(self) -> bool:
        """Whether there are any."""
        return self.state != "off"

    @contextmanager
    def __call__(self, place: Place) -> Iterator[Relay]:
        port, folder = free_port(), place.new("tramite")
        self._configure(folder, place.upstream, port)
        key = self._key(folder) if self.key else subjects.KEY
        command = [sys.executable, "-m", "tramite", "serve", "--port", str(port)]
        way = {"headers": {"authorization": f"Bearer {key}"}}
        with started(command, environment(folder), folder / "output.log") as tree:
            ready_s = seconds_until(f"http://127.0.0.1:{port}/health/ready", tree)
            ways = {what: Way(f"http://127.0.0.1:{port}/v1{CHAT}", f"{what}/", **way) for what in WHATS}
            yield Relay(self.name, ways, tree, ready_s)

    def _configure(self, folder: Path, providers: Upstream, port: int) -> None:
        lines = [STATE.format(state=self.state)]
        for what in WHATS:
            lines.append(PROVIDERS.format(what=what, url=providers.base_url(what)))
            if self.limits:
                lines.append(LIMITS.format(what=what))
        (folder / "tramite.toml").write_text("".join(lines))

    def _key(self, folder: Path) -> str:
        command = [sys.executable, "-m", "tramite", "keys", "create", "bench", "--quiet"]
        if self.limits:
            command += ["--rpm", "100000000", "--tpm", "100000000000"]
        if self.budget:
            command += ["--budget", "900000/month"]
        return output(command, environment(folder), folder).strip()


OURS = (
    Variant("tramite: nothing on", state="off", key=False),
    Variant("tramite: key, limits"),
    Variant("tramite: key, limits in files", state="file"),
    Variant("tramite: key, limits, budget", budget=True),
)


def environment(folder: Path) -> dict[str, str]:
    """A clean one, for a process whose files are all in this folder."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "TRAMITE_HOME": str(folder),
        "TRAMITE_CONFIG": str(folder / "tramite.toml"),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
        "BENCH_KEY": subjects.KEY,
    }
