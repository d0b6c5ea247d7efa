"""A stream without a call: what a source waits on, in the hands of a test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from margingate_server.rpc.streams import Stream


@dataclass
class ProbeStream(Stream):
    """Its waits do what the test says, in turn, and close it when nothing is left to do."""

    steps: list[Callable[[], object]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        Stream.__init__(self)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.steps:
            self.steps.pop(0)()
        else:
            self.close()


def until(is_so: Callable[[], bool]) -> None:
    """Returns when it is so; AssertionError when it is not within ten seconds."""
    for _ in range(1_000):
        if is_so():
            return
        Event().wait(0.01)
    raise AssertionError("never")
