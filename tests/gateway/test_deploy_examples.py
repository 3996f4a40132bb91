"""The examples of how a gateway is deployed are ones that work."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from tramite.config import load
from tramite.config.rules import PLACES, VARIABLES

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"


def test_the_configuration_is_taken_as_it_is() -> None:
    config = load(DEPLOY / "tramite.toml.example")
    assert config.gateway.hosts == ("llm.example.org",)
    assert not [notice for notice in config.notices if "tramite.toml" in notice]


@pytest.mark.parametrize("name", ["compose.yaml", "tramite.service"])
def test_they_set_only_variables_that_there_are(name: str) -> None:
    named = set(re.findall(r"\bTRAMITE_[A-Z_]+", (DEPLOY / name).read_text()))
    assert named
    assert named <= {*VARIABLES, *PLACES}


@pytest.mark.parametrize("name", ["compose.yaml", "tramite.service"])
def test_whoever_stops_it_is_more_patient_than_it_drains(name: str) -> None:
    patience = re.search(r"(?:TimeoutStopSec=|stop_grace_period: )(\d+)", (DEPLOY / name).read_text())
    assert patience is not None
    assert int(patience[1]) > load(DEPLOY / "tramite.toml.example").gateway.drain_s + 5


def test_the_unit_reloads_by_the_signal_that_reads_the_configuration_again() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their capitals
    unit.read(DEPLOY / "tramite.service")
    assert unit["Service"]["ExecReload"].endswith("-HUP $MAINPID")
    assert unit["Service"]["ExecStart"].endswith("tramite serve")
