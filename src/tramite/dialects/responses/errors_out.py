"""Our errors as the Responses API's: the server's side. Those with a failure status are OpenAI's."""

from __future__ import annotations

import msgspec

from tramite.dialects.openai.errors_out import encode_error
from tramite.wire.frames import Frame

_LAST = 2**31 - 1
"""The number of a frame that comes after all others; how many there were is not known here."""


def encode_stream_error(error: Exception) -> list[Frame]:
    """The event that says it in mid-stream. Nothing follows: the stream has not succeeded.

    Its fields stand at the top, as the API reference has them, and in an `error` object, as OpenAI's servers send
    them: without that one the official SDK takes it for an event like any other, and raises nothing (facts A1).
    """
    said = msgspec.json.decode(encode_error(error)[1])["error"]
    event = {
        "type": "error",
        "sequence_number": _LAST,
        "code": said["code"],
        "message": said["message"],
        "param": said["param"],
        "error": said,
    }
    return [Frame(msgspec.json.encode(event), "error")]
