from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.client.world import in_process
from tramite.providers.token_counts import BYTES_PER_TOKEN, TokenRatios


def test_before_anything_is_known_it_is_a_guess_and_says_so() -> None:
    count = TokenRatios().estimate("sim/ok", 350)
    assert (count.tokens, count.how) == (round(350 / BYTES_PER_TOKEN), "guess")


def test_a_model_s_own_usage_is_learned_and_recent_usage_counts_most() -> None:
    ratios = TokenRatios()
    for _ in range(100):
        ratios.observe("a", 600, 100)
    assert ratios.estimate("a", 6000).tokens == 1000
    assert ratios.estimate("a", 6000).how == "learned"
    for _ in range(500):
        ratios.observe("a", 200, 100)
    assert 2990 <= ratios.estimate("a", 6000).tokens <= 3000
    assert ratios.estimate("b", 350).how == "guess"
    ratios.observe("b", 100, None)
    ratios.observe("b", 100, 0)
    assert ratios.estimate("b", 350).how == "guess"


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1), st.integers(0, 10**9))
def test_an_estimate_lies_between_what_was_seen(seen: list[tuple[int, int]], size: int) -> None:
    ratios = TokenRatios()
    for observed, tokens in seen:
        ratios.observe("m", observed, tokens)
    found = ratios.estimate("m", size).tokens
    shares = [tokens / observed for observed, tokens in seen]
    assert size * min(shares) * 0.999 - 1 <= found <= size * max(shares) * 1.001 + 1


async def test_the_client_learns_from_each_reply() -> None:
    llm, _ = in_process()
    prompt = "parole " * 400
    assert (await llm.count_tokens(prompt)).how == "guess"
    reply = await llm.chat(prompt)
    learned = await llm.count_tokens(prompt)
    assert learned.how == "learned"
    assert abs(learned.tokens - (reply.usage.input_tokens or 0)) <= 1
    stream = llm.stream(prompt, model="sim/tokens=1")
    async for _ in stream:
        pass
    assert (await llm.count_tokens(prompt, model="sim/tokens=1")).how == "learned"
