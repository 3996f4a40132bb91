"""Two simulated providers behind one route: `primary`, which fails as said, and `backup`, which is well."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.cases import TOKENS, Case
from tramite import AsyncClient, Retry
from tramite.config import Config, load
from tramite.simulator import Engine, InProcess, Options
from tramite.wire.seam import Request, Response

THRICE = Retry(attempts=3, strategy="fixed", base_s=0.05)
PRICES = '[models."{0}"]\ninput_per_million = 0.15\noutput_per_million = 0.60\n'


class Two:
    """A transport to whichever of the two a request is for."""

    def __init__(self, **options: object) -> None:
        self.primary, self.backup = (
            InProcess(Engine(Options(seed=seed, **options)))  # type: ignore[arg-type]  # checked by Options itself
            for seed in (1, 2)
        )

    async def send(self, request: Request) -> Response:
        which = self.primary if urlsplit(request.url).port == 1 else self.backup
        return await which.send(request)

    async def aclose(self) -> None:
        pass


def config(case: Case, more: str = "") -> Config:
    """The route `fast` over the two."""
    targets = [f"primary/{case.primary},tokens={TOKENS}", f"backup/{case.backup},tokens={TOKENS}"]
    file = Path("world.toml")
    file.write_text(
        f"""
        default_model = "fast"
        [providers.primary]
        base_url = "http://127.0.0.1:1/v1"
        [providers.backup]
        base_url = "http://127.0.0.1:2/v1"
        prefill = {str(case.backup_prefills).lower()}
        [routes.fast]
        targets = {targets!r}
        on_stream_failure = "{case.on_stream_failure}"
        [timeouts]
        first_token_s = 3
        stall_s = 3
        deadline_s = 30
        {"".join(map(PRICES.format, targets))}
        {more}
        """
    )
    return load(file)


def client(case: Case, more: str = "", **options: object) -> tuple[AsyncClient, Two]:
    """A client of that route, and the two providers behind it."""
    two = Two(**options)
    return AsyncClient(config(case, more), retry=THRICE, transport=two), two
