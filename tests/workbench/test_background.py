"""Answers that are written while nobody looks: whole, stopped, failed or interrupted, what had come is kept."""

from __future__ import annotations

import threading

import pytest

from tests.client.world import words
from tests.workbench.world import Writing, asked, over, until, writing
from tramite.client.stream import AsyncStream
from tramite.errors import InvalidCall, StoreFailed
from tramite.store.conversations import Conversations, Node
from tramite.workbench.background import Generation, Generations

SLOWLY = "tokens=100000"
SILENT = "slow-first-token:60s"


def came(generation: Generation, text: str) -> None:
    until(lambda: text in generation.message.text)


def felt(world: Writing, how_many: int = 1) -> None:
    """The provider has noticed that nobody wants more."""
    until(lambda: world.simulator.stats().streams.gone == how_many)


def test_a_whole_answer_is_kept_with_its_facts() -> None:
    with writing() as world:
        generation = over(world.ask("tokens=20"))
        kept = world.kept(generation)
        assert (kept.status, kept.message.text) == ("complete", words(20))
        assert (generation.message, generation.node.facts) == (kept.message, kept.facts)
        assert kept.facts["usage"]["output_tokens"] == 20
        assert kept.facts["target"] == "sim/tokens=20"
        assert kept.facts["asked"] == {"model": "sim"}
        until(lambda: world.generations.find(generation.node.id) is None)
        assert world.generations.running == 0


def test_what_comes_is_written_down_while_more_is_awaited() -> None:
    with writing() as world:
        generation = world.ask("tokens=40,stall@20")
        until(lambda: world.kept(generation).message.text == words(20))
        assert world.kept(generation).status == "running"
        assert generation.message.text == words(20)
        assert (world.generations.running, world.generations.find(generation.node.id)) == (1, generation)
        assert "1 running" in repr(world.generations)


def test_whoever_watches_is_woken_by_more_and_by_the_end() -> None:
    with writing(token_interval_s=0.002) as world:
        generation = world.ask("tokens=50")
        version, seen = 0, 0
        while generation.running:
            found = generation.wait(version, 20)
            assert found > version or not generation.running
            version, seen = found, seen + 1
        assert seen > 1
        assert generation.wait(version, 20) == version
        assert generation.wait(version - 1, 20) == version


def test_a_wait_ends_when_its_time_is_over() -> None:
    with writing() as world:
        generation = world.ask(SILENT)
        version = generation.version
        until(lambda: generation.wait(version, 0.001) == version or generation.version != version)


def test_a_stop_before_the_first_token_is_felt_by_the_provider() -> None:
    with writing() as world:
        generation = world.ask(SILENT)
        until(lambda: world.simulator.stats().open_now == 1)
        world.generations.stop(generation.node.id)
        over(generation)
        felt(world)
        kept = world.kept(generation)
        assert (kept.status, kept.message.text) == ("stopped", "")
        assert generation.first_token_s is None


def test_a_stop_in_the_middle_keeps_what_had_come() -> None:
    with writing(token_interval_s=0.001) as world:
        generation = world.ask(SLOWLY)
        came(generation, "token-20")
        world.generations.stop(generation.node.id)
        over(generation)
        felt(world)
        kept = world.kept(generation)
        assert kept.status == "stopped"
        assert kept.message.text.startswith(words(20))
        assert kept.message == generation.message
        assert "error" not in kept.facts


def test_an_answer_that_is_stopped_before_it_began_asks_nobody() -> None:
    with writing() as world:
        held = threading.Event()
        world.generations._loop.call_soon_threadsafe(held.wait)
        generation = world.ask("ok")
        world.generations.stop(generation.node.id)
        held.set()
        over(generation)
        assert world.kept(generation).status == "stopped"
        assert world.simulator.stats().requests == 0


def test_stopping_twice_or_what_is_over_or_unknown_changes_nothing() -> None:
    with writing() as world:
        generation = world.ask(SILENT)
        for id in (generation.node.id, generation.node.id, "nobody"):
            world.generations.stop(id)
        over(generation)
        world.generations.stop(generation.node.id)
        whole = over(world.ask("tokens=5"))
        world.generations.stop(whole.node.id)
        assert (world.kept(generation).status, world.kept(whole).status) == ("stopped", "complete")


