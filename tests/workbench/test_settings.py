"""What the settings page knows: who answers, what is configured and from where, what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.world import eventually
from tests.workbench.settled import KEY, at_home, toml
from tramite.client.governance import for_programs
from tramite.config import load
from tramite.errors import ConfigError
from tramite.messages import user
from tramite.simulator import Simulator
from tramite.store.conversations import Node, new_id
from tramite.workbench import appearance
from tramite.workbench.access import Access
from tramite.workbench.house import House
from tramite.workbench.preferences import configured, data
from tramite.workbench.preferences.health import Check, Health


def found(house: House) -> dict[str, Health]:
    """How each provider does, when all have answered."""
    check = Check(house)
    eventually(lambda: check.done)
    assert repr(check) == "<Check: 0 still asked>"
    return {one.provider.name: one for one in check.found}


def say(house: House, temporary: bool = False) -> None:
    store = house.store(temporary)
    conversation = store.create("chat", "one")
    store.add(Node(id=new_id(), conversation_id=conversation.id, message=user("hello")))


def test_each_provider_says_how_it_does() -> None:
    with Simulator.in_thread(key=KEY) as simulator:
        url = simulator.base_url
        own = (
            f'[providers.sim]\nbase_url = "{url}"\napi_key = "env:SIM_KEY"\n'
            f'[providers.wrong]\nbase_url = "{url}"\napi_key = "env:WRONG_KEY"\n'
            '[providers.gone]\nbase_url = "http://127.0.0.1:9/v1"\n'
        )
        with at_home(toml(own)) as (house, _):
            told = found(house)
    assert list(told)[:3] == ["sim", "wrong", "gone"]
    assert {name: one.state for name, one in told.items() if name in ("sim", "wrong", "gone", "ollama", "demo")} == {
        "sim": "answers",
        "wrong": "refused",
        "gone": "failed",
        "ollama": "absent",
        "demo": "demo",
    }
    assert told["sim"].models > 1
    assert told["sim"].took_s > 0
    assert told["openai"].state == "no_key"
    assert told["embedded"].state in ("answers", "not_installed")


def test_a_provider_without_a_list_is_not_asked_and_one_without_models_says_so() -> None:
    with Simulator.in_thread(key=KEY) as simulator:
        more = f'[providers.perplexity]\nbase_url = "{simulator.base_url}"\napi_key = "env:SIM_KEY"\n'
        with at_home(toml(more)) as (house, _):
            assert found(house)["perplexity"].state == "unlisted"
        assert simulator.stats().requests == 0


def test_what_was_asked_a_moment_ago_holds_for_the_same_configuration_alone() -> None:
    with at_home(toml()) as (house, _):
        check = Check(house)
        assert check.holds(house.config)
        assert not check.holds(for_programs(load()))


def test_settings_are_shown_with_where_they_come_from_and_no_secret() -> None:
    literal = '[providers.mine]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "sk-written-out-0123456789"\n'
    more = f'default_model = "sim/ok"\n{literal}[providers.sim]\nbase_url = "http://127.0.0.1:9/v1"\n'
    with at_home(toml(more + 'api_key = "env:SIM_KEY"\n')) as (house, file):
        rows = {row.key: row for row in configured.settings(house.config)}
        everything = configured.settings(house.config, all=True)
        notices = configured.notices(house.config)
    assert (rows["default_model"].value, rows["default_model"].origin) == ("sim/ok", str(file))
    assert rows["providers.sim.api_key"].value == f"env:SIM_KEY {configured.MASK}"
    assert rows["providers.mine.api_key"].value.endswith(configured.MASK)
    assert "retry.attempts" not in rows
    assert "retry.attempts" in {row.key for row in everything}
    assert any("written out" in notice for notice in notices)
    said = str([*everything, *notices])
    assert not any(part in said for part in (KEY, "wxyz", "sk-written", "6789"))


def test_a_password_in_an_address_is_not_shown() -> None:
    with at_home(toml('[state]\nurl = "redis://me:hush@127.0.0.1:6379/0"\n')) as (house, _):
        assert "hush" not in str(configured.settings(house.config))


def test_the_configuration_is_read_again_and_what_is_in_memory_stays() -> None:
    with at_home(toml()) as (house, file):
        say(house, temporary=True)
        before = house.clients.of(Access())
        file.write_text(toml('default_model = "demo/demo"\n'))
        house.read_again()
        assert house.config.default_model == "demo/demo"
        assert house.temporary.count() == (1, 1)
        assert house.clients.of(Access()) is not before
        assert house.models.of(Access(provider="demo"), 20).models


def test_a_wrong_configuration_changes_nothing() -> None:
    with at_home(toml('default_model = "demo/demo"\n')) as (house, file):
        say(house)
        client = house.clients.of(Access())
        file.write_text("[retry]\nattempts = 'many'\n")
        with pytest.raises(ConfigError, match=r"retry\.attempts"):
            house.read_again()
        assert house.config.default_model == "demo/demo"
        assert house.clients.of(Access()) is client
        assert house.stored.count() == (1, 1)


def test_another_store_is_used_once_it_is_configured() -> None:
    with at_home(toml()) as (house, file):
        say(house)
        other = Path("other.sqlite").absolute()
        file.write_text(toml(f'[store]\nurl = "sqlite:///{other}"\n'))
        house.read_again()
        assert house.stored.count() == (0, 0)
        assert data.kept(house).place == str(other)


def test_what_is_kept_is_counted_and_all_conversations_can_be_deleted() -> None:
    with at_home(toml("[store]\nkeep_days = 7\nkeep_text = true\n")) as (house, _):
        say(house)
        say(house)
        say(house, temporary=True)
        kept = data.kept(house)
        assert (kept.conversations, kept.messages, kept.temporary, kept.entries) == (2, 2, 1, 0)
        assert (kept.keep_days, kept.keep_text, kept.file) == (7, True, True)
        assert Path(kept.place).name == "ledger.sqlite"
        assert kept.size_bytes is not None
        assert kept.size_bytes >= Path(kept.place).stat().st_size
        house.stored.prefer("language", "it")
        data.forget_conversations(house)
        after = data.kept(house)
        assert (after.conversations, after.messages, after.temporary) == (0, 0, 0)
        assert house.stored.preference("language") == "it"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (284_100, "284.1 kB"), (5_200_000, "5.2 MB"), (3e9, "3.0 GB")]
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert data.readable(size) == text


def test_the_systems_look_has_two_themes_and_a_chosen_one_has_one() -> None:
    assert appearance.of("nonsense") == "system"
    assert appearance.options("system")["theme.dark.primaryColor"]
    assert appearance.options("dark")["theme.base"] == "dark"
    assert appearance.options("dark")["theme.dark.primaryColor"] is None
    names = {frozenset(appearance.options(look)) for look in appearance.LOOKS}
    assert len(names) == 1  # each sets all of them: nothing of another is left
