"""Another configuration while the gateway runs: what is new, what stays open, and what a wrong one changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tramite.client.core import Core
from tramite.client.governance import for_programs
from tramite.config import Config, load
from tramite.errors import ConfigError
from tramite.gateway.reloading import Reloader, compare
from tramite.simulator import fast_forward

FILE = """
default_model = "fast"
[routes.fast]
targets = ["demo/demo"]
[providers.mine]
base_url = "http://127.0.0.1:9/v1"
api_key = "sk-hunter2hunter2hunter2"
[limits."mine/a"]
requests_per_minute = 60
"""


class Gate:
    """What a reload changes."""

    def __init__(self, config: Config) -> None:
        self.core = Core(config, None, None)


def reader(path: Path) -> Callable[[], Config]:
    return lambda: for_programs(load(path))


def write(path: Path, text: str) -> None:
    """Another file in its place."""
    path.write_text(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(FILE)
    return path


def test_what_has_changed_is_named_and_no_value_is(file: Path) -> None:
    before = load(file)
    file.write_text(
        FILE.replace('"fast"', '"slow"')
        .replace("routes.fast", "routes.slow")
        .replace("hunter2hunter2", "hunter3hunter3")
        + "[gateway]\nport = 4001\n"
    )
    changes = compare(before, load(file))
    assert "default_model" in changes.changed
    assert "providers.mine.api_key" in changes.changed
    assert "routes.slow.targets" in changes.added
    assert "routes.fast.targets" in changes.removed
    assert changes.after_restart == ("gateway.port",)
    assert "hunter" not in str(changes)
    assert "after restart: gateway.port" in str(changes)
    assert str(compare(before, before)) == "nothing changed"


def test_new_requests_take_the_new_one_and_what_is_counted_and_kept_stays(file: Path) -> None:
    async def main() -> None:
        gate = Gate(reader(file)())
        told: list[Config] = []
        old = gate.core
        write(file, FILE.replace("= 60", "= 30") + "[budgets.alice]\nlimit = '1/day'\n[timeouts]\nstall_s = 7\n")
        changes = await Reloader(gate, reader(file), told.append).reload()
        assert 'limits."mine/a".requests_per_minute' in changes.changed
        new = gate.core
        assert new is not old
        assert new.config.timeouts.stall_s == 7
        assert told == [new.config]
        assert new.governor.limiter is old.governor.limiter
        assert new.governor.ledger is not None
        assert old.governor.ledger is not None
        assert new.governor.ledger.store is old.governor.ledger.store
        assert [each.name for each in new.governor.ledger.allowances] == ["alice"]
        await new.aclose()

    asyncio.run(main())


def test_another_store_or_state_is_opened_and_the_old_closed_when_nobody_can_use_it_any_more(file: Path) -> None:
    async def main() -> None:
        gate = Gate(reader(file)())
        old = gate.core
        write(file, FILE + f"[store]\nurl = 'sqlite:///{file.parent}/other.sqlite'\n[state]\nurl = 'memory'\n")
        reloader = Reloader(gate, reader(file), lambda config: None)
        await reloader.reload()
        assert gate.core.governor.limiter is not old.governor.limiter
        assert gate.core.governor.ledger is not None
        assert "other" in gate.core.governor.ledger.store.url
        assert reloader.closing == 1
        await asyncio.sleep(old.config.timeouts.deadline_s)
        assert reloader.closing == 1
        await asyncio.sleep(60)
        assert reloader.closing == 0
        await gate.core.aclose()

    fast_forward(main(), 0.02)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("default_model = ", "gateway.toml"),
        ('[retry]\nattempts = "many"\n', "retry.attempts"),
        ("[state]\nurl = 'memory'\n[gateway]\nworkers = 4\n", "each would grant the whole limit"),
        ("[routes.fast]\ntargets = ['nobody/x']\n", "nobody"),
    ],
)
def test_a_wrong_one_changes_nothing_and_says_where_the_fault_stands(file: Path, wrong: str, said: str) -> None:
    async def main() -> None:
        gate = Gate(reader(file)())
        told: list[Config] = []
        old = gate.core
        write(file, wrong)
        with pytest.raises(ConfigError, match=said):
            await Reloader(gate, reader(file), told.append).reload()
        assert gate.core is old
        assert not told

    asyncio.run(main())
