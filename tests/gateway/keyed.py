"""A gateway that lets in who has a key, and that key: behind it one target speaks OpenAI's dialect, one Anthropic's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anthropic
import openai

from tests.faults.cases import Case
from tests.gateway.world import World, gateway
from tramite.config import Budget, Cap, Limits
from tramite.store.keys import Terms, open_keys

DIALECTS = {"primary": "openai", "backup": "anthropic"}
"""What the targets' providers speak."""
ROOMY = Terms(
    limits=Limits(requests_per_minute=60_000, tokens_per_minute=60_000_000),
    budget=Budget(limit=(Cap(10**12, "month"),)),
)
OK = Case(number=0, primary="ok", whole="whole", stream="whole", events="whole")
_FREE = '[models."{0}/{1}"]\ninput_per_million = 0.15\noutput_per_million = 0.60\n'


class Keyed:
    """What clients are given: an address and a secret."""

    def __init__(self, world: World, secret: str) -> None:
        self.world, self.url, self.secret = world, world.url, secret

    def openai(self, api_key: str = "") -> openai.OpenAI:
        """A client that does not retry: what is retried is the gateway's doing."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=api_key or self.secret, max_retries=0)

    def anthropic(self, api_key: str = "") -> anthropic.Anthropic:
        """The same of Anthropic's."""
        return anthropic.Anthropic(base_url=self.url, api_key=api_key or self.secret, max_retries=0)


@contextmanager
def keyed(*models: str, terms: Terms = ROOMY, more: str = "") -> Iterator[Keyed]:
    """The models are the simulator's, and have a price at both targets: under a budget nothing else is asked."""
    more += "".join(_FREE.format(provider, model) for provider in DIALECTS for model in models)
    with gateway(OK, more, ("openai", "anthropic")) as world:
        with open_keys(world.gate.config.store.url) as keys:
            secret = keys.create("alice", terms).secret
        world.run(world.gate.keyring.renew)
        yield Keyed(world, secret)
