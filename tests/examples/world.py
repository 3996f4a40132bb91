"""A world for the examples: a simulated provider that remembers what it was sent, and sessions of the applications."""

from __future__ import annotations

import json
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from streamlit.testing.v1 import AppTest

from tramite.simulator import Simulator
from tramite.simulator.engine import Inbound
from tramite.simulator.scripts import Exchange

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = "0123456789abcdef0123456789abcdef"
PATIENCE_S = 20
QUICK = {"TRAMITE_RETRY_ATTEMPTS": "2", "TRAMITE_RETRY_BASE_S": "0.001", "TRAMITE_RETRY_MAX_S": "0.001"}


class Provider:
    """A simulator, and every request that it was sent."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.url = simulator.url
        self.sent: list[Inbound] = []
        self._ask = simulator.engine.ask
        simulator.engine.ask = self._hear  # type: ignore[method-assign]

    def _hear(self, inbound: Inbound, now: float) -> Exchange:
        self.sent.append(inbound)
        return self._ask(inbound, now)

    @property
    def body(self) -> dict[str, Any]:
        """Of the last request."""
        body: dict[str, Any] = json.loads(self.sent[-1].body)
        return body

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Those of the last request: role and text."""
        return [(message["role"], message["content"]) for message in self.body["messages"]]


@contextmanager
def provider(**options: Any) -> Iterator[Provider]:
    """A simulated provider on a port."""
    with Simulator.in_thread(**options) as simulator:
        yield Provider(simulator)


def opened(name: str) -> AppTest:
    """A new session of this application, after its first run."""
    return checked(AppTest.from_file(str(EXAMPLES / name), default_timeout=PATIENCE_S).run())


def checked(app: AppTest) -> AppTest:
    """After a run: no stack trace is shown, and the key is in nothing that was sent to the browser."""
    assert not app.exception
    for node in app:
        sent = getattr(node, "proto", None)
        if sent is not None:
            assert KEY.encode() not in sent.SerializeToString(), node
    return app


def labelled(widgets: Any, label: str) -> Any:
    """The widget with this label."""
    (found,) = [widget for widget in widgets if widget.label == label]
    return found


def words(count: int) -> str:
    """What the simulator's `tokens=count` says."""
    return " ".join(f"token-{number}" for number in range(1, count + 1))


def eventually(true: Callable[[], bool]) -> None:
    """Wait, without a fixed sleep, for what another process or thread is about to do."""
    ends = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < ends, "it did not happen"
        select.select([], [], [], 0.005)
