"""The openai SDK as other packages pin it: one major version older than the one that `make test` uses."""

from __future__ import annotations

from typing import Any

import openai
from pydantic import BaseModel

SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
ASKED: Any = [{"role": "user", "content": "Che tempo fa a Roma?"}]
llm = openai.OpenAI(max_retries=0)


class Place(BaseModel):
    city: str


def chat() -> Any:
    return llm.chat.completions.create(model="primary/ok,tokens=3", messages=ASKED).choices[0].message.content


def stream() -> Any:
    pieces = llm.chat.completions.create(model="primary/ok,tokens=3", messages=ASKED, stream=True)
    return [text for piece in pieces if piece.choices and (text := piece.choices[0].delta.content)]


def other_dialect() -> Any:
    pieces = llm.chat.completions.create(model="backup/ok,tokens=3", messages=ASKED, stream=True)
    return [text for piece in pieces if piece.choices and (text := piece.choices[0].delta.content)]


def tools() -> Any:
    reply = llm.chat.completions.create(model="primary/tools", messages=ASKED, tools=TOOLS)
    call: Any = (reply.choices[0].message.tool_calls or [])[0].function
    return [call.name, call.arguments]


def structured() -> Any:
    reply = llm.chat.completions.parse(model="primary/json", messages=ASKED, response_format=Place)
    return (reply.choices[0].message.parsed or Place(city="")).model_dump()


def embeddings() -> Any:
    return [len(one.embedding) for one in llm.embeddings.create(model="primary/ok", input=["uno", "due"]).data]


def responses() -> Any:
    with llm.responses.stream(model="primary/ok,tokens=3", input="Ciao") as events:
        return events.get_final_response().output_text


def wrong_key() -> Any:
    return llm.with_options(api_key="sk-wrong").chat.completions.create(model="fast", messages=ASKED).id


def cut_stream() -> Any:
    return len(list(llm.chat.completions.create(model="primary/cut@3", messages=ASKED, stream=True)))
