"""A browser's session without a browser: Streamlit's own messages over its socket. Draws nothing, but sees all."""

from __future__ import annotations

import re
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection

WORD = re.compile(r"([a-z]+\d+-\d+)\b")


class Session:
    """One visitor of a page."""

    def __init__(self, socket: ClientConnection, query: str = "") -> None:
        self._socket = socket
        self._query = query
        self._composer = ""
        self.seen: dict[str, float] = {}
        """When each word was there, in seconds since 1970."""
        self.errors: list[str] = []
        self.messages = 0

    async def run(self, said: str = "") -> float:
        """Have the page run, with something said in its composer; seconds until it is drawn."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self._query
        state.context_info.locale = "en-GB"
        if said:
            widget = state.widget_states.widgets.add(id=self._composer)
            widget.chat_input_value.data = said
        began = time.monotonic()
        await self._socket.send(message.SerializeToString())
        while True:
            found = await self._next()
            if found.WhichOneof("type") == "script_finished":
                again = found.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
                if not again:
                    return time.monotonic() - began

    async def _next(self) -> ForwardMsg:
        found = ForwardMsg()
        found.ParseFromString(await self._socket.recv())  # type: ignore[arg-type]  # they are bytes
        self.messages += 1
        if found.WhichOneof("type") == "delta":
            element = found.delta.new_element
            kind = element.WhichOneof("type")
            if kind == "chat_input":
                self._composer = element.chat_input.id
            elif kind == "exception":
                self.errors.append(element.exception.message)
            elif kind == "markdown":
                now = time.time()
                for word in WORD.findall(element.markdown.body):
                    self.seen.setdefault(word, now)
        elif found.WhichOneof("type") == "page_info_changed":
            self._query = found.page_info_changed.query_string
        return found
