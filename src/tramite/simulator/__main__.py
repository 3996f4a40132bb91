"""`python -m tramite.simulator --port 0`: a simulated provider for other processes; prints its address."""

from __future__ import annotations

import argparse
import sys

from tramite.errors import ConfigError

from .options import Options
from .running import run

_FLAGS: tuple[tuple[str, type, str, str], ...] = (
    ("--rpm", int, "rpm", "requests per minute"),
    ("--tpm", int, "tpm", "tokens per minute"),
    ("--rps", int, "rps", "requests per second"),
    ("--latency", float, "latency_s", "seconds before the first byte"),
    ("--token-interval", float, "token_interval_s", "seconds between two tokens"),
    ("--cold-start", float, "cold_start_s", "seconds of loading after the first request"),
    ("--idle", float, "idle_s", "seconds without requests until the model is put away"),
    ("--tokens", int, "tokens", "length of an answer"),
    ("--context", int, "context_tokens", "size of the context window"),
    ("--seed", int, "seed", "decides which requests flaky models fail"),
    ("--key", str, "key", "the bearer key that every request must carry"),
)
_PRICES = (("--price-in", "input_nanousd"), ("--price-out", "output_nanousd"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tramite.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100, help="0 takes any that is free")
    parser.add_argument("--virtual-clock", action="store_true", help="POST /sim/advance?s= moves it")
    parser.add_argument("--model", action="append", default=[], help="a further name that is no fault")
    for flag, kind, name, words in _FLAGS:
        parser.add_argument(flag, type=kind, dest=name, help=words)
    for flag, name in _PRICES:
        parser.add_argument(flag, type=float, dest=name, help="dollars per million tokens")
    return parser


def main(arguments: list[str]) -> int:
    """Run until interrupted; 2 for arguments that cannot be."""
    given = vars(_parser().parse_args(arguments))
    host, port, virtual = given.pop("host"), given.pop("port"), given.pop("virtual_clock")
    options = {name: value for name, value in given.items() if value is not None}
    options["models"] = tuple(options.pop("model"))
    for _, name in _PRICES:
        if name in options:
            options[name] = round(options[name] * 1e9)
    try:
        run(Options(**options), host=host, port=port, virtual_clock=virtual)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
