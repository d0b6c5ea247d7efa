"""A clock that tests set, and an observer that remembers what it was told."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from margingate_server.ledger.store import EventDraft
from margingate_server.service.market import MarketView
from tests.unit.service.small_desk import START_NS


@dataclass(slots=True)
class SetClock:
    """A clock that tests set. set_back_ns: how far its time of day was set back meanwhile."""

    ns: int = START_NS
    set_back_ns: int = 0

    def now_ns(self) -> int:
        return self.ns - self.set_back_ns

    def seconds(self) -> float:
        return self.ns / 1e9


@dataclass(slots=True)
class Watch:
    """Every observer in one: what it was told, in order, as tuples."""

    told: list[tuple[Any, ...]] = field(default_factory=list)
    byte_counts: list[int] = field(default_factory=list)

    def of(self, *kinds: str) -> list[tuple[Any, ...]]:
        return [each for each in self.told if each[0] in kinds]

    def decided(self, reason: str) -> None:
        self.told.append(("decided", reason))

    def checked(self, decide_seconds: float, commit_seconds: float) -> None:
        assert min(decide_seconds, commit_seconds) >= 0
        self.told.append(("checked",))

    def committed(self, events: list[EventDraft], byte_count: int, duration_seconds: float) -> None:
        assert duration_seconds >= 0
        self.told.append(("committed", len(events)))
        self.byte_counts.append(byte_count)

    def failed(self) -> None:
        self.told.append(("failed",))

    def recovered(self) -> None:
        self.told.append(("recovered",))

    def replayed(self) -> None:
        self.told.append(("replayed",))

    def previewed(self, reason: str) -> None:
        self.told.append(("previewed", reason))

    def flagged(self, flag: str) -> None:
        self.told.append(("flagged", flag))

    def started(self) -> None:
        self.told.append(("started",))

    def finished(self, path: str, grpc_code: str, duration_seconds: float) -> None:
        assert duration_seconds >= 0
        self.told.append(("finished", path, grpc_code))

    def changed(
        self, path: str, grpc_code: str, request: Message, response: Message | None
    ) -> None:
        self.told.append(("changed", path, grpc_code, request, response))

    def incident(self, error: Exception, path: str) -> str:
        self.told.append(("incident", path, error))
        return "0123456789ab"

    def decoded(self, duration_seconds: float) -> None:
        assert duration_seconds >= 0
        self.told.append(("decoded",))

    def encoded(self, duration_seconds: float) -> None:
        assert duration_seconds >= 0
        self.told.append(("encoded",))

    def opened(self, path: str) -> None:
        self.told.append(("opened", path))

    def sent(self, path: str) -> None:
        self.told.append(("sent", path))

    def ended(self, path: str, reason: str) -> None:
        self.told.append(("ended", path, reason))

    def refused(self, path: str, reason: str) -> None:
        self.told.append(("refused", path, reason))

    def found(self, delay_seconds: float) -> None:
        assert delay_seconds >= 0
        self.told.append(("found",))

    def unreadable(self, error: Exception) -> None:
        self.told.append(("unreadable", error))

    def alert_failed(self, error: Exception, seq: int) -> str:
        self.told.append(("alert_failed", seq, error))
        return "0123456789ab"

    def worked_out(self, duration_seconds: float) -> None:
        assert duration_seconds >= 0
        self.told.append(("worked_out",))

    def conflated(self) -> None:
        self.told.append(("conflated",))

    def revalued(self, view: MarketView, duration_seconds: float) -> None:
        assert duration_seconds >= 0
        self.told.append(("revalued", view.snapshot.version))
