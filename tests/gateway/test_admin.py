"""The administration over a real socket: keys, usage, limits, configuration, and who may see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from msgspec import Struct
from schemathesis.checks import CHECKS, load_all_checks

from tests.gateway.serving import Served, served
from tests.store.world import entry, opened
from tramite import config as configuration
from tramite.client.core import Core
from tramite.client.governance import for_programs
from tramite.config import Gateway
from tramite.errors import ConfigError
from tramite.gateway.admin import PAGES, PREFIX, build_admin, pages
from tramite.gateway.admin_key import AdminKey
from tramite.gateway.asgi import Receive, Scope, Send
from tramite.gateway.keys import KeyRing
from tramite.store.keys import SECRET

ADMIN = "an admin key of one's own"
HEADERS = {"authorization": f"Bearer {ADMIN}"}
TOML = """
default_model = "sim/ok"
[providers.sim]
base_url = "http://127.0.0.1:9/v1"
api_key = "env:SIM_KEY"
[limits."sim/ok"]
requests_per_minute = 60
"""


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_KEY", "sk-sim-0123456789-wxyz")


class Changes(Struct, frozen=True):
    """As the gateway's own say what a reload has changed."""

    changed: tuple[str, ...] = ()


class House:
    """The least that can be administered."""

    def __init__(self, file: Path) -> None:
        self.core = Core(for_programs(configuration.load(file)), None, None)
        self.keyring = KeyRing(self.core.config.store.url)
        self.wrong = False

    async def reload(self) -> Changes:
        if self.wrong:
            raise ConfigError("tramite.toml: gateway.port is 'x': expected a port from 1 to 65535")
        return Changes(("limits.x",))

    async def aclose(self) -> None:
        await self.keyring.aclose()
        await self.core.aclose()


@contextmanager
def administered(admin_key: str = ADMIN, gateway: Gateway | None = None) -> Iterator[tuple[Served, House]]:
    """A house on a port, and its administration."""
    file = Path("tramite.toml").absolute()
    file.write_text(TOML)
    house = House(file)
    admin = build_admin(house, AdminKey(admin_key, lambda: gateway or house.core.config.gateway))
    single = pages(admin)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] in single or scope["path"].startswith(PREFIX)
        await admin(scope, receive, send)

    with served(app, lifespan="off") as server:
        try:
            yield server, house
        finally:
            server.run(house.aclose)


def error_of(response: Any) -> dict[str, Any]:
    """Every error has the same shape."""
    said: dict[str, Any] = response.json()
    assert set(said) == {"error"}
    assert set(said["error"]) == {"message", "type", "param", "code"}
    return dict(said["error"])


