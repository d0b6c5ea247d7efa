"""WatchAccount: the margin of an account as it moves."""

from collections.abc import Iterator
from operator import itemgetter

from google.protobuf.duration_pb2 import Duration

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.amounts import NANO
from margingate_engine.core.errors import InvalidInput
from margingate_server.clock import Clock
from margingate_server.rpc.alert_codec import STATES
from margingate_server.rpc.decision_codec import (
    basis_message,
    exactness,
    risk_message,
    worst_messages,
)
from margingate_server.rpc.fields import identifier
from margingate_server.rpc.lane import Lane
from margingate_server.rpc.streams import Stream
from margingate_server.rpc.watching import HEARTBEAT_SECONDS, Sight, Watching
from margingate_server.service.freshness import FOREVER_NS, AgeLimits, Oldest, age_ns
from margingate_server.service.sighting import state_now

INTERVAL_SECONDS = 1.0
INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX = 0.1, 60.0


class WatchServicer:
    """Accounts that are watched."""

    def __init__(self, lane: Lane, watching: Watching, clock: Clock, age_limits: AgeLimits) -> None:
        self._lane = lane
        self._watching = watching
        self._clock = clock
        self._age_limits = age_limits

    def WatchAccount(  # noqa: N802 - gRPC names
        self, request: pb.WatchAccountRequest, stream: Stream
    ) -> Iterator[pb.WatchAccountResponse]:
        """The margin now, whenever it moved, and every few seconds when it did not."""
        account = identifier(request.account, "account")
        seconds = interval_seconds(request)
        self._lane.read(lambda desk, _now_ns: desk.shard.account(account))
        with self._watching.watching(account, seconds, stream.ring) as watcher:
            while not stream.is_closed:
                sight = watcher.take()
                if sight is not None:
                    yield sight_message(sight, self._clock.now_ns(), self._age_limits)
                stream.wait(HEARTBEAT_SECONDS)


def interval_seconds(request: pb.WatchAccountRequest) -> float:
    """How far apart messages are at least; InvalidInput beyond the limits."""
    if not request.HasField("min_interval"):
        return INTERVAL_SECONDS
    interval = request.min_interval
    seconds = interval.seconds + interval.nanos / NANO
    if not INTERVAL_SECONDS_MIN <= seconds <= INTERVAL_SECONDS_MAX:
        problem = f"must lie in [{INTERVAL_SECONDS_MIN:g} s, {INTERVAL_SECONDS_MAX:g} s]"
        raise InvalidInput("min_interval", problem)
    return seconds


def sight_message(sight: Sight, now_ns: int, age_limits: AgeLimits) -> pb.WatchAccountResponse:
    """What is seen of an account, on the wire."""
    seen, figures = sight.seen, sight.figures
    message = pb.WatchAccountResponse(
        account=seen.account.account,
        risk=risk_message(figures.risk),
        positions_only=risk_message(figures.positions),
        state=STATES[state_now(seen, figures, now_ns, age_limits)],
        published_state=STATES[seen.published],
        margin_ratio=figures.ratio,
        worst=worst_messages(figures.worst),
        basis=basis_message(seen.view, seen.standpoint.version, now_ns),
        stale=seen.is_stale(now_ns, age_limits),
        missing=figures.missing,
        heartbeat=sight.is_repeated,
    )
    if figures.risk is not None:
        message.exactness = exactness(is_exact=figures.is_exact)
    age, message.oldest_price = oldest_price(seen.oldest, now_ns)
    if age < FOREVER_NS:
        message.price_age.CopyFrom(Duration(seconds=age // NANO, nanos=age % NANO))
    return message


def oldest_price(oldest: Oldest, now_ns: int) -> tuple[int, str]:
    """(age in nanoseconds, whose price it is) of the oldest; (FOREVER_NS, "") of nothing."""
    ages = [
        (age_ns(observed_ns, now_ns), subject)
        for observed_ns, subject in (
            (oldest.underlying_ns, oldest.underlying),
            (oldest.instrument_ns, oldest.instrument),
        )
        if subject
    ]
    return max(ages, key=itemgetter(0), default=(FOREVER_NS, ""))
