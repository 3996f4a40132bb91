"""What docs/operation.md says is so."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec

from tests.gateway.running import echo
from tramite.config import Config, Gateway
from tramite.gateway.connections import Pace
from tramite.gateway.gate import Gate
from tramite.gateway.guards import Guards
from tramite.gateway.metrics import SHARE_S, Figures
from tramite.gateway.reloading import AT_START
from tramite.gateway.serving import Fleet

PAGE = (Path(__file__).parents[2] / "docs" / "operation.md").read_text()


def test_every_metric_of_the_page_is_served_and_every_one_of_the_gateways_own_is_on_the_page() -> None:
    async def main() -> str:
        gate = Gate(Config())
        figures = Figures(gate.metrics, Guards(echo, Gateway()), lambda: gate.core, Fleet())
        text = (await figures.text()).decode()
        await gate.aclose()
        return text

    served = set(re.findall(r"# HELP (\w+)", asyncio.run(main())))
    told = set(re.findall(r"`((?:tramite|process)_\w+)`", PAGE))
    assert told <= served
    own = {
        name
        for name in served
        if re.match(r"tramite_(limit|budget|store|loop|cooldown|draining|refused|.*_open)", name)
    }
    assert {name for name in own if not name.endswith("_created")} <= told


def test_its_figures_are_those_of_the_code() -> None:
    pace = Pace()
    assert f"more than {pace.most_headers} headers" in PAGE
    assert f"larger than {pace.most_head // 1024} kB" in PAGE
    assert f"head takes longer than {pace.head_s:g} s" in PAGE
    assert f"longer than {pace.body_s:g} s and a further second for each {pace.body_rate // 1024} kB" in PAGE
    assert f"unread for {pace.write_s:g} s" in PAGE
    assert f"have {pace.told_s:g} s" in PAGE
    assert f"at most {SHARE_S:g} s old" in PAGE


def test_the_settings_it_names_are_there() -> None:
    settings = {f"gateway.{name}" for name in msgspec.structs.asdict(Gateway())}
    assert set(re.findall(r"gateway\.[a-z_]+", PAGE)) <= settings
    assert all(f"`{name}`" in PAGE for name in AT_START)
