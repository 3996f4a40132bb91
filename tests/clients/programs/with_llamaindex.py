"""LlamaIndex's OpenAI classes. Its chat class knows OpenAI's own models only, and for them alone how much they take:
so the gateway has routes with such names."""

from __future__ import annotations

from typing import Any

from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI, OpenAIResponses
from pydantic import BaseModel

ASKED = "Che tempo fa a Roma?"


class Place(BaseModel):
    city: str


def _weather(city: str) -> str:
    """The weather of a city."""
    return f"sole a {city}"


def chat() -> Any:
    return OpenAI(model="gpt-4o", max_retries=0).complete(ASKED).text


def stream() -> Any:
    return [piece.delta for piece in OpenAI(model="gpt-4o", max_retries=0).stream_complete(ASKED) if piece.delta]


def other_dialect() -> Any:
    return [piece.delta for piece in OpenAI(model="gpt-4.1", max_retries=0).stream_complete(ASKED) if piece.delta]


def tools() -> Any:
    llm = OpenAI(model="gpt-4", max_retries=0)
    reply = llm.chat_with_tools([FunctionTool.from_defaults(_weather, name="weather")], ASKED)
    call = llm.get_tool_calls_from_response(reply)[0]
    return [call.tool_name, call.tool_kwargs]


def structured() -> Any:
    return OpenAI(model="gpt-4o-mini", max_retries=0).as_structured_llm(Place).complete(ASKED).raw.model_dump()


def embeddings() -> Any:
    vectors = OpenAIEmbedding(model_name="primary/ok", max_retries=0)
    return [len(vector) for vector in vectors.get_text_embedding_batch(["uno", "due"])]


def responses() -> Any:
    return OpenAIResponses(model="gpt-4o", max_retries=0).complete(ASKED).text


def wrong_key() -> Any:
    return OpenAI(model="gpt-4o", api_key="sk-wrong", max_retries=0).complete(ASKED).text


def cut_stream() -> Any:
    return len(list(OpenAI(model="gpt-4-turbo", max_retries=0).stream_complete(ASKED)))
