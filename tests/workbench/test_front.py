"""The page around all pages: told where its server is, and in which language it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from tramite.workbench.front import Front

PAGE = '<!DOCTYPE html>\n<html lang="en">\n  <head>\n    <title>x</title>\n  </head>\n</html>'


def ask(response: Response, chosen: str | None = None, **headers: str) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert dict(scope["headers"]).get(b"accept-encoding") is None or "text/html" not in headers["accept"]
        await response(scope, receive, send)

    client = TestClient(Front(app, lambda: chosen))
    return client.get("/settings", headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("chosen", "wanted", "language"), [(None, "it-IT,it;q=0.9", "it"), ("", "de", "en"), ("it", "en-GB", "it")]
)
def test_html_knows_its_language_and_its_server(chosen: str | None, wanted: str, language: str) -> None:
    answer = ask(HTMLResponse(PAGE), chosen, accept="text/html,*/*", accept_language=wanted)
    assert f'<html lang="{language}">' in answer.text
    assert re.search(r"<head><script>window.__streamlit = \{BACKEND_BASE_URL: .*\}</script>", answer.text)
    assert answer.headers["content-length"] == str(len(answer.content))


def test_what_is_no_page_passes_as_it_is() -> None:
    assert ask(PlainTextResponse("<head>"), accept="*/*").text == "<head>"
    assert ask(Response(status_code=304), accept="text/html").status_code == 304
