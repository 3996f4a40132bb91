"""The client takes a reply that decodes for a success, and asks no second judge: so decoding must be as strict."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tramite.dialects import registry
from tramite.dialects.base import Operation
from tramite.errors import TramiteError

NAMES = "choices message text content finish_reason error data embedding object usage id model candidates parts"
NAMES += " finishReason embeddings values models stop_reason type code generated_text score label results index"
NAMES += " output status incomplete_details"
VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "stop", "error", "text"])
JUNK = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4),
    max_leaves=10,
).map(msgspec.json.encode)


def _operations() -> list[tuple[str, Operation]]:
    found = [(name, registry.get(name)) for name in registry.NAMES]
    return [(f"{name} {kind}", operation) for name, dialect in found for kind, operation in dialect.operations.items()]


@pytest.mark.parametrize("operation", [pytest.param(one, id=name) for name, one in _operations()])
@settings(max_examples=200)
@given(body=JUNK)
@example(body=b"")
@example(body=b"<html>")
@example(body=b'{"error":{"message":"no"}}')
@example(body=b'{"error":"half of an emoji: \\ud83d","output":[]}')
@example(body=b'{"choices":[],"data":[],"candidates":[],"content":[]}')
@example(body=b'{"choices":[{"message":{"content":"x"}}],"error":"no"}')
@example(body=b'{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}')
@example(body=b'{"choices":[{"message":{"content":"\xff"}}]}')
def test_what_decodes_has_its_success_proof(operation: Operation, body: bytes) -> None:
    try:
        operation.decode(body)
    except TramiteError:
        return
    signals = operation.judge(body)
    assert signals.proof
    assert signals.error is None
