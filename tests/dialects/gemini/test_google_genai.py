"""Google's own SDK takes our server's side for Google, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from tramite.simulator import Simulator

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator.in_thread(key="right") as running:
        yield running


@pytest.fixture
def llm(simulator: Simulator) -> Iterator[Any]:
    simulator.reset()
    with _client(simulator) as client:
        yield client


def _client(simulator: Simulator, key: str = "right") -> Any:
    # The SDK's default version is v1, whose list of models has the address of OpenAI's.
    options = types.HttpOptions(
        base_url=simulator.url, api_version="v1beta", retry_options=types.HttpRetryOptions(attempts=1)
    )
    return genai.Client(api_key=key, http_options=options)


def test_chat(llm: Any, simulator: Simulator) -> None:
    config = types.GenerateContentConfig(
        system_instruction="Sei un copywriter.",
        temperature=0.2,
        top_p=0.9,
        max_output_tokens=50,
        stop_sequences=["token-3"],
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.1,
        safety_settings=[
            types.SafetySetting(category="HARM_CATEGORY_HATE_SPEECH", threshold="BLOCK_ONLY_HIGH"),
        ],
    )
    reply = llm.models.generate_content(model="ok", contents="Ciao", config=config)
    assert reply.text == "token-1 token-2 "
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    assert reply.usage_metadata.total_token_count == simulator.log()[-1].input_tokens + 3
    assert reply.model_version == "ok"
    assert reply.response_id


def test_several_candidates_and_log_probabilities(llm: Any) -> None:
    config = types.GenerateContentConfig(candidate_count=2, response_logprobs=True, logprobs=2)
    reply = llm.models.generate_content(model="ok,tokens=2", contents="Ciao", config=config)
    assert len(reply.candidates) == 2
    chosen = reply.candidates[0].logprobs_result
    assert [token.token for token in chosen.chosen_candidates] == ["token-1", " token-2"]
    assert len(chosen.top_candidates[0].candidates) == 2


def test_stream(llm: Any) -> None:
    chunks = list(llm.models.generate_content_stream(model="ok,tokens=3", contents="Ciao"))
    assert "".join(chunk.text or "" for chunk in chunks) == "token-1 token-2 token-3"
    finishes = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates]
    assert finishes[-1] == types.FinishReason.STOP
    assert set(finishes[:-1]) == {None}
    assert chunks[-1].usage_metadata.candidates_token_count == 3


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")  # the SDK's own
async def test_stream_asynchronously(simulator: Simulator) -> None:
    async with _client(simulator).aio as client:
        stream = await client.models.generate_content_stream(model="ok,tokens=3", contents="Ciao")
        assert "".join([chunk.text or "" async for chunk in stream]) == "token-1 token-2 token-3"


def test_a_loop_of_tools(llm: Any) -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """Il tempo in una città."""
        asked.append(city)
        return "sole"

    config = types.GenerateContentConfig(tools=[weather])
    chat = llm.chats.create(model="tools", config=config)
    reply = chat.send_message("Che tempo fa a Roma?")
    assert asked == ["text"]
    assert reply.text == 'The tool answered: {"result": "sole"}'
    call = chat.get_history()[1].parts[0].function_call
    assert (call.name, call.args) == ("weather", {"city": "text"})
    assert call.id


def test_a_streamed_call_is_whole(llm: Any) -> None:
    declared = types.FunctionDeclaration(
        name="weather",
        description="Il tempo",
        parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    chunks = llm.models.generate_content_stream(model="tools", contents="Che tempo fa?", config=config)
    calls = [call for chunk in chunks for call in chunk.function_calls or ()]
    assert [(call.name, call.args) for call in calls] == [("weather", {"city": "text"})]


def test_an_image_is_taken(llm: Any) -> None:
    image = types.Part.from_bytes(data=PNG, mime_type="image/png")
    address = types.Part.from_uri(file_uri="https://example.org/a.png", mime_type="image/png")
    assert llm.models.generate_content(model="echo", contents=["vedi?", image, address]).text == "vedi?"


class City(BaseModel):
    name: str
    people: int


@pytest.mark.parametrize("field", ["response_schema", "response_json_schema"])
def test_an_answer_of_a_schema(llm: Any, field: str) -> None:
    schema = City if field == "response_schema" else City.model_json_schema()
    config = types.GenerateContentConfig(response_mime_type="application/json", **{field: schema})
    reply = llm.models.generate_content(model="json", contents="Roma?", config=config)
    assert City.model_validate_json(reply.text) == City(name="text", people=1)


def test_thoughts(llm: Any) -> None:
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_level="low")
    config = types.GenerateContentConfig(thinking_config=thinking)
    reply = llm.models.generate_content(model="reasoning=2,tokens=2", contents="?", config=config)
    assert [(part.thought, part.text) for part in reply.candidates[0].content.parts] == [
        (True, "thought-1 thought-2"),
        (None, "token-1 token-2"),
    ]
    assert reply.usage_metadata.thoughts_token_count == 2
    assert reply.usage_metadata.candidates_token_count == 2


def test_embeddings(llm: Any) -> None:
    config = types.EmbedContentConfig(output_dimensionality=8, task_type="RETRIEVAL_QUERY")
    reply = llm.models.embed_content(model="ok", contents=["Eventi", "Alpi"], config=config)
    assert [len(embedding.values) for embedding in reply.embeddings] == [8, 8]


def test_models(llm: Any) -> None:
    assert "models/echo" in [model.name for model in llm.models.list()]


@pytest.mark.parametrize(
    ("model", "kind", "code", "status"),
    [
        ("429:retry-after=2", "ClientError", 429, "RESOURCE_EXHAUSTED"),
        ("400", "ClientError", 400, "INVALID_ARGUMENT"),
        ("401", "ClientError", 401, "UNAUTHENTICATED"),
        ("403", "ClientError", 403, "PERMISSION_DENIED"),
        ("404", "ClientError", 404, "NOT_FOUND"),
        ("context", "ClientError", 400, "INVALID_ARGUMENT"),
        ("500", "ServerError", 500, "INTERNAL"),
        ("503", "ServerError", 503, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_failures_have_googles_classes(llm: Any, model: str, kind: str, code: int, status: str, stream: bool) -> None:
    ask = llm.models.generate_content_stream if stream else llm.models.generate_content
    with pytest.raises(getattr(errors, kind)) as caught:
        list(ask(model=model, contents="?"))
    assert (caught.value.code, caught.value.status) == (code, status)
    assert caught.value.message


def test_a_wrong_key_is_refused(simulator: Simulator) -> None:
    with _client(simulator, "wrong") as client, pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="ok", contents="?")
    assert caught.value.code == 401


def test_an_error_in_mid_stream_is_raised(llm: Any) -> None:
    said = []
    with pytest.raises(errors.ServerError) as caught:
        said += [chunk.text for chunk in llm.models.generate_content_stream(model="error@2", contents="?")]
    assert caught.value.code == 503