def test_the_life_of_a_key() -> None:
    with administered() as (server, house):
        client = server.client
        client.headers = HEADERS  # type: ignore[assignment]
        terms = {"models": ["fast"], "limits": {"requests_per_minute": 600}, "budget": ["50/month"], "expires": "90d"}
        made = client.post("/admin/keys", json={"name": "alice", **terms})
        assert made.status_code == 201
        secret = made.json()["secret"]
        assert SECRET.fullmatch(secret)
        assert (made.json()["state"], made.json()["limits"]["requests_per_minute"]) == ("live", 600)
        assert server.run(lambda: house.keyring.load(secret)).name == "alice"

        shown = client.get("/admin/keys/alice")
        assert secret not in shown.text
        assert shown.json()["spent"][0]["left_nanousd"] == 50 * 10**9
        changed = client.patch("/admin/keys/alice", json={"budget": ["80/month"], "models": []}).json()
        assert (changed["budget"], changed["models"]) == (["80/month"], [])
        assert changed["limits"]["requests_per_minute"] == 600
        assert changed["expires"] == made.json()["expires"]

        rotated = client.post("/admin/keys/alice/rotate", json={"grace_s": 60}).json()
        assert rotated["secret"] != secret
        assert rotated["old_secret_until"]
        assert client.delete("/admin/keys/alice").json()["state"] == "revoked"
        assert client.get("/admin/keys").json() == []
        assert [key["name"] for key in client.get("/admin/keys", params={"revoked": True}).json()] == ["alice"]
        with pytest.raises(Exception, match="is revoked"):
            server.run(lambda: house.keyring.load(rotated["secret"]))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/admin/keys", {"name": "a b"}, 422, "name"),
        ("POST", "/admin/keys", {"name": "x", "buget": ["1/day"]}, 422, "buget"),
        ("POST", "/admin/keys", {"name": "x", "budget": ["1/year"]}, 400, "50/month"),
        ("POST", "/admin/keys", {"name": "x", "limits": {"concurrency": 1.5}}, 422, "concurrency"),
        ("POST", "/admin/keys", {"name": "x", "limits": {"requests_per_minute": "60"}}, 422, "requests_per_minute"),
        ("POST", "/admin/keys", {"name": "x", "addresses": ["home"]}, 400, "a network such as"),
        ("POST", "/admin/keys", {"name": "global"}, 400, "cannot be a key's name"),
        ("POST", "/admin/keys", {"name": "alice"}, 409, "already"),
        ("GET", "/admin/keys/alcie", None, 404, "did you mean alice"),
        ("DELETE", "/admin/keys/nobody", None, 404, "there is no key"),
        ("PUT", "/admin/keys/alice", {}, 405, "Method Not Allowed"),
        ("GET", "/admin/nothing", None, 404, "Not Found"),
        ("GET", "/admin/usage?by=colour", None, 422, "by"),
    ],
)
def test_what_is_wrong_is_said_in_one_shape(method: str, path: str, body: Any, status: int, says: str) -> None:
    with administered() as (server, _):
        server.client.post("/admin/keys", json={"name": "alice"}, headers=HEADERS)
        response = server.client.request(method, path, json=body, headers=HEADERS)
    assert response.status_code == status
    assert says in error_of(response)["message"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"name":' + b"[" * 100_000, b'{"name": "sk-leaked!"}']
)
def test_a_body_that_is_none_is_told_without_repeating_it(content: bytes) -> None:
    with administered() as (server, _):
        response = server.client.post(
            "/admin/keys", content=content, headers={**HEADERS, "content-type": "application/json"}
        )
    assert response.status_code in (400, 422)
    assert "sk-leaked" not in response.text
    error_of(response)


def test_usage_is_what_the_ledger_adds_up_to() -> None:
    with administered() as (server, house):
        with opened(house.core.config.store.url) as store:
            for key, cost in (("alice", 5), ("alice", 7), ("bob", 100)):
                store.record(entry(key=key, outcome="ok", cost_nanousd=cost, input_tokens=10, model=key))
        get = server.client.get("/admin/usage", params={"by": ["key", "day"]}, headers=HEADERS)
        assert [(one["group"]["key"], one["cost_nanousd"]) for one in get.json()] == [("alice", 12), ("bob", 100)]
        assert get.json()[0]["group"]["day"] == "2026-11-30"
        only = server.client.get("/admin/usage", params={"key": "bob", "since": "2026-11-30"}, headers=HEADERS)
        assert [one["group"] for one in only.json()] == [{"model": "sim/bob"}]
        later = server.client.get("/admin/usage", params={"since": "2026-12-01T00:00:00Z"}, headers=HEADERS)
        assert later.json() == []


def test_the_configuration_is_shown_with_its_origins_and_without_its_secrets() -> None:
    with administered() as (server, _):
        text = server.client.get("/admin/config", headers=HEADERS).text
        settings = {row["key"]: row for row in server.client.get("/admin/config", headers=HEADERS).json()["settings"]}
    assert "sk-sim-0123456789" not in text
    assert settings["default_model"]["value"] == "sim/ok"
    assert settings["default_model"]["origin"].endswith("tramite.toml")
    assert settings["gateway.port"]["origin"] == "default"


