"""The administration as a FastAPI application: keys, usage, limits, configuration, and the pages that describe it all.

Whoever gets here may administer: who may is decided before. Every error has one shape, OpenAI's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast, get_args

import msgspec
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from tramite import __version__
from tramite.config import show
from tramite.errors import ConfigError, InvalidCall, StoreFailed, TramiteError
from tramite.store import key_terms
from tramite.store.filters import Filter
from tramite.store.keys import Key, Keys, NameTaken, NoSuchKey, open_keys
from tramite.store.reading import By, open_ledger
from tramite.store.redaction import redact

from . import admin_words as words
from .admin import Administered
from .asgi import App
from .described import described
from .docs_page import docs_page

T = TypeVar("T")

_STATUS: tuple[tuple[type[TramiteError], int], ...] = (
    (NoSuchKey, 404),
    (NameTaken, 409),
    (InvalidCall, 400),
    (ConfigError, 400),
    (StoreFailed, 503),
)
_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def application(gate: Administered) -> App:
    """All of it."""
    app = FastAPI(
        title="tramite gateway",
        version=__version__,
        docs_url=None,  # the usual page loads its programs from somewhere else
        redoc_url=None,
        openapi_url=None,
        responses={status: {"model": words.ErrorBody, "description": text} for status, text in words.FAILURES.items()},
    )
    app.add_exception_handler(TramiteError, _failed)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _nothing_here)
    _add_keys(app, gate)
    _add_facts(app, gate)
    _add_pages(app)
    return cast(App, app)


def _add_keys(app: FastAPI, gate: Administered) -> None:
    async def with_keys(work: Callable[[Keys], T], *, changes: bool = True) -> T:
        url = gate.core.config.store.url
        done = await asyncio.to_thread(_with_keys, url, work)
        if changes:
            await gate.keyring.renew()  # here at once; other workers and machines within five seconds
        return done

    @app.get("/admin/keys", tags=["keys"], summary="List the keys")
    async def list_keys(revoked: bool = False) -> list[words.KeyBody]:
        found = await with_keys(lambda keys: keys.all(), changes=False)
        return [_told(key) for key in found if revoked or key.revoked_ns is None]

    @app.post("/admin/keys", tags=["keys"], status_code=201, summary="Make a key; its secret is shown this once")
    async def create_key(body: words.NewKey) -> words.MadeBody:
        terms = key_terms.read(body.written(), time.time_ns())
        made = await with_keys(lambda keys: keys.create(body.name, terms))
        return words.MadeBody(secret=made.secret, **key_terms.told(made.key, time.time_ns()))

    @app.get("/admin/keys/{key}", tags=["keys"], summary="Show a key, and how much of its budget is spent")
    async def show_key(key: words.KeyName) -> words.KeyBody:
        return await with_keys(lambda keys: _told(found := keys.get(key), keys.standings(found)), changes=False)

    @app.patch("/admin/keys/{key}", tags=["keys"], summary="Give a key other terms; what is not named stays")
    async def change_key(key: words.KeyName, body: words.TermsBody) -> words.KeyBody:
        def change(keys: Keys) -> Key:
            written = body.written(key_terms.write(keys.get(key).terms))
            return keys.change(key, key_terms.read(written, time.time_ns()))

        return _told(await with_keys(change))

    @app.delete("/admin/keys/{key}", tags=["keys"], summary="Revoke a key, for good")
    async def revoke_key(key: words.KeyName) -> words.KeyBody:
        return _told(await with_keys(lambda keys: keys.revoke(key)))

    @app.post("/admin/keys/{key}/rotate", tags=["keys"], summary="Give a key another secret, shown this once")
    async def rotate_key(key: words.KeyName, body: words.Rotation | None = None) -> words.MadeBody:
        grace_s = 0.0 if body is None else body.grace_s
        made = await with_keys(lambda keys: keys.rotate(key, grace_s))
        return words.MadeBody(secret=made.secret, **key_terms.told(made.key, time.time_ns()))


def _add_facts(app: FastAPI, gate: Administered) -> None:
    @app.get("/admin/usage", tags=["facts"], summary="What the ledger adds up to; days and hours are UTC")
    async def usage(
        by: Annotated[list[By], Query(max_length=len(get_args(By)))] = ["model"],  # noqa: B006  # FastAPI copies it
        since: datetime | None = None,
        until: datetime | None = None,
        key: str | None = None,
        model: str | None = None,
    ) -> list[words.UsageBody]:
        groups = tuple(dict.fromkeys(by))
        chosen = Filter(since_ns=_ns(since), until_ns=_ns(until), key=key, model=model)
        return await asyncio.to_thread(_usage, gate.core.config.store.url, groups, chosen)

    @app.get("/admin/limits", tags=["facts"], summary="Which limits this worker uses, and how much of each is taken")
    async def limits() -> list[dict[str, Any]]:
        limiter = gate.core.governor.limiter
        return [] if limiter is None else [msgspec.to_builtins(view) for view in await limiter.views()]

    @app.get("/admin/config", tags=["facts"], summary="Every setting, and where it comes from; secrets are masked")
    async def config() -> words.ConfigBody:
        now = gate.core.config
        rows = [msgspec.to_builtins(row) for row in await asyncio.to_thread(show.rows, now)]
        return words.ConfigBody(settings=rows, warnings=show.warnings(now))

    @app.post("/admin/reload", tags=["facts"], summary="Read the configuration again; refused whole where it is wrong")
    async def reload() -> dict[str, Any]:
        changes: dict[str, Any] = msgspec.to_builtins(await gate.reload())
        return changes


def _add_pages(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(described(app.openapi()))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = docs_page(described(app.openapi()))
        return HTMLResponse(page, headers={"content-security-policy": _CSP, "x-content-type-options": "nosniff"})


def _with_keys(url: str, work: Callable[[Keys], T]) -> T:
    with open_keys(url) as keys:
        return work(keys)


def _told(key: Key, standings: Any = ()) -> words.KeyBody:
    return words.KeyBody(**key_terms.told(key, time.time_ns(), standings))


def _usage(url: str, by: tuple[By, ...], chosen: Filter) -> list[words.UsageBody]:
    ledger = open_ledger(url)
    if ledger is None:
        return []
    with ledger:
        sums = ledger.usage(*by, chosen=chosen)
    found = []
    for one in sums:
        known = msgspec.to_builtins(one)
        group = dict(zip(by, known.pop("group"), strict=True))
        found.append(words.UsageBody(group=group, **known))
    return found


def _ns(at: datetime | None) -> int | None:
    """Within what a database takes."""
    if at is None:
        return None
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return min(max(0, int(seconds) * 10**9), 2**63 - 1)


async def _failed(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return _error(status, redact(str(error)), type(error).__name__, getattr(error, "field", None))


async def _not_understood(request: Request, error: Exception) -> Response:
    """Where and why, without what was sent: it may be a secret in the wrong place."""
    first = cast(RequestValidationError, error).errors()[0]
    where = ".".join(map(str, first["loc"]))
    return _error(422, f"{where}: {first['msg']}", "InvalidCall", where)


async def _nothing_here(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    return _error(found.status_code, str(found.detail), "InvalidCall", headers=dict(found.headers or {}))


def _error(
    status: int, message: str, code: str, param: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    said = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": said}, status, headers)
