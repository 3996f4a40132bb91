"""The examples in Chromium: what only a browser shows, such as a stop, and all that is sent to one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from tests.cli.world import variables
from tests.examples.backend import Site, site
from tests.examples.browsing import Seen, opened, streamlit
from tests.examples.world import KEY, QUICK, Provider, eventually, provider, words

PACE_S = 0.02
LONG = "tokens=100000"
TRANSPORTS = pytest.mark.parametrize("transport", ["WebSocket", "EventSource"])


@contextmanager
def lmstudio(chromium: Browser) -> Iterator[tuple[Seen, Provider]]:
    with (
        provider(token_interval_s=PACE_S) as studio,
        variables(LMSTUDIO_URL=f"{studio.url}/v1", **QUICK),
        streamlit("lmstudio_stream.py") as url,
        opened(chromium, url) as seen,
    ):
        yield seen, studio


@contextmanager
def azure(chromium: Browser) -> Iterator[tuple[Seen, Provider]]:
    named = {"AZURE_OPENAI_API_VERSION": "2024-12-01-preview", "AZURE_OPENAI_KEY": KEY, "AZURE_OPENAI_DEPLOYMENT": LONG}
    with (
        provider(token_interval_s=PACE_S, key=KEY) as resource,
        variables(AZURE_OPENAI_ENDPOINT=resource.url, **named, **QUICK),
        streamlit("azure_chat.py") as url,
        opened(chromium, url) as seen,
    ):
        yield seen, resource


def gone(upstream: Provider, count: int = 1) -> None:
    """The provider notices that nobody reads any more."""
    eventually(lambda: upstream.simulator.stats().streams.gone == count)


def test_the_prompt_page_streams_and_streamlits_stop_keeps_the_partial_text(chromium: Browser) -> None:
    with lmstudio(chromium) as (seen, studio):
        page = seen.page
        page.get_by_label("Prompt").fill("ciao")
        page.get_by_label("Modello (facoltativo)").fill(LONG)
        page.get_by_role("button", name="Genera").click()
        expect(page.get_by_text("token-5 ")).to_be_visible()
        page.get_by_role("button", name="Stop", exact=True).click()
        gone(studio)
        expect(page.get_by_text(words(5))).to_be_visible()
        expect(page.get_by_text("Risposta incompleta.")).to_be_visible()
        page.get_by_label("Prompt").fill("")
        page.get_by_role("button", name="Genera").click()
        expect(page.get_by_text("prompt è vuoto")).to_be_visible()
        expect(page.get_by_text(words(5))).to_be_visible()  # another run of the script shows it again
    assert not seen.complaints


def test_the_chats_stop_keeps_the_partial_answer_and_the_conversation_goes_on(chromium: Browser) -> None:
    with azure(chromium) as (seen, resource):
        page = seen.page
        chat = page.get_by_placeholder("Scrivi un messaggio")
        chat.fill("ciao")
        chat.press("Enter")
        expect(page.get_by_text("token-5 ")).to_be_visible()
        page.get_by_role("button", name="Stop script").click()
        gone(resource)
        page.get_by_label("Deployment").fill("tokens=2")
        page.get_by_label("Deployment").press("Enter")
        chat.fill("e poi?")
        chat.press("Enter")
        expect(page.get_by_text(words(2), exact=True)).to_be_visible()
        expect(page.get_by_text("Risposta incompleta.")).to_have_count(1)
        assert [role for role, _ in resource.messages] == ["system", "user", "assistant", "user"]
        assert resource.messages[2][1].startswith(words(5))
    assert not seen.complaints


def test_moving_a_setting_in_mid_answer_loses_nothing(chromium: Browser) -> None:
    with azure(chromium) as (seen, resource):
        page = seen.page
        chat = page.get_by_placeholder("Scrivi un messaggio")
        chat.fill("ciao")
        chat.press("Enter")
        expect(page.get_by_text("token-5 ")).to_be_visible()
        page.get_by_role("slider", name="Temperatura").press("ArrowRight")
        gone(resource)
        expect(page.get_by_text(words(5))).to_be_visible()
        expect(page.get_by_text("Risposta incompleta.")).to_be_visible()


def test_the_key_is_in_nothing_that_the_browser_gets_or_holds(chromium: Browser) -> None:
    with azure(chromium) as (seen, resource):
        page = seen.page
        expect(page.get_by_label("Chiave", exact=True)).to_have_value("")
        page.get_by_label("Deployment").fill("cut@5")
        page.get_by_label("Deployment").press("Enter")
        page.get_by_placeholder("Scrivi un messaggio").fill("ciao")
        page.get_by_placeholder("Scrivi un messaggio").press("Enter")
        expect(page.get_by_text("non è riuscita")).to_be_visible()
        assert b"token-5" in seen.received
        assert KEY.encode() not in seen.received
        assert KEY not in seen.stored()
    assert resource.sent[-1].headers["api-key"] == KEY


# --- The page of the back end


@contextmanager
def fastapi(chromium: Browser, model: str, transport: str) -> Iterator[tuple[Seen, Site]]:
    with site(model, token_interval_s=PACE_S) as place, opened(chromium, f"http://{place.host}/") as seen:
        seen.page.get_by_label("Trasporto").select_option(transport)
        yield seen, place


def send(seen: Seen, prompt: str = "ciao") -> None:
    seen.page.get_by_label("Prompt").fill(prompt)
    seen.page.get_by_role("button", name="Invia").click()


@TRANSPORTS
def test_the_page_shows_an_answer_to_its_end_and_can_ask_again(chromium: Browser, transport: str) -> None:
    with fastapi(chromium, "tokens=5", transport) as (seen, place):
        for _ in range(2):
            send(seen)
            expect(seen.page.locator("#answer")).to_have_text(words(5))
            expect(seen.page.get_by_role("button", name="Invia")).to_be_enabled()
            expect(seen.page.get_by_role("status")).to_be_empty()
        assert place.upstream.simulator.stats().streams.finished == 2  # nothing was asked twice
    assert not seen.complaints


@TRANSPORTS
@pytest.mark.parametrize("model", ["silent", LONG])
def test_the_pages_stop_is_felt_upstream_and_keeps_what_came(chromium: Browser, transport: str, model: str) -> None:
    with fastapi(chromium, model, transport) as (seen, place):
        send(seen)
        if model == LONG:
            expect(seen.page.get_by_text("token-5 ")).to_be_visible()
        eventually(lambda: place.upstream.simulator.stats().open_now == 1)
        seen.page.get_by_role("button", name="Ferma").click()
        gone(place.upstream)
        expect(seen.page.get_by_role("status")).to_have_text("Fermata: la risposta è incompleta.")
        if model == LONG:
            expect(seen.page.locator("#answer")).to_contain_text(words(5))
    assert not seen.complaints


@TRANSPORTS
def test_a_page_that_is_left_is_felt_upstream(chromium: Browser, transport: str) -> None:
    with fastapi(chromium, LONG, transport) as (seen, place):
        send(seen)
        expect(seen.page.get_by_text("token-5 ")).to_be_visible()
        seen.page.goto("about:blank")
        gone(place.upstream)


@TRANSPORTS
def test_the_page_tells_an_error_and_keeps_what_came(chromium: Browser, transport: str) -> None:
    with fastapi(chromium, "cut@3", transport) as (seen, _):
        send(seen)
        expect(seen.page.get_by_role("status")).to_contain_text("Errore: openai/cut@3: ")
        expect(seen.page.locator("#answer")).to_have_text(words(3))
        expect(seen.page.get_by_role("button", name="Invia")).to_be_enabled()


@TRANSPORTS
def test_html_in_an_answer_is_shown_as_text(chromium: Browser, transport: str) -> None:
    with fastapi(chromium, "echo", transport) as (seen, _):
        send(seen, "<img src=x onerror=alert(1)> <b>ciao</b>")
        expect(seen.page.locator("#answer")).to_have_text("<img src=x onerror=alert(1)> <b>ciao</b>")
        expect(seen.page.locator("#answer *")).to_have_count(0)
    assert not seen.complaints
