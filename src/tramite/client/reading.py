"""What a reader has taken of a stream, and what the pipeline told of it. No I/O: both kinds of stream share it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from tramite.assembly import Assembler
from tramite.errors import DeadlineExceeded, ProviderError, TramiteError
from tramite.events import Event, Restarted, TextDelta
from tramite.pipeline.envelope import Ended, Opened
from tramite.replies import Attempt, Reply, Timings

Until = Callable[[str], bool]

MOST_KEPT = 1024
"""Events that are kept one by one: a stream of a million must not fill the memory with them."""


class Reading:
    """What a reader has taken of a stream so far. One thread reads; another may close."""

    def __init__(self, until: Until | None = None) -> None:
        self.pending: deque[Event] = deque()
        self.error: TramiteError | None = None
        self.stopped = False
        self.satisfied = False
        self.takes_back = True
        """Whether its reader can be told that what it has read is void: who takes bare pieces of text cannot."""
        self._taken: deque[Event] = deque()  # assembled when somebody asks: most readers only want the pieces
        self._assembler = Assembler()
        self.until = until

    @property
    def text_so_far(self) -> str:
        """The text that the reader has seen."""
        return self._assembled().text

    @property
    def text_alone(self) -> str | None:
        """The same, where the answer is text and nothing else so far."""
        choices = self._assembled().reply().choices
        content = choices[0].message.content
        return content if len(choices) == 1 and isinstance(content, str) else None

    @property
    def kept(self) -> int:
        """How many events and pieces of text are kept one by one."""
        return len(self._taken) + self._assembler.pieces

    def put(self, events: list[Event]) -> None:
        """More has come."""
        self.pending.extend(events)
        if len(self._taken) > MOST_KEPT:
            self._assembled()

    def take(self) -> Event | None:
        """The next event, None if nothing is pending; `satisfied` turns true when `until` says it was the last one."""
        try:
            event = self.pending.popleft()
        except IndexError:  # who looks first may be misled by another thread that closes the stream
            return None
        self._taken.append(event)
        if self.until is not None and type(event) is TextDelta and self.until(self.text_so_far):
            self.satisfied = True
            self.pending.clear()
        return event

    def texts(self, whole: bool) -> Iterator[str]:
        """Take what is pending: the first choice's text in it, in pieces or (`whole`) as it stands after each."""
        self.takes_back = self.takes_back and whole
        while (event := self.take()) is not None:
            if type(event) is TextDelta:
                if event.index == 0:
                    yield self.text_so_far if whole else event.text
            elif whole and type(event) is Restarted:
                yield ""

    def fail(self, error: TramiteError) -> None:
        """The stream has broken: the error keeps what was read."""
        self.error = error
        if isinstance(error, ProviderError | DeadlineExceeded):
            error.partial = self.text_so_far

    def reply(self, facts: Facts) -> Reply:
        """The whole reply, or what there is of it after an early stop."""
        if self.error is not None:
            raise self.error
        if facts.ended is None and not self.stopped:
            raise RuntimeError("the stream is not finished yet: read it to its end, or close() it, before reply")
        reply = self._assembled().reply("stopped" if self.stopped else None)
        ended = facts.ended or facts.left
        partial = self.stopped or facts.resumed
        return msgspec.structs.replace(
            reply,
            usage=msgspec.structs.replace(reply.usage, source="partial") if partial else reply.usage,
            target=facts.target,
            cost_nanousd=ended.cost_nanousd,
            cached=facts.cached,
            request_id=facts.request_id,
            notices=tuple(dict.fromkeys(facts.notices)),
            attempts=ended.attempts,
            timings=msgspec.structs.replace(ended.timings, first_token_s=facts.first_token_s),
        )

    def _assembled(self) -> Assembler:
        taken = self._taken
        if taken:
            self._assembler.feed([taken.popleft() for _ in range(len(taken))])
        return self._assembler


class Facts:
    """What the pipeline told of a stream."""

    def __init__(self) -> None:
        self.target = ""
        self.request_id: str | None = None
        self.notices: list[str] = []
        self.first_token_s: float | None = None
        self.resumed = False
        """Whether one target went on with what another had begun: then nobody has counted all of it."""
        self.cached = False
        """Whether it is an earlier answer that is given again."""
        self.ended: Ended | None = None
        self.left = Ended(attempts=(), timings=Timings())
        """How it stood when its reader left."""
        self._opened: Opened | None = None

    def open(self, opened: Opened) -> None:
        """A target has begun to answer."""
        self._opened = opened
        self.target, self.request_id = str(opened.target), opened.request_id
        self.notices += opened.notices

    def begin_anew(self) -> None:
        """What was told of the text until now is as void as the text."""
        self.first_token_s, self.resumed = None, False
        self.notices.clear()

    def repeat(self, reply: Reply) -> None:
        """An earlier answer is given again."""
        self.cached = True
        self.target, self.request_id = reply.target, reply.request_id
        self.notices += reply.notices
        self.first_token_s = reply.timings.total_s

    def leave(self, elapsed_s: float) -> None:
        """The reader has left, so many seconds after it began; what came until then may be on the bill."""
        opened = self._opened
        if opened is None:
            cost_nanousd = 0 if self.cached else None
            self.left = Ended(attempts=(), timings=Timings(elapsed_s), cost_nanousd=cost_nanousd)
            return
        last = Attempt(self.target, elapsed_s - opened.began_s, 200, "", self.request_id, maybe_billed=True)
        timings = Timings(elapsed_s, waited_s=opened.waited_s)
        self.left = Ended(attempts=(*opened.attempts, last), timings=timings)
