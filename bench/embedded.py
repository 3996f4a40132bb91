"""How fast the embedded model is, through the client: `.venv/bin/python -m bench.embedded`.

Short texts have 5 to 14 English words, full ones more than the model reads (256 tokens). The best of several rounds is
told: what else runs on the machine only makes it slower.
"""

from __future__ import annotations

import asyncio
import os
import random
from time import perf_counter

from tramite import AsyncClient

MODEL = "embedded/all-minilm-l6-v2"
WORDS = """the a mountain event in Florence summer people how to cook pasta with tomato is great model language learning
deep water river lake hotel booking price cheap best night train station""".split()  # noqa: SIM905
ROUNDS = 5


def texts(count: int, least: int, most: int) -> list[str]:
    chance = random.Random(1)
    return [" ".join(chance.choice(WORDS) for _ in range(chance.randint(least, most))) for _ in range(count)]


async def best(llm: AsyncClient, some: list[str], one_by_one: bool = False) -> tuple[float, float]:
    """Texts and tokens per second."""
    fastest, tokens = float("inf"), 0
    for _ in range(ROUNDS):
        began = perf_counter()
        calls = [[text] for text in some] if one_by_one else [some]
        replies = [await llm.embed(call, model=MODEL, truncate=True) for call in calls]
        fastest = min(fastest, perf_counter() - began)
        tokens = sum(reply.usage.input_tokens or 0 for reply in replies)
    return len(some) / fastest, tokens / fastest


async def main() -> None:
    async with AsyncClient() as llm:
        began = perf_counter()
        await llm.embed("first", model=MODEL)
        print(f"first text, the model's loading included: {perf_counter() - began:.2f} s")
        for name, some, one_by_one in (
            ("short texts, 512 in a call", texts(512, 5, 14), False),
            ("short texts, one in a call", texts(64, 5, 14), True),
            ("full texts, 32 in a call", texts(32, 300, 300), False),
        ):
            per_second, tokens = await best(llm, some, one_by_one)
            print(f"{name}: {per_second:.0f} texts/s, {tokens:.0f} tokens/s")
        print(f"cores: {len(os.sched_getaffinity(0))}; load before: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    asyncio.run(main())
