"""litellm as a client, with a model of an OpenAI-compatible server and one of Anthropic's."""

from __future__ import annotations

import os
from typing import Any

import litellm
from pydantic import BaseModel

litellm.suppress_debug_info = True
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
ASKED: Any = [{"role": "user", "content": "Che tempo fa a Roma?"}]


class Place(BaseModel):
    city: str


def _pieces(model: str, **settings: Any) -> list[str]:
    pieces: Any = litellm.completion(model=model, messages=ASKED, stream=True, max_retries=0, **settings)
    return [text for piece in pieces if (text := piece.choices[0].delta.content)]


def chat() -> Any:
    reply: Any = litellm.completion(model="openai/primary/ok,tokens=3", messages=ASKED, max_retries=0)
    return reply.choices[0].message.content


def stream() -> Any:
    return _pieces("openai/primary/ok,tokens=3")


def other_dialect() -> Any:
    base = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
    return _pieces("anthropic/primary/ok,tokens=3", api_base=base, api_key=os.environ["OPENAI_API_KEY"])


def tools() -> Any:
    reply: Any = litellm.completion(model="openai/primary/tools", messages=ASKED, tools=TOOLS, max_retries=0)
    call = reply.choices[0].message.tool_calls[0].function
    return [call.name, call.arguments]


def structured() -> Any:
    reply: Any = litellm.completion(model="openai/primary/json", messages=ASKED, response_format=Place, max_retries=0)
    return Place.model_validate_json(reply.choices[0].message.content).model_dump()


def embeddings() -> Any:
    reply = litellm.embedding(model="openai/primary/ok", input=["uno", "due"], max_retries=0)
    return [len(one["embedding"]) for one in reply.data]


def responses() -> Any:
    reply: Any = litellm.responses(model="openai/primary/ok,tokens=3", input="Ciao", max_retries=0)
    return reply.output[0].content[0].text


def wrong_key() -> Any:
    return litellm.completion(model="openai/fast", messages=ASKED, api_key="sk-wrong", max_retries=0)


def cut_stream() -> Any:
    return len(_pieces("openai/primary/cut@3"))
