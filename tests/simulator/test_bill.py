"""The books: what was asked, by whom, how it ended, and what it costs."""

from __future__ import annotations

import json

from tests.simulator.raw import chat, in_process, on_socket, request
from tramite.simulator import Engine, InProcess, Options, Simulator
from tramite.simulator.bill import Bill, Entry

KEY = "sk-very-secret-key-1234"


async def test_requests_are_counted_by_model_status_kind_and_end() -> None:
    provider = InProcess()
    for model in ("sim/ok", "ok", "500", "cut@3", "reset"):
        await in_process(provider, chat(model, stream=True))
    stats = provider.stats()
    assert stats.requests == 5
    assert stats.by_model == {"ok": 2, "500": 1, "cut@3": 1, "reset": 1}
    assert stats.by_status == {200: 3, 500: 1, 0: 1}
    assert stats.by_kind == {"chat": 5}
    assert (stats.streams.started, stats.streams.finished) == (5, 2)
    assert (stats.streams.refused, stats.streams.broken) == (1, 2)
    assert (stats.open_now, stats.open_max) == (0, 1)


async def test_the_bill_is_input_and_output_at_their_prices_rounded_up_once() -> None:
    provider = InProcess(Engine(Options(input_nanousd=150_000, output_nanousd=600_000)))
    await in_process(provider, chat("tokens=3"))
    stats = provider.stats()
    assert (stats.input_tokens, stats.output_tokens) == (10, 3)
    assert stats.billed_nanousd == 4  # 10 x 0.15 + 3 x 0.6 = 3.3


async def test_a_cut_stream_is_billed_its_input_and_what_was_made() -> None:
    provider = InProcess()
    await in_process(provider, chat("cut@40,tokens=60", stream=True))
    assert (provider.stats().input_tokens, provider.stats().output_tokens) == (10, 40)


async def test_refusals_cost_nothing_but_a_filtered_prompt_does() -> None:
    provider = InProcess()
    for model in ("429", "500", "quota", "auth", "context", "reset", "html"):
        await in_process(provider, chat(model))
    assert provider.stats().billed_nanousd == 0
    await in_process(provider, chat("filter"))
    assert (provider.stats().input_tokens, provider.stats().output_tokens) == (10, 0)


async def test_accounts_tell_keys_apart_without_keeping_them() -> None:
    provider = InProcess()
    for key in (KEY, KEY, "sk-another-secret-5678"):
        await in_process(provider, chat("ok"), headers={"Authorization": f"Bearer {key}"})
    await in_process(provider, chat("ok"))
    accounts = provider.stats().accounts
    assert sorted(account.requests for account in accounts.values()) == [1, 1, 2]
    assert any(name.startswith("…1234#") for name in accounts)
    assert "anonymous" in accounts
    assert KEY not in repr(provider.stats()) + repr(provider.engine.bill.recent())


async def test_what_was_asked_twice_shows_by_its_client_request_id() -> None:
    provider = InProcess()
    for id in ("row-1", "row-2", "row-1"):
        await in_process(provider, chat("ok"), headers={"X-Client-Request-Id": id})
    assert provider.stats().by_client_request_id == {"row-2": 1, "row-1": 2}


async def test_the_log_lists_the_requests_in_order_with_their_times() -> None:
    provider = InProcess()
    await in_process(provider, chat("429"))
    await in_process(provider, chat("ok"))
    log = provider.engine.bill.recent()
    assert [(entry.number, entry.model, entry.status) for entry in log] == [(1, "429", 429), (2, "ok", 200)]
    assert log[0].at <= log[1].at


async def test_a_reset_forgets_and_what_was_open_then_does_not_disturb_the_new_books() -> None:
    engine = Engine()
    provider = InProcess(engine)
    response = await provider.send(request(chat("stall@1", stream=True)))
    engine.reset()
    response.close()
    assert (provider.stats().requests, provider.stats().open_now) == (0, 0)


def test_memory_of_the_books_is_bounded() -> None:
    bill = Bill(Options(remember=10))
    for number in range(5000):
        entry = Entry(number=number, kind="chat", client="c", client_request_id=str(number), at=0)
        bill.begin(entry)
        bill.end(entry, "gone", 1)
    stats = bill.stats(0)
    assert stats.requests == 5000
    assert len(stats.by_client_request_id) == 10
    assert len(stats.client_gone) == len(bill.recent()) == 1000


def test_a_second_end_changes_nothing() -> None:
    bill = Bill(Options())
    entry = Entry(number=1, kind="chat", client="c", at=0)
    bill.begin(entry)
    bill.end(entry, "finished", 1)
    bill.end(entry, "gone", 2)
    assert (bill.stats(0).wholes.finished, bill.stats(0).wholes.gone, bill.stats(0).open_now) == (1, 0, 0)


async def test_stats_and_log_are_served_as_json_and_reset_over_http() -> None:
    async with Simulator.running() as simulator:
        await on_socket(simulator, chat("ok"))
        stats = (await on_socket(simulator, b"", "/sim/stats")).json
        log = (await on_socket(simulator, b"", "/sim/log")).json
        assert (stats["requests"], stats["wholes"]["finished"], len(log)) == (1, 1, 1)
        assert stats["by_status"] == {"200": 1}
        reset = await on_socket(simulator, json.dumps({}).encode(), "/sim/reset")
        assert reset.json["requests"] == simulator.stats().requests == 0
        unknown = await on_socket(simulator, b"", "/sim/nothing")
        assert (unknown.status, b"GET /sim/stats" in unknown.body) == (404, True)