@pytest.mark.parametrize("model", ["cut@10", "error@10", "malformed@10"])
def test_a_failure_keeps_what_had_come_and_why(model: str) -> None:
    with writing() as world:
        generation = over(world.ask(model))
        kept = world.kept(generation)
        assert kept.status == "failed"
        assert kept.message.text.startswith(words(9))
        assert kept.facts["error"]["kind"] == type(generation.error).__name__
        assert kept.facts["attempts"]


def test_what_cannot_even_be_asked_has_failed() -> None:
    def refuse() -> AsyncStream:
        raise InvalidCall("no such setting", "seed")

    with writing() as world:
        generation = over(world.begin(refuse))
        assert world.kept(generation).status == "failed"
        assert world.kept(generation).facts["error"]["field"] == "seed"


def test_a_fault_of_our_own_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> AsyncStream:
        raise ZeroDivisionError("oops")

    with writing() as world:
        generation = over(world.begin(broken))
        assert world.kept(generation).facts["error"]["text"] == "ZeroDivisionError: oops"
    assert "could not be written" in caplog.text


def test_a_retry_is_seen_while_it_happens_and_not_after() -> None:
    with writing(token_interval_s=0.001) as world:
        generation = over(world.ask("500:times=1,tokens=5"))
        assert len(world.kept(generation).facts["attempts"]) == 2
        assert generation.event is None


class Failing(Conversations):
    """A store that cannot be reached any more."""

    def grow(self, node: Node) -> None:
        raise StoreFailed("the disk is full")

    def end(self, node: Node) -> None:
        raise StoreFailed("the disk is full")


def test_where_the_store_fails_the_answer_is_there_and_says_so() -> None:
    with writing() as world:
        store = Failing(Conversations.in_memory()._database)
        generation = over(world.ask("tokens=20", store))
        assert (generation.status, generation.message.text) == ("complete", words(20))
        assert generation.node.facts["error"]["kind"] == "StoreFailed"
        store.close()


def test_several_are_written_at_once_and_each_is_stopped_alone() -> None:
    with writing() as world:
        several = [world.ask(f"tokens={30 + number},stall@20") for number in range(5)]
        for generation in several:
            came(generation, words(20))
        assert world.generations.running == 5
        world.generations.stop(several[2].node.id)
        over(several[2])
        felt(world)
        assert [one.status for one in several] == ["running", "running", "stopped", "running", "running"]
        assert world.simulator.stats().open_now == 4


def test_when_the_server_ends_what_is_being_written_is_interrupted_and_kept() -> None:
    with writing() as world:
        half, none = world.ask("tokens=40,stall@20"), world.ask(SILENT)
        came(half, words(20))
        until(lambda: world.simulator.stats().open_now == 2)
        world.generations.end()
        assert [world.kept(one).status for one in (half, none)] == ["interrupted", "interrupted"]
        assert world.kept(half).message.text == words(20)
        felt(world, 2)


def test_an_answer_that_is_just_being_put_away_is_not_lost_when_the_server_ends() -> None:
    class Slow(Conversations):
        def end(self, node: Node) -> None:
            ending.set()
            let_go.wait(20)
            super().end(node)

    ending, let_go = threading.Event(), threading.Event()
    with writing() as world:
        store = Slow(world.store._database)
        generation = world.ask("tokens=5", store)
        assert ending.wait(20)
        world.generations.stop(generation.node.id)
        closer = threading.Thread(target=world.generations.end)
        closer.start()
        let_go.set()
        closer.join()
        assert world.kept(generation).status == "complete"


def test_closing_twice_is_closing_once() -> None:
    generations = Generations()
    generations.close()
    generations.close()
    assert not any(thread.name == "tramite: workbench" for thread in threading.enumerate())


def test_what_was_said_late_does_not_undo_an_end() -> None:
    store = Conversations.in_memory()
    node = asked(store)
    ended = Node(id=node.id, conversation_id=node.conversation_id, message=node.message, status="stopped")
    store.end(ended)
    store.grow(node)
    assert store.nodes([node.id])[0].facts == {}
    store.close()


def test_what_went_over_the_wire_is_kept_without_the_key() -> None:
    with writing() as world:
        generation = over(world.ask("tokens=3"))
        (heard,) = world.store.wire(generation.node.id)
        assert (heard["method"], heard["status"]) == ("POST", 200)
        assert heard["url"].startswith(world.simulator.base_url)
        assert "token-3" in heard["response"]
        assert {name.lower(): value for name, value in heard["headers"].items()}["authorization"] == "Bearer ***"
        assert "sk-sim" not in str(heard)
