"""What a model writes is text: it runs nothing and loads nothing. And who may ask for pages at all."""

from __future__ import annotations

import http.client
import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.world import World, eventually

ELSEWHERE = "https://elsewhere.example/x"
HOSTILE = {
    "a picture": f"![a cat]({ELSEWHERE}.png)",
    "a picture by reference": f"![a cat][1]\n\n[1]: {ELSEWHERE}.png",
    "a picture in a link": f"[![a cat]({ELSEWHERE}.png)]({ELSEWHERE})",
    "a tag": f'<img src="{ELSEWHERE}.png" onerror="window.ran = true">',
    "a script": "<script>window.ran = true</script>",
    "a frame": f'<iframe src="{ELSEWHERE}"></iframe>',
    "a drawing": "<svg onload='window.ran = true'></svg>",
    "a link that runs": "[click](javascript:window.ran=true)",
    "a style": f"<style>@import url('{ELSEWHERE}.css');</style>",
    "code that never ends": f"```\n`x` <img src={ELSEWHERE} onerror=window.ran=true>",
    "code that is none": f"a ``` b\n![a cat]({ELSEWHERE}.png) ```",
    "a directive": f":material/home: :red[x] ![a cat]({ELSEWHERE}.png)",
    "mathematics": f"$\\href{{javascript:window.ran=true}}{{x}} \\includegraphics{{{ELSEWHERE}.png}}$",
}


def test_what_is_written_runs_nothing_and_loads_nothing(world: World) -> None:
    world.serve("sim/echo", token_interval_s=0)
    chat = world.open()
    for what, text in HOSTILE.items():
        chat.ask(text)
        content = chat.messages.get_by_test_id("stMarkdownContainer")
        for tag in ("img", "script", "iframe", "svg[onload]", "style", "a[href^='javascript']"):
            assert content.locator(tag).count() == 0, what
        assert chat.page.evaluate("window.ran") is None, what
    expect(chat.messages).to_have_count(2 * len(HOSTILE))


def test_tags_are_shown_as_they_were_written(world: World) -> None:
    world.serve("sim/echo")
    chat = world.open()
    said = "<b>bold</b> and <script>alert(1)</script>"
    chat.ask(said)
    for message in (chat.messages.first, chat.messages.last):
        expect(message).to_contain_text(said)
        expect(message.locator("b")).to_have_count(0)


def test_code_is_shown_to_the_letter(world: World) -> None:
    world.serve("sim/echo")
    chat = world.open()
    chat.ask("```html\n<b>![x](y)</b> $5\n```")
    expect(chat.answer.get_by_test_id("stCode")).to_contain_text("<b>![x](y)</b> $5")


def test_names_that_are_not_ours_are_refused(world: World) -> None:
    world.serve()
    for host in ("elsewhere.example", "elsewhere.example:8501", "127.0.0.1.elsewhere.example", ""):
        for path in ("/", "/_stcore/health", "/_stcore/stream", "/chat"):
            assert status(world, path, {"Host": host}) == 421, (host, path)


def test_pages_of_other_origins_are_refused(world: World) -> None:
    world.serve()
    host = urlsplit(world.url).netloc
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x" * 22 + "==",
    }
    for origin in ("https://elsewhere.example", "null", "http://localhost:1", "file://"):
        assert status(world, "/_stcore/health", {"Host": host, "Origin": origin}) == 403
        assert status(world, "/_stcore/stream", {"Host": host, "Origin": origin, **upgrade}) == 403
    assert status(world, "/_stcore/health", {"Host": host, "Origin": f"http://{host}"}) == 200


def test_a_page_elsewhere_cannot_put_ours_in_a_frame(world: World) -> None:
    world.serve()
    connection = http.client.HTTPConnection(urlsplit(world.url).netloc)
    connection.request("GET", "/")
    response = connection.getresponse()
    policy = response.headers["content-security-policy"]
    connection.close()
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"https?:|\*", policy)


def status(world: World, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(urlsplit(world.url).netloc)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse().status
    connection.close()
    return answer


def test_a_refused_request_leaves_the_server_as_it_was(world: World) -> None:
    world.serve()
    status(world, "/", {"Host": "elsewhere.example"})
    chat = world.open()
    assert "token-1" in chat.ask("hello")
    eventually(lambda: world.simulator.stats().open_now == 0)
