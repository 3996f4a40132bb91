"""Events as frames of TGI's stream: the server's side. Never says that a stream is finished unless told so."""

from __future__ import annotations

from typing import Any

import msgspec

from tramite import events as ev
from tramite.calls import CompletionCall
from tramite.replies import Finish, TokenLogprob, Usage
from tramite.wire.frames import Frame

from .fields import details_object, finish_word, token_object, top_objects

_END = TokenLogprob("", 0.0)


class GenerationWriter:
    """See `dialects.base.StreamWriter`. The last frame says all at once: the text, why it ended, what was counted."""

    def __init__(self, call: CompletionCall) -> None:
        self._call = call
        self._prompt_left = len(call.prompt) if call.echo else 0
        self._text: list[str] = []
        self._count = 0
        self._finish: Finish = "stop"
        self._usage = Usage()

    def write(self, event: ev.Event) -> list[Frame]:
        """The frames that say this event. A prompt that is to be repeated is no token: it comes with the last frame."""
        match event:
            case ev.TextDelta(text, _, logprobs):
                self._text.append(text)
                said = text[self._prompt_left :]
                self._prompt_left -= len(text) - len(said)
                token = logprobs[0] if logprobs else TokenLogprob(said, 0.0)
                if not said:
                    return []
                return [self._frame({**token_object(token), "text": said}, top_objects(token))]
            case ev.Finished(finish):
                self._finish = finish
            case ev.UsageReported(usage):
                self._usage = usage
            case _:
                pass
        return []

    def end(self) -> list[Frame]:
        """What closes a stream that has succeeded."""
        details = None
        if self._call.extra.get("details", True):
            details = details_object(finish_word(self._finish, self._call.stop), self._usage)
        return [self._frame({**token_object(_END), "special": True}, [], "".join(self._text), details)]

    def _frame(
        self,
        token: dict[str, Any],
        top: list[dict[str, Any]],
        text: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> Frame:
        self._count += 1
        said: dict[str, Any] = {"index": self._count, "token": token}
        if top:
            said["top_tokens"] = top
        return Frame(msgspec.json.encode({**said, "generated_text": text, "details": details}))
