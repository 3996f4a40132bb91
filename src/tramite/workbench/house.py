"""What all pages of this process share: configuration, conversations, clients, and the answers that are being written.

Made once, when the first page wants it or the server starts; closed when the server ends. Knows no Streamlit.
"""

from __future__ import annotations

import atexit
import threading
from contextlib import suppress

from tramite import config as configuration
from tramite.client.governance import for_programs
from tramite.config import Config
from tramite.store.conversations import Conversations

from .access import Clients
from .background import Generations
from .models import Catalogue

NAME = "workbench"
"""The key under which all of it is booked, whose budget (`[budgets.workbench]`) it keeps to."""


class House:
    """One configuration, and what stands on it. Raises ConfigError when it is made."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.stored = Conversations.at(config.store.url)
        self.temporary = Conversations.in_memory()
        self.clients = Clients(config)
        self.generations = Generations()
        self.models = Catalogue(config, self.generations)
        self.stored.end_abandoned()

    def __repr__(self) -> str:
        return f"<House: {self.generations.running} answers running>"

    def store(self, temporary: bool) -> Conversations:
        """Where a conversation is: on disk, or in this process's memory alone."""
        return self.temporary if temporary else self.stored

    def read_again(self) -> None:
        """Take the configuration as it is now; pages stand on it from their next run on. Conversations that are in
        memory stay. Raises ConfigError, MissingExtra, StoreFailed, and then nothing has changed."""
        config = for_programs(configuration.load())
        stored = self.stored if config.store.url == self.config.store.url else Conversations.at(config.store.url)
        left, before = self.clients, self.stored
        self.config, self.stored = config, stored
        self.clients, self.models = Clients(config), Catalogue(config, self.generations)
        self.generations.run(left.aclose())
        if stored is not before:
            before.close()

    def close(self) -> None:
        """End what is running, and close everything."""
        with suppress(Exception):  # the interpreter may be ending: what can still be closed is
            self.generations.end()  # before their connections go, which would be a failure
            self.generations.run(self.clients.aclose()).result(2)
        self.generations.close()
        self.stored.close()
        self.temporary.close()


_lock = threading.Lock()
_house: House | None = None


def house() -> House:
    """The one of this process. Raises ConfigError."""
    global _house
    with _lock:
        if _house is None:
            _house = House(for_programs(configuration.load()))
            atexit.register(leave)
        return _house


def leave() -> None:
    """Close it; the next page makes another, which reads the configuration again."""
    global _house
    with _lock:
        left, _house = _house, None
    if left is not None:
        left.close()
