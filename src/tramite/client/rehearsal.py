"""A transport that takes the request, so that it can be shown, and sends nothing."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from tramite.config import Config
from tramite.errors import ConfigError, TramiteError
from tramite.wire.seam import Request
from tramite.wire.tap import masked


class Taken(TramiteError):
    """The request was ready. Nothing retries this error, so it ends the call here."""

    def __init__(self, request: Request) -> None:
        super().__init__("nothing is sent in a dry run")
        self.request = request


class Rehearsal:
    """Stands where the network stands."""

    async def send(self, request: Request) -> NoReturn:
        """Never sends. Raises Taken; ConfigError where the request itself depends on an answer."""
        if request.method == "GET":
            raise ConfigError(f"which model is loaded can only be known by asking {request.url}: name it with -m")
        raise Taken(request)

    async def aclose(self) -> None:
        """There is nothing open."""


def outside(config: Config) -> Config:
    """The configuration with the providers of this process behind the seam as well."""
    providers = {
        name: msgspec.structs.replace(row, base_url=f"dry-run+{row.base_url}") if row.in_process else row
        for name, row in config.providers.items()
    }
    return msgspec.structs.replace(config, providers=providers)


def shown(request: Request) -> dict[str, Any]:
    """The request as an object, with no secret in it."""
    return {
        "method": request.method,
        "url": request.url.removeprefix("dry-run+"),
        "headers": {name: masked(name, value) for name, value in request.headers.items()},
        "body": msgspec.Raw(request.body or b"null"),
    }
