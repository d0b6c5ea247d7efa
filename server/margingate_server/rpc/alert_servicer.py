"""StreamAlerts: what somebody may have to act on, from a cursor on."""

from collections.abc import Iterator
from dataclasses import dataclass

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.errors import InvalidInput
from margingate_server.clock import Clock
from margingate_server.rpc.alert_codec import SEVERITIES, Told
from margingate_server.rpc.alert_tail import AlertTail
from margingate_server.rpc.fields import count_between, enum_value, identifier
from margingate_server.rpc.lane import Lane
from margingate_server.rpc.streams import Stream
from margingate_server.service.refusals import BeyondLog

KINDS_MAX = 32
HEARTBEAT_SECONDS = 5.0
KINDS = {number: int(number) for number in pb.AlertKind.values() if number}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which alerts a stream has. account: "" for all. kinds: none for all."""

    account: str
    severity_min: int
    kinds: frozenset[int]

    def has(self, told: Told) -> bool:
        """True when the alert is one of them."""
        message = told.message
        is_kind = not self.kinds or message.kind in self.kinds
        return is_kind and message.severity >= self.severity_min and told.is_about(self.account)


class AlertServicer:
    """Alerts of the log."""

    def __init__(self, lane: Lane, tail: AlertTail, clock: Clock) -> None:
        self._lane = lane
        self._tail = tail
        self._clock = clock

    def StreamAlerts(  # noqa: N802 - gRPC names
        self, request: pb.StreamAlertsRequest, stream: Stream
    ) -> Iterator[pb.StreamAlertsResponse]:
        """Every alert after the cursor that is asked for; how far the log was read when none is.

        LedgerDown as soon as the log cannot be read: alerts may wait, and none is missed by who
        comes again with the cursor.
        """
        selection = parse_selection(request)
        if selection.account:
            self._lane.look(lambda desk, _now_ns: desk.shard.account(selection.account))
        cursor = self._start(request)
        has_caught_up, told_at = False, self._clock.seconds()
        with self._tail.ringing(stream.ring):
            while not stream.is_closed:
                durable, is_due = self._lane.durable_seq, not has_caught_up
                is_due |= self._is_silent(told_at) or self._tail.is_failing
                if is_due and cursor >= self._tail.last:
                    self._tail.look()  # or "nothing waits" would only be what it knew before
                alerts, cursor = self._tail.after(cursor)
                for each in filter(selection.has, alerts):
                    yield pb.StreamAlertsResponse(cursor=each.seq, alert=each.message)
                    told_at = self._clock.seconds()
                is_caught_up = cursor >= durable
                if self._is_silent(told_at) or (is_caught_up and not has_caught_up):
                    yield pb.StreamAlertsResponse(cursor=cursor, caught_up=is_caught_up)
                    has_caught_up |= is_caught_up
                    told_at = self._clock.seconds()
                if has_caught_up and cursor >= self._tail.last:
                    stream.wait(HEARTBEAT_SECONDS)

    def _is_silent(self, told_at: float) -> bool:
        return self._clock.seconds() - told_at >= HEARTBEAT_SECONDS

    def _start(self, request: pb.StreamAlertsRequest) -> int:
        durable = self._lane.durable_seq
        if request.from_now:
            if request.cursor:
                raise InvalidInput("from_now", "leaves no room for a cursor")
            return durable
        if request.cursor < 0:
            raise InvalidInput("cursor", "must not be negative")
        if request.cursor > durable:
            raise BeyondLog(request.cursor, durable)
        return request.cursor


def parse_selection(request: pb.StreamAlertsRequest) -> Selection:
    """Which alerts a request asks for."""
    count_between(len(request.kinds), 0, KINDS_MAX, "kinds")
    return Selection(
        account=identifier(request.account, "account") if request.account else "",
        severity_min=enum_value(request.min_severity, SEVERITIES, "min_severity"),
        kinds=frozenset(
            enum_value(kind, KINDS, f"kinds[{number}]") for number, kind in enumerate(request.kinds)
        ),
    )
