"""The hot routes are as `/openapi.json` describes them: asked of the real application, with a simulated provider."""

from __future__ import annotations

from pathlib import Path

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from tests.gateway.serving import served
from tramite.client.governance import for_programs
from tramite.config import Config, load
from tramite.gateway.doors import AZURE, DOORS
from tramite.gateway.service import factory
from tramite.gateway.serving import Fleet
from tramite.simulator import Simulator

PROMISES = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
HOT = (
    *DOORS,
    *(f"/openai{path}" for path in DOORS),
    *(f"/openai/deployments/{{deployment}}{ending}" for ending in AZURE),
    *("/v1/models", "/v1/models/{model}", "/tickets", "/v1/stream", "/health/live", "/health/ready"),
)


def test_every_hot_route_is_as_it_is_described() -> None:
    load_all_checks()
    checks = CHECKS.get_by_names(PROMISES)
    with Simulator.in_thread(seed=1) as provider:
        file = Path("described.toml")
        row = f'[providers.sim]\nbase_url = "{provider.base_url}"\nauth = "none"\n'
        kinds = 'kinds = ["chat", "completion", "embedding"]\n[retry]\nattempts = 1\n'
        store = f'[store]\nurl = "sqlite:///{Path.cwd()}/ledger.sqlite"\n[state]\nurl = "memory"\n'
        file.write_text(f'default_model = "sim/ok"\n{row}{kinds}{store}')

        def read() -> Config:
            return for_programs(load(file))

        config = read()
        service = factory(read)(config, Fleet())
        with served(service.guards, lifespan="on") as gateway, requests.Session() as session:
            session.trust_env = False
            schema = schemathesis.openapi.from_url(f"{gateway.url}/openapi.json")
            described = {found.ok().path: found.ok() for found in schema.get_all_operations()}
            assert set(HOT) <= set(described)
            for path in HOT:

                @settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
                @given(described[path].as_strategy())
                def holds(case: schemathesis.Case) -> None:
                    if isinstance(case.body, dict) and "model" in case.body:
                        case.body["model"] = "sim/ok"  # what anybody might make up is not there
                    if "deployment" in case.path_parameters:
                        case.path_parameters["deployment"] = "sim/ok"
                    case.call_and_validate(session=session, checks=checks)

                holds()