def test_limits_are_those_that_the_worker_uses() -> None:
    with administered() as (server, house):
        assert server.client.get("/admin/limits", headers=HEADERS).json() == []

        async def use() -> None:
            found = await house.core.routes.find("sim/ok", "chat")
            limiter = house.core.governor.limiter
            assert limiter is not None
            await limiter.take(found.endpoints[0].scopes, 0, within_s=1)

        server.run(use)
        [limit] = server.client.get("/admin/limits", headers=HEADERS).json()
        assert limit["name"].startswith("sim/ok")
        assert limit["limits"] == {"requests_per_minute": 60}
        assert limit["in_flight"] == 1


def test_a_reload_says_what_has_changed_or_what_is_wrong() -> None:
    with administered() as (server, house):
        assert server.client.post("/admin/reload", headers=HEADERS).json() == {"changed": ["limits.x"]}
        house.wrong = True
        refused = server.client.post("/admin/reload", headers=HEADERS)
    assert refused.status_code == 400
    assert "expected a port" in error_of(refused)["message"]


@pytest.mark.parametrize("path", [*PAGES, "/admin/keys", "/admin/config"])
def test_nothing_is_told_without_the_admin_key(path: str) -> None:
    with administered() as (server, _):
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Bearer {ADMIN} "[:-2]}):
            response = server.client.get(path, headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert ADMIN not in response.text
            error_of(response)
        assert server.client.get(path, headers=HEADERS).status_code == 200
        assert server.client.get(path, headers={"x-api-key": ADMIN}).status_code == 200


def test_without_an_admin_key_this_machine_alone_may_administer_and_no_proxy_on_it() -> None:
    with administered(admin_key="") as (server, _):
        assert server.client.get("/admin/keys").status_code == 200
        for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
            refused = server.client.get("/admin/keys", headers={header: "10.0.0.1"})
            assert refused.status_code == 403
            assert "TRAMITE_ADMIN_KEY" in error_of(refused)["message"]


@pytest.mark.parametrize("gateway", [Gateway(host="0.0.0.0"), Gateway(hosts=("llm.example.org",))])
def test_a_gateway_that_others_reach_has_no_administration_without_an_admin_key(gateway: Gateway) -> None:
    assert not AdminKey("", lambda: gateway).is_open
    with administered(admin_key="", gateway=gateway) as (server, _):
        assert server.client.get("/docs").status_code == 403
        assert server.client.get("/admin/keys", headers={"authorization": "Bearer anything"}).status_code == 403


def test_the_admin_key_is_not_in_its_repr() -> None:
    assert ADMIN not in repr(AdminKey(ADMIN, Gateway))


def test_the_page_of_documentation_loads_nothing_and_describes_the_hot_routes() -> None:
    with administered() as (server, _):
        page = server.client.get("/docs", headers=HEADERS)
        described = server.client.get("/openapi.json", headers=HEADERS).json()
    assert "<script" not in page.text
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/admin/keys"):
        assert path in page.text
        assert path in described["paths"]
    names = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert names <= set(described["components"]["schemas"])


def test_nobody_is_read_before_it_is_known_that_they_may_ask() -> None:
    with administered() as (server, house):
        read: list[bool] = []

        async def ask() -> int:
            status: list[int] = []

            async def send(message: Any) -> None:
                status.append(message.get("status", 0))

            async def receive() -> Any:
                read.append(True)
                return {"type": "http.request"}

            admin = build_admin(house, AdminKey(ADMIN, Gateway))
            await admin({"type": "http", "path": "/docs", "headers": [], "client": None}, receive, send)
            return status[0]

        assert server.run(ask) == 401
        assert not read


PROMISES = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]


def test_the_administration_is_as_its_description_says() -> None:
    load_all_checks()
    checks = CHECKS.get_by_names(PROMISES)
    with administered() as (server, _), requests.Session() as session:
        session.trust_env = False
        session.headers.update(HEADERS)
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json", headers=HEADERS)
        described = [found.ok() for found in schema.get_all_operations()]
        operations = [operation for operation in described if operation.path.startswith(PREFIX)]
        assert len(operations) == 10
        for operation in operations:

            @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
            @given(operation.as_strategy())
            def holds(case: schemathesis.Case) -> None:
                case.call_and_validate(session=session, checks=checks)

            holds()
