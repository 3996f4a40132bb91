"""What becomes of a stream that breaks after its reader has seen something of it (design §3, "Streams").

`terminate`: an error. `restart`: the next target begins anew, for a reader that can take text back. `continue`: the
next target that takes a prefill goes on where the text stopped. What has been read is never contradicted in silence.
"""

from __future__ import annotations

from collections.abc import Iterator

from tramite.errors import ContextTooLong, ModelLoading, ProviderError, RequestRejected, TramiteError
from tramite.events import Loading, Noticed, Restarted, Retrying

from .attempt import Upstream
from .envelope import Envelope, Opened
from .judging import breaks_off
from .telling import opened
from .tries import Tries


class Resumption:
    """One stream's second chances."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._broken: ProviderError | None = None
        self._restarts = False

    def broke_off(self, error: ProviderError, tries: Tries) -> None:
        """Have another target take it up, or raise the error."""
        tries.broke_off(error)
        tries.delay_s = 0.0
        self._broken = error
        self._restarts = False
        policy = tries.route.on_stream_failure if tries.route is not None else "terminate"
        if policy == "terminate" or not breaks_off(error):
            raise error
        if policy == "continue":
            going_on = self._envelope.continued() if self._envelope.continued is not None else None
            if going_on is not None and tries.move_on(error, prefill=True):
                tries.envelope = going_on
                return
        if not (self._envelope.takes_back() and tries.move_on(error)):
            raise error
        self._restart(tries)

    async def failed(self, error: TramiteError, tries: Tries) -> Retrying | Loading:
        """A try has brought nothing to read: what its reader is told. Raises what ends it where none follows."""
        told = str(tries.endpoint.target)
        if self._broken is None:
            await tries.failed(error)
            return _news(error, told, tries.delay_s)
        rejected = isinstance(error, RequestRejected) and not isinstance(error, ContextTooLong)
        if rejected and tries.envelope is not self._envelope and self._envelope.takes_back():
            tries.record(error)  # it takes no prefill after all
            self._restart(tries)
            return _news(error, told, 0.0)
        try:
            await tries.failed(error)
        except TramiteError as last:
            raise self._broken from last  # what its reader must know is that the answer broke off
        return _news(error, told, tries.delay_s)

    def opened(self, upstream: Upstream, tries: Tries) -> Iterator[Restarted | Noticed | Opened]:
        """What its reader is told before more can be read."""
        target = str(tries.endpoint.target)
        if self._broken is not None and self._restarts:
            yield Restarted(target, str(self._broken))
        elif self._broken is not None:
            yield Noticed(f"the answer broke off ({self._broken}); {target} went on from there")
        yield opened(upstream, tries)

    def _restart(self, tries: Tries) -> None:
        tries.envelope = self._envelope
        self._restarts = True


def _news(error: TramiteError, target: str, delay_s: float) -> Retrying | Loading:
    """What a reader is told of a failed try."""
    if isinstance(error, ModelLoading):
        return Loading(target, error.retry_after_s)
    return Retrying(target, str(error), delay_s)
