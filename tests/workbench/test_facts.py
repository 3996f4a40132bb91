"""What is kept of an answer: no secret, whoever repeats it."""

from __future__ import annotations

import msgspec

from tramite.errors import AuthenticationFailed, BudgetExceeded
from tramite.messages import assistant
from tramite.replies import Choice, Reply, TokenLogprob, Usage
from tramite.wire.seam import Request
from tramite.wire.tap import Heard
from tramite.workbench import facts

KEY = "0123456789abcdef0123456789abcdef"  # as Azure's are: nothing tells it from any other number


def heard(**headers: str) -> Heard:
    request = Request(method="POST", url="https://x.example/v1?key=AIzaSyA0123456789012345678901", headers=headers)
    one = Heard(request, 401, {"set-cookie": "session=1", "x-request-id": "r"})
    one.take(f'{{"error": "wrong key {KEY}"}}'.encode())
    return one


def test_a_key_that_a_provider_repeats_is_not_kept_in_what_went_over_the_wire() -> None:
    for headers in ({"api-key": KEY}, {"authorization": f"Bearer {KEY}"}):
        told = facts.wire([heard(**headers)])
        assert KEY not in repr(told)
        assert "AIza" not in repr(told)
        assert (told[0]["response_headers"]["set-cookie"], told[0]["response_headers"]["x-request-id"]) == ("***", "r")


def test_nor_in_an_error() -> None:
    error = AuthenticationFailed(f"wrong key {KEY}", status=401, body=f"{KEY} and sk-proj-0123456789abcdefghij")
    known = facts.without_secrets(facts.of(None, error), [heard(**{"api-key": KEY})])
    assert KEY not in repr(known)
    assert "sk-proj" not in repr(known)
    assert (known["error"]["kind"], known["error"]["status"]) == ("AuthenticationFailed", 401)


def test_an_error_keeps_what_a_page_tells() -> None:
    told = facts.failure(BudgetExceeded("too much", "workbench", 60.0))
    assert told == {"kind": "BudgetExceeded", "text": "too much", "budget": "workbench", "retry_after_s": 60.0}


def test_an_answer_keeps_its_tokens_costs_and_probabilities() -> None:
    choice = Choice(assistant("x"), "stop", (TokenLogprob("x", -0.1, (("y", -2.0),)),))
    known = facts.of(Reply(choices=(choice,), usage=Usage(input_tokens=3), cost_nanousd=None, target="a/b"), None)
    assert (known["target"], known["usage"]["input_tokens"], known["cost_nanousd"]) == ("a/b", 3, None)
    kept = msgspec.json.decode(msgspec.json.encode(known["logprobs"]))
    assert kept == [{"token": "x", "logprob": -0.1, "top": [["y", -2.0]]}]


def test_a_body_too_long_to_be_looked_at_is_cut_and_says_so() -> None:
    one = heard()
    one.take(b"x" * 2_000_000)
    assert len(one.body) == 1_000_000
    assert facts.wire([one])[0]["response"].endswith("x\n…")
