"""Other gateways, where they can be had: from their registries, each in a folder of its own in the user's cache.

They have nothing switched on: no keys, no database, no limits. Nothing of ours depends on them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from . import relays
from .processes import free_port, seconds_until, started
from .relays import CHAT, WHATS, Place, Relay, Way

CACHE = platformdirs.user_cache_path("tramite") / "bench"
LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = "@portkey-ai/gateway@1.15.2"
UNSAFE = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"
LITELLM_CONFIG = """
model_list:
{models}
litellm_settings:
  telemetry: false
"""
LITELLM_MODEL = """
  - model_name: "{what}/*"
    litellm_params:
      model: "openai/*"
      api_base: "{url}"
      api_key: sk-a-key
"""


def install() -> None:
    """Both, where they are not there yet. Raises CalledProcessError."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not _litellm().exists():
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / "litellm")], check=True)
        subprocess.run([str(CACHE / "litellm/bin/pip"), "install", "--quiet", LITELLM], check=True)
    if not _portkey().exists() and shutil.which("npm"):
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(CACHE / "portkey"), PORTKEY]
        subprocess.run(command, check=True)


def _litellm() -> Path:
    return CACHE / "litellm/bin/litellm"


def _portkey() -> Path:
    return CACHE / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"


def installed() -> list[relays.Starter]:
    """Those that are there."""
    there: dict[relays.Starter, bool] = {
        litellm: _litellm().exists(),
        portkey: _portkey().exists() and shutil.which("node") is not None,
    }
    return [starter for starter, installed in there.items() if installed]


@contextmanager
def litellm(place: Place) -> Iterator[Relay]:
    """LiteLLM's proxy."""
    port, folder = free_port(), place.new("litellm")
    models = "".join(LITELLM_MODEL.format(what=what, url=place.upstream.base_url(what)) for what in WHATS)
    (folder / "config.yaml").write_text(LITELLM_CONFIG.format(models=models))
    command = [
        str(CACHE / "litellm/bin/python"),
        str(_litellm()),
        "--config",
        str(folder / "config.yaml"),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    own = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": "", "LITELLM_LOG": "ERROR", UNSAFE: "true"}
    with started(command, {**relays.environment(folder), **own}, folder / "output.log") as tree:
        ready_s = seconds_until(f"http://127.0.0.1:{port}/health/liveliness", tree)
        ways = {what: Way(f"http://127.0.0.1:{port}/v1{CHAT}", f"{what}/") for what in WHATS}
        yield Relay("LiteLLM 1.106.2", ways, tree, ready_s)


@contextmanager
def portkey(place: Place) -> Iterator[Relay]:
    """Portkey's gateway."""
    port, folder = free_port(), place.new("portkey")
    command = ["node", str(_portkey()), f"--port={port}", "--headless"]
    own = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    with started(command, {**relays.environment(folder), **own}, folder / "output.log") as tree:
        ready_s = seconds_until(f"http://127.0.0.1:{port}/", tree)
        ways = {
            what: Way(
                f"http://127.0.0.1:{port}/v1{CHAT}",
                headers={"x-portkey-provider": "openai", "x-portkey-custom-host": place.upstream.base_url(what)},
            )
            for what in WHATS
        }
        yield Relay(f"Portkey {_release()}", ways, tree, ready_s)


def _release() -> str:
    release: str = json.loads((_portkey().parents[1] / "package.json").read_text())["version"]
    return release
