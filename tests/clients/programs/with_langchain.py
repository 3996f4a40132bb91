"""LangChain's OpenAI classes."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

ASKED = "Che tempo fa a Roma?"


class Place(BaseModel):
    city: str


@tool("weather")
def _weather(city: str) -> str:
    """The weather of a city."""
    return f"sole a {city}"


def _llm(model: str, **settings: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, max_retries=0, **settings)


def chat() -> Any:
    return _llm("primary/ok,tokens=3").invoke(ASKED).content


def stream() -> Any:
    return [piece.content for piece in _llm("primary/ok,tokens=3").stream(ASKED) if piece.content]


def other_dialect() -> Any:
    return [piece.content for piece in _llm("backup/ok,tokens=3").stream(ASKED) if piece.content]


def tools() -> Any:
    call = _llm("primary/tools").bind_tools([_weather]).invoke(ASKED).tool_calls[0]
    return [call["name"], call["args"]]


def structured() -> Any:
    reply: Any = _llm("primary/json").with_structured_output(Place).invoke(ASKED)
    return reply.model_dump()


def embeddings() -> Any:
    # as LangChain asks for with servers other than OpenAI: it would send numbers of OpenAI's tokens instead of text
    vectors = OpenAIEmbeddings(model="primary/ok", check_embedding_ctx_length=False, max_retries=0)
    return [len(vector) for vector in vectors.embed_documents(["uno", "due"])]


def responses() -> Any:
    return _llm("primary/ok,tokens=3", use_responses_api=True).invoke(ASKED).text


def wrong_key() -> Any:
    return _llm("fast", api_key=SecretStr("sk-wrong")).invoke(ASKED).content


def cut_stream() -> Any:
    return len(list(_llm("primary/cut@3").stream(ASKED)))
