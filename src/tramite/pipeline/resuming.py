"""What becomes of a stream that breaks after its reader has seen something of it (design §3, "Streams").

`terminate`: an error. `restart`: the next target begins anew, for a reader that can take text back. `continue`: the
next target that takes a prefill goes on where the text stopped. What has been read is never contradicted in silence.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

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

    def broke_off(self, error: ProviderError, tries: Tries) -> None:
        """Have another target take it up, or raise the error."""
        tries.broke_off(error)
        tries.delay_s = 0.0
        self._broken = error
        policy = tries.route.on_stream_failure if tries.route is not None else "terminate"
        if policy == "terminate" or not breaks_off(error):
            raise error
        if policy == "continue" and self._goes_on(error, tries):
            return
        if not self._begins_anew(error, tries):
            raise error

    async def failed(self, error: TramiteError, tries: Tries) -> Retrying | Loading:
        """A try has brought nothing to read: what its reader is told. Raises what ends it where none follows."""
        told = str(tries.endpoint.target)
        if self._broken is None:
            await tries.failed(error)
            return _news(error, told, tries.delay_s)
        rejected = isinstance(error, RequestRejected) and not isinstance(error, ContextTooLong)
        if rejected and tries.prefilled and self._envelope.takes_back():
            tries.record(error)  # it takes no prefill after all
            tries.delay_s = 0.0
            tries.carry(self._envelope)
            return _news(error, told, 0.0)
        try:
            await tries.failed(error)
        except TramiteError as last:
            if not (tries.prefilled and self._begins_anew(last, tries)):
                raise self._broken from last  # what its reader must know is that the answer broke off
        return _news(error, told, tries.delay_s)

    def opened(self, upstream: Upstream, tries: Tries) -> Iterator[Restarted | Noticed | Opened]:
        """What its reader is told before more can be read."""
        target = str(tries.endpoint.target)
        if self._broken is not None and tries.prefilled:
            yield Noticed(f"the answer broke off ({self._broken}); {target} went on from there")
        elif self._broken is not None:
            yield Restarted(target, str(self._broken))
        yield opened(upstream, tries)

    def _goes_on(self, error: TramiteError, tries: Tries) -> bool:
        """Whether a target that takes a prefill takes it up where it broke off."""
        longer = self._envelope.continued() if self._envelope.continued is not None else None
        if longer is None:
            return False
        tries.carry(msgspec.structs.replace(longer, texts=self._envelope.texts), prefilled=True)
        return tries.move_on(error)

    def _begins_anew(self, error: TramiteError, tries: Tries) -> bool:
        """Whether another target does, for a reader that can take back what it has read."""
        tries.carry(self._envelope)
        return self._envelope.takes_back() and tries.move_on(error)


def _news(error: TramiteError, target: str, delay_s: float) -> Retrying | Loading:
    """What a reader is told of a failed try."""
    if isinstance(error, ModelLoading):
        return Loading(target, error.retry_after_s)
    return Retrying(target, str(error), delay_s)
