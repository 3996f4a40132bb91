"""The page at `/`: what it may do, and that it says everything in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.chatting import world
from tramite.gateway import page

FOLDER = Path(page.__file__).parent


async def test_every_file_of_the_page_is_served_and_may_load_nothing_from_elsewhere() -> None:
    async with world() as (place, _), aiohttp.ClientSession() as http:
        for path in page.FILES:
            async with http.get(f"http://{place}{path}") as response:
                assert response.status == 200
                policy = response.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert "http" not in policy
                assert response.headers["x-content-type-options"] == "nosniff"
        async with http.post(f"http://{place}/") as response:
            assert response.status == 405


def test_the_page_asks_for_no_file_that_is_not_served() -> None:
    texts = "".join(file.read_text() for file in FOLDER.iterdir() if file.suffix in (".html", ".js", ".css"))
    asked = set(re.findall(r'(?:href|src)="([^"]+)"', texts))
    assert asked <= set(page.FILES)
    assert not re.search(r"https?://(?!www\.w3\.org)", texts)


@pytest.mark.parametrize("danger", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("])
def test_what_a_model_writes_is_never_read_as_html(danger: str) -> None:
    assert danger not in (FOLDER / "app.js").read_text()


@pytest.mark.parametrize("place", ["localStorage", "sessionStorage", "indexedDB", "document.cookie"])
def test_the_key_is_kept_nowhere(place: str) -> None:
    assert place not in (FOLDER / "app.js").read_text()


def test_both_languages_say_the_same_things_and_all_that_is_asked_for() -> None:
    words, app, html = ((FOLDER / name).read_text() for name in ("words.js", "app.js", "index.html"))
    english, italian = (set(re.findall(r"^    (\w+):", half, re.MULTILINE)) for half in words.split("  it: {"))
    assert english == italian
    used = set(re.findall(r"\bsay\.(\w+)", app)) | set(re.findall(r'data-(?:say|hint|name)="(\w+)"', html))
    assert used <= english
    assert english - used == {"restarted", "loading"}  # said by the event's own name


def test_nothing_is_styled_or_run_from_within_the_page() -> None:
    html = (FOLDER / "index.html").read_text()
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", html)
