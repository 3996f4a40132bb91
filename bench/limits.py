"""`make bench-limits`: how much of a limit is used and how much of it is refused, and what the limiter costs.

The simulator keeps the limits, in windows of its own that the limiter does not see. Long runs are on a virtual clock;
two processes that share a limit run in real time, against a simulator on a port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, time

from msgspec.structs import asdict

from tramite.config import Limits
from tramite.pipeline.limits import Limiter, Scope
from tramite.pipeline.limits.file import FileState
from tramite.pipeline.limits.memory import MemoryState
from tramite.pipeline.limits.state import State
from tramite.simulator import InProcess, Options, Simulator, fast_forward
from tramite.simulator.engine import Engine
from tramite.wire.seam import Request, Transport

from .limits_report import page

LEARNING_S = 5.0
"""What happens until then is not counted."""
START_S = 3.0
"""Until both of two processes have started."""


@dataclass(frozen=True)
class Case:
    """One limit, kept by the simulator; `limits` is what the limiter is told of it, None: what it must learn."""

    title: str
    options: Options
    limits: Limits | None
    seconds: float
    workers: int
    most_tokens: int = 50

    @property
    def permitted(self) -> float:
        """Requests or tokens in a minute."""
        return self.options.rpm or self.options.tpm or 0


@dataclass
class Outcome:
    """What came of a case: requests and tokens that were let in after the learning, and requests that were not."""

    seconds: float
    admitted: int = 0
    tokens: int = 0
    refused: int = 0
    refused_before: int = 0

    def add(self, at_s: float, status: int, tokens: int) -> None:
        """One answer, to a request sent then."""
        if at_s < LEARNING_S:
            self.refused_before += status != 200
        elif at_s < LEARNING_S + self.seconds:
            self.admitted += status == 200
            self.tokens += tokens * (status == 200)
            self.refused += status != 200


def cases(minutes: float) -> list[Case]:
    """What must be reached, told and learned."""
    return [
        Case(f"{title}, {'told' if told else 'learned'}", options, told, seconds, workers, tokens)
        for title, options, limits, workers, tokens, seconds in (
            ("60 requests/min", Options(rpm=60, latency_s=1.0), Limits(requests_per_minute=60), 8, 50, 360 * minutes),
            (
                "3,000 requests/min",
                Options(rpm=3000, latency_s=1.0),
                Limits(requests_per_minute=3000),
                100,
                50,
                60 * minutes,
            ),
            (
                "100,000 tokens/min",
                Options(tpm=100_000, latency_s=1.0),
                Limits(tokens_per_minute=100_000),
                50,
                700,
                60 * minutes,
            ),
        )
        for told in (limits, None)
    ]


async def drive(case: Case, transport: Transport, url: str, state: State, outcome: Outcome) -> None:
    """So many workers ask as fast as the limiter lets them."""
    limiter, loop = Limiter(state), asyncio.get_running_loop()
    scopes = (Scope("openai"), Scope("openai/m", case.limits or Limits(), learns=True))
    chance = random.Random(1)
    began_s = loop.time()

    async def work() -> None:
        while loop.time() - began_s < LEARNING_S + outcome.seconds:
            wished = chance.randint(50, case.most_tokens)
            tokens = wished + PROMPT_TOKENS
            permit = limiter.take_now(scopes, tokens) or await limiter.take(scopes, tokens, within_s=1e9)
            at_s = loop.time() - began_s
            response = await transport.send(request(url, wished))
            await response.read()
            permit.answered(response.headers)
            outcome.add(at_s, response.status, tokens)
            if response.status == 429:
                permit.throttled(float(response.headers["retry-after-ms"]) / 1000)
                permit.abandon(sent=True)
            else:
                permit.settle(tokens)

    await asyncio.gather(*(work() for _ in range(case.workers)))
    await limiter.aclose()


PROMPT_TOKENS = 10
"""What the simulator counts for this prompt."""


def request(url: str, tokens: int) -> Request:
    """A short question for an answer of so many tokens."""
    body = {"model": "sim/ok", "max_tokens": tokens, "messages": [{"role": "user", "content": "hello"}]}
    return Request(
        method="POST",
        url=f"{url}/v1/chat/completions",
        headers={"content-type": "application/json"},
        body=json.dumps(body).encode(),
    )


def virtual(case: Case) -> Outcome:
    """In memory, on a virtual clock."""
    outcome = Outcome(case.seconds)
    fast_forward(drive(case, InProcess(Engine(case.options)), "http://simulated", MemoryState(), outcome))
    return outcome


async def two_processes(case: Case) -> Outcome:
    """In real time: two processes, half of the workers each, which share their limits in files."""
    total = Outcome(case.seconds)
    with tempfile.TemporaryDirectory() as folder:
        async with Simulator.running(**asdict(case.options)) as simulator:
            numbers = [str(time() + START_S), str(case.seconds), str(case.workers // 2)]
            command = ["-m", "bench.limits", "--process", simulator.url, folder, *numbers]
            children = [
                await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
                for _ in range(2)
            ]
            for child in children:
                found = json.loads((await child.communicate())[0])
                for name in ("admitted", "tokens", "refused", "refused_before"):
                    setattr(total, name, getattr(total, name) + found[name])
    return total


async def one_of_two(url: str, folder: str, start_at: float, seconds: float, workers: int) -> None:
    """One of the two processes, which begin at the same time; prints what came of it."""
    from tramite.wire.network import Network

    case = Case("", Options(rpm=3000), Limits(requests_per_minute=3000), seconds, workers)
    outcome, network = Outcome(seconds), Network()
    await asyncio.sleep(start_at - time())
    await drive(case, network, url, FileState(Path(folder)), outcome)
    await network.aclose()
    print(json.dumps(vars(outcome)))


PLAIN = {f"header-{number}": "value" for number in range(12)}
OPENAI = PLAIN | {
    "x-ratelimit-limit-requests": "500000000",
    "x-ratelimit-remaining-requests": "499999999",
    "x-ratelimit-reset-requests": "12ms",
    "x-ratelimit-limit-tokens": "16000000000",
    "x-ratelimit-remaining-tokens": "15999999999",
    "x-ratelimit-reset-tokens": "9ms",
}
LOOSE = Limits(requests_per_minute=1e9, tokens_per_minute=1e12)


async def costs(rounds: int, times: int) -> dict[str, float]:
    """Seconds of one request's way through the limiter: `take_now`, `answered`, `settle`. The best of some rounds."""
    with tempfile.TemporaryDirectory() as folder:
        files = FileState(Path(folder))
        found = {
            "nothing configured, nothing learned": best(Limiter(MemoryState()), Limits(), PLAIN, rounds, times),
            "requests and tokens, in memory": best(Limiter(MemoryState()), LOOSE, PLAIN, rounds, times),
            "learned from OpenAI's six headers, in memory": best(
                Limiter(MemoryState()), Limits(), OPENAI, rounds, times
            ),
            "requests and tokens, in a file": best(Limiter(files), LOOSE, PLAIN, rounds, times),
        }
        await files.aclose()
        return found


