"""Simon Willison's llm: models of an OpenAI-compatible server are described in a file of the user's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import llm
from pydantic import BaseModel

ASKED = "Che tempo fa a Roma?"
MODELS = ("primary/ok,tokens=3", "backup/ok,tokens=3", "primary/tools", "primary/json", "primary/cut@3")
ENTRY = """- model_id: "{0}"
  model_name: "{0}"
  api_base: "{1}"
  api_key_name: tramite
  supports_tools: true
  supports_schema: true
"""
llm.user_dir().mkdir(parents=True, exist_ok=True)
Path(llm.user_dir(), "extra-openai-models.yaml").write_text(
    "".join(ENTRY.format(model, os.environ["OPENAI_BASE_URL"]) for model in MODELS)
)


class Place(BaseModel):
    city: str


def _weather(city: str) -> str:
    """The weather of a city."""
    return f"sole a {city}"


def _ask(model: str, stream: bool = False, **settings: Any) -> Any:
    return llm.get_model(model).prompt(ASKED, stream=stream, key=os.environ["OPENAI_API_KEY"], **settings)


def chat() -> Any:
    return _ask("primary/ok,tokens=3").text()


def stream() -> Any:
    return [piece for piece in _ask("primary/ok,tokens=3", stream=True) if piece]


def other_dialect() -> Any:
    return [piece for piece in _ask("backup/ok,tokens=3", stream=True) if piece]


def tools() -> Any:
    call = _ask("primary/tools", tools=[llm.Tool.function(_weather, name="weather")]).tool_calls()[0]
    return [call.name, call.arguments]


def structured() -> Any:
    return Place.model_validate_json(_ask("primary/json", schema=Place).text()).model_dump()


def wrong_key() -> Any:
    return llm.get_model("primary/ok,tokens=3").prompt(ASKED, stream=False, key="sk-wrong").text()


def cut_stream() -> Any:
    return len(list(_ask("primary/cut@3", stream=True)))
