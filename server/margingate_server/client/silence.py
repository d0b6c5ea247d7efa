"""Streams on which nothing comes any more: the server hangs, or the network lost it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from threading import Event, Thread
from typing import Any

import grpc

from margingate_server.client.errors import MargingateCallError
from margingate_server.clock import SystemClock


def heard(call: Any, seconds: float) -> Iterator[Any]:
    """The messages of a stream; MargingateCallError, UNAVAILABLE, once none came for `seconds`.

    Only waiting counts, not what the reader does between two messages.
    """
    vigil = _Vigil(call, seconds)
    Thread(target=vigil.keep, name="margingate-silence", daemon=True).start()
    try:
        while True:
            vigil.due_at = vigil.clock.seconds() + seconds
            message = next(call, None)
            vigil.due_at = inf
            if message is None:
                return
            yield message
    except grpc.RpcError:
        if vigil.was_silent:
            raise MargingateCallError("UNAVAILABLE", f"nothing came for {seconds:g} s") from None
        raise
    finally:
        vigil.has_ended.set()


@dataclass(slots=True)
class _Vigil:
    """Cancels a call whose next message is not there when it is due."""

    call: Any
    seconds: float
    due_at: float = inf
    was_silent: bool = False
    has_ended: Event = field(default_factory=Event)
    clock: SystemClock = field(default_factory=SystemClock)

    def keep(self) -> None:
        """Look whenever a message may be due, until the stream has ended."""
        pause = self.seconds
        while not self.has_ended.wait(pause):
            left = self.due_at - self.clock.seconds()
            if left <= 0:
                self.was_silent = True
                self.call.cancel()
                return
            pause = min(left, self.seconds)