def best(limiter: Limiter, limits: Limits, headers: dict[str, str], rounds: int, times: int) -> float:
    """On a machine that does other things too, the fastest round says the most."""
    scopes = (Scope("openai/m", limits, learns=True),)
    fastest = float("inf")
    for _ in range(rounds):
        began = perf_counter()
        for _ in range(times):
            permit = limiter.take_now(scopes, 100)
            if permit is not None:
                permit.answered(headers)
                permit.settle(100)
        fastest = min(fastest, (perf_counter() - began) / times)
    return fastest


def run(some: Iterable[Case], shared_s: float, rounds: int = 7, times: int = 3000) -> str:
    """All of it; the page that says what was found."""
    found = [(case, virtual(case)) for case in some]
    together = Case(
        "3,000 requests/min, told, two processes, real time", Options(rpm=3000, latency_s=0.2), None, shared_s, 60
    )
    found.append((together, asyncio.run(two_processes(together))))
    return page(found, asyncio.run(costs(rounds, times)))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.limits", description=__doc__)
    parser.add_argument(
        "--minutes",
        type=float,
        default=10,
        help="of virtual time; six times as many at 60 requests/min (default: %(default)s)",
    )
    parser.add_argument("--shared", type=float, default=60, help="seconds of real time (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("LIMITS.md"))
    parser.add_argument("--process", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.process:
        url, folder, start_at, seconds, workers = options.process
        asyncio.run(one_of_two(url, folder, float(start_at), float(seconds), int(workers)))
        return
    options.out.write_text(run(cases(options.minutes), options.shared))
    print(f"written: {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
