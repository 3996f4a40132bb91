"""`/openapi.json`: the hot routes beside what FastAPI says of the administration. Data only; answers no request.

What is described of a body is what the gateway itself depends on: the rest of it passes through, so more is allowed.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
MOST: Schema = {"type": ["integer", "null"], "minimum": 1}
_MODEL: Schema = {"type": "string", "minLength": 1, "description": "A route, or provider/model. See GET /v1/models."}
_STREAM: Schema = {"type": ["boolean", "null"], "default": False, "description": "Whether to answer as events (SSE)."}
_NUMBER: Schema = {"type": ["number", "null"]}
_SECURITY: list[Schema] = [{"key": []}, {"anthropic": []}, {"azure": []}]
_STATUSES = {
    "400": "The request is not possible: wrong JSON, a setting that the target lacks.",
    "401": "The key is missing, wrong, expired or revoked.",
    "402": "A budget would be passed.",
    "403": "The key may not use this model, or not from there; or the request's host or origin is not ours.",
    "404": "There is no such model here.",
    "405": "This path is asked in another way; see Allow.",
    "413": "The body is too large.",
    "415": "The body must be application/json.",
    "429": "A limit would be passed; see Retry-After.",
    "500": "The gateway failed; its log says why.",
    "502": "The provider could not be reached, or gave no answer.",
    "503": "Too much at once, or the gateway is being stopped; see Retry-After.",
    "504": "The provider took too long.",
    "529": "The provider is overloaded (in Anthropic's words).",
}


def described(administration: Schema) -> Schema:
    """All of it. What FastAPI gives is not changed."""
    components = administration.get("components", {})
    administered = {
        path: {method: {**operation, "security": [{"admin": []}]} for method, operation in operations.items()}
        for path, operations in administration["paths"].items()
    }
    return {
        **administration,
        "paths": {**_paths(), **administered},
        "components": {
            **components,
            "schemas": {**_schemas(), **components.get("schemas", {})},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of this gateway."},
                "anthropic": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "azure": {"type": "apiKey", "in": "header", "name": "api-key"},
                "admin": {"type": "http", "scheme": "bearer", "description": "The admin key."},
            },
        },
    }


def _paths() -> Schema:
    chat = _asked("Chat, as OpenAI has it", "ChatRequest", "ChatReply")
    completion = _asked("Plain completion, as OpenAI has it", "CompletionRequest", "CompletionReply")
    embedding = _asked("Embeddings, as OpenAI has them", "EmbeddingRequest", "EmbeddingReply", stream=False)
    answer = _asked("Responses, as OpenAI has them; stateless", "ResponsesRequest", "ResponsesReply")
    message = _asked("Messages, as Anthropic has them", "MessagesRequest", "MessagesReply", error="AnthropicError")
    azure = "/openai/deployments/{deployment}"
    doors = {
        "/v1/chat/completions": chat,
        "/v1/completions": completion,
        "/v1/embeddings": embedding,
        "/v1/responses": answer,
        "/v1/messages": message,
    }
    return {
        **{path: {"post": found} for path, found in doors.items()},
        f"{azure}/chat/completions": {"post": _of_azure(chat, "AzureChatRequest")},
        f"{azure}/completions": {"post": _of_azure(completion, "AzureCompletionRequest")},
        f"{azure}/embeddings": {"post": _of_azure(embedding, "AzureEmbeddingRequest")},
        **{f"/openai{path}": {"post": found} for path, found in doors.items()},
        "/v1/models": {"get": _read("The routes and models that the key may use", "Models")},
        "/v1/models/{model}": {"get": _one_model()},
        "/tickets": {"post": _ticket()},
        "/v1/stream": {"get": _played()},
        "/health/live": {"get": _plain("Whether the process runs", "Health", tag="health")},
        "/health/ready": {"get": _ready()},
        "/metrics": {"get": _metrics()},
    }


def _asked(summary: str, request: str, reply: str, stream: bool = True, error: str = "OpenAIError") -> Schema:
    whole: Schema = {"application/json": _ref(reply)}
    if stream:
        whole["text/event-stream"] = {}  # a schema would be one of each event, which are of many kinds
    return {
        "tags": ["models"],
        "summary": summary,
        "security": _SECURITY,
        "requestBody": {"required": True, "content": {"application/json": _ref(request)}},
        "responses": {
            "200": {"description": "The answer.", "content": whole},
            **{
                status: {"description": text, "content": {"application/json": _ref(error)}}
                for status, text in _STATUSES.items()
            },
        },
    }


def _of_azure(operation: Schema, request: str) -> Schema:
    """The same, where the path names the model."""
    deployment = {"name": "deployment", "in": "path", "required": True, "schema": _MODEL}
    version = {"name": "api-version", "in": "query", "required": False, "schema": TEXT}
    return {
        **operation,
        "summary": f"{operation['summary']}, at Azure's address",
        "parameters": [deployment, version],
        "requestBody": {"required": True, "content": {"application/json": _ref(request)}},
    }


def _read(summary: str, reply: str) -> Schema:
    failures = {
        status: {"description": _STATUSES[status], "content": {"application/json": _ref("OpenAIError")}}
        for status in ("401", "403", "500", "503")
    }
    found = _plain(summary, reply, tag="models")
    return {**found, "security": _SECURITY, "responses": {**found["responses"], **failures}}


def _one_model() -> Schema:
    found = _read("One of them", "Model")
    missing = {"description": _STATUSES["404"], "content": {"application/json": _ref("OpenAIError")}}
    model = {"name": "model", "in": "path", "required": True, "schema": _MODEL}
    return {**found, "parameters": [model], "responses": {**found["responses"], "404": missing}}


def _ticket() -> Schema:
    return _asked("A ticket for what cannot send headers: a WebSocket, or a prepared stream", "Wish", "Ticket", False)


def _played() -> Schema:
    ticket = {"name": "ticket", "in": "query", "required": True, "schema": TEXT}
    return {
        "tags": ["models"],
        "summary": "The chat that was prepared with a ticket, once, for an EventSource",
        "security": [],
        "parameters": [ticket],
        "responses": {
            "200": {"description": "The answer's messages.", "content": {"text/event-stream": {}}},
            "204": {"description": "There is no such ticket, or not any more."},
        },
    }


def _plain(summary: str, reply: str, tag: str) -> Schema:
    answer = {"description": "The answer.", "content": {"application/json": _ref(reply)}}
    return {"tags": [tag], "summary": summary, "security": [], "responses": {"200": answer}}


def _ready() -> Schema:
    found = _plain("Whether it should be sent requests: the store and the limits can be reached", "Health", "health")
    not_ready = {"description": "What is missing.", "content": {"application/json": _ref("Health")}}
    return {**found, "responses": {**found["responses"], "503": not_ready}}


def _metrics() -> Schema:
    answer = {"description": "Prometheus's text format.", "content": {"text/plain": {"schema": TEXT}}}
    return {
        "tags": ["health"],
        "summary": "Requests, tokens, cost, times, limits",
        "security": [{"admin": []}],
        "responses": {
            "200": answer,
            **{
                status: {"description": _STATUSES[status], "content": {"application/json": _ref("OpenAIError")}}
                for status in ("401", "403")
            },
        },
    }


def _schemas() -> Schema:
    sampling = {"temperature": _NUMBER, "top_p": _NUMBER, "stream": _STREAM}
    message = _object({"role": TEXT, "content": {}}, "role")
    messages = {"type": "array", "minItems": 1, "items": message}
    texts: Schema = {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]}
    tools = {"type": ["array", "null"], "items": {"type": "object"}}
    chat = {"messages": messages, "max_tokens": MOST, "max_completion_tokens": MOST, "tools": tools, **sampling}
    completion = {"prompt": TEXT, "max_tokens": MOST, "suffix": {"type": ["string", "null"]}, **sampling}
    embedding = {"input": texts, "encoding_format": {"enum": ["float", "base64"]}, "dimensions": MOST}
    answer = {"input": {"anyOf": [TEXT, messages]}, "max_output_tokens": MOST, "tools": tools, **sampling}
    anthropic = {"messages": messages, "max_tokens": {**WHOLE, "minimum": 1}, "system": {}, "tools": tools, **sampling}
    return {
        "ChatRequest": _object({"model": _MODEL, **chat}, "messages"),
        "AzureChatRequest": _object(chat, "messages"),
        "CompletionRequest": _object({"model": _MODEL, **completion}, "prompt"),
        "AzureCompletionRequest": _object(completion, "prompt"),
        "EmbeddingRequest": _object({"model": _MODEL, **embedding}, "input"),
        "AzureEmbeddingRequest": _object(embedding, "input"),
        "ResponsesRequest": _object({"model": _MODEL, **answer}, "input"),
        "Wish": _object({"for": {"enum": ["websocket", "stream"]}, "body": {"type": ["object", "null"]}}, "for"),
        "MessagesRequest": _object({"model": _MODEL, **anthropic}, "messages", "max_tokens"),
        **_replies(),
    }


def _replies() -> Schema:
    finish = {"type": ["string", "null"]}
    usage = {"type": ["object", "null"], "properties": {"prompt_tokens": WHOLE, "total_tokens": WHOLE}}
    head = {"id": TEXT, "object": TEXT, "created": WHOLE, "model": TEXT}
    said = _object({"role": TEXT, "content": {"type": ["string", "null", "array"]}})
    chosen = _object({"index": WHOLE, "message": said, "finish_reason": finish}, "index", "message")
    continued = _object({"index": WHOLE, "text": TEXT, "finish_reason": finish}, "text")
    vector = {"anyOf": [{"type": "array", "items": {"type": "number"}}, TEXT]}
    listed = _object({"id": TEXT, "object": TEXT, "owned_by": TEXT}, "id")
    anthropic = _object({"type": TEXT, "message": TEXT}, "type", "message")
    openai = _object({"message": TEXT, "type": TEXT, "param": {}, "code": {}}, "message", "type")
    return {
        "ChatReply": _object({**head, "choices": _list(chosen), "usage": usage}, "choices", "model"),
        "CompletionReply": _object({**head, "choices": _list(continued), "usage": usage}, "choices", "model"),
        "EmbeddingReply": _object(
            {"object": TEXT, "data": _list(_object({"index": WHOLE, "embedding": vector}, "embedding")), "model": TEXT},
            "data",
        ),
        "ResponsesReply": _object({"id": TEXT, "status": TEXT, "output": _list({"type": "object"})}, "output"),
        "MessagesReply": _object({"id": TEXT, "role": TEXT, "content": _list({"type": "object"})}, "content"),
        "Ticket": _object({"ticket": TEXT, "url": TEXT, "expires_in_s": {"type": "number"}}, "ticket", "url"),
        "Model": listed,
        "Models": _object({"object": TEXT, "data": _list(listed)}, "data"),
        "Health": _object({"status": TEXT, "missing": TEXT}, "status"),
        "OpenAIError": _object({"error": openai}, "error"),
        "AnthropicError": _object({"type": TEXT, "error": anthropic}, "type", "error"),
    }


def _object(properties: Schema, *required: str) -> Schema:
    found: Schema = {"type": "object", "properties": properties}
    return {**found, "required": list(required)} if required else found


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}
