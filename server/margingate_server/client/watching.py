"""Streams: an account's margin as it moves, and alerts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import SystemRandom
from time import sleep
from typing import Any, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration

from margingate.v1 import account_service_pb2 as wire
from margingate.v1.account_service_pb2_grpc import AccountServiceStub
from margingate_server.client.caller import routing
from margingate_server.client.errors import MargingateCallError, call_error
from margingate_server.client.retry import RetryPolicy
from margingate_server.client.silence import heard

RESUMED = frozenset({"RESOURCE_EXHAUSTED", "CANCELLED"})
"""Codes after which a stream is opened anew, as after none: the server ended it for us."""

SILENCE_SECONDS = 15.0
"""Three signs of life that the server owes us."""

_Message = TypeVar("_Message")


class Severity(StrEnum):
    """How much an alert matters at least."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


_SEVERITIES = {
    Severity.INFO: wire.ALERT_SEVERITY_INFO,
    Severity.WARNING: wire.ALERT_SEVERITY_WARNING,
    Severity.CRITICAL: wire.ALERT_SEVERITY_CRITICAL,
}


class AlertKind(StrEnum):
    """What alerts are about, as the contract has it."""

    MARGIN_STATE_CHANGED = "margin_state_changed"
    QUALIFICATION_LOST = "qualification_lost"
    QUALIFICATION_REGAINED = "qualification_regained"
    REGIME_FELL_BACK = "regime_fell_back"
    KILL_SWITCH_ENGAGED = "kill_switch_engaged"
    KILL_SWITCH_RELEASED = "kill_switch_released"
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_RESUMED = "account_resumed"
    LIMITS_SET = "limits_set"
    PARAMETERS_LOADED = "parameters_loaded"


def unheard(_error: MargingateCallError) -> None:
    """Takes no notice of a stream that is opened anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Streams that open themselves anew. See MarginGate for what is raised.

    Until its first message a stream is tried as often as any call, from then on for ever. One on
    which nothing came for `silence_seconds` has ended. Leaving the loop ends the stream.
    """

    channel: grpc.Channel
    retry: RetryPolicy
    sleep: Callable[[float], None] = sleep
    jitter: Callable[[], float] = SystemRandom().random
    silence_seconds: float = SILENCE_SECONDS

    def account(
        self,
        account: str,
        *,
        interval_seconds: float = 1.0,
        resuming: Callable[[MargingateCallError], None] = unheard,
    ) -> Iterator[wire.WatchAccountResponse]:
        """The account's margin now, whenever it moved, and every 5 s when it did not.

        interval_seconds: between two messages at least. resuming: told what ended the stream before
        it is opened anew.
        """
        request = wire.WatchAccountRequest(
            account=account, min_interval=_duration(interval_seconds)
        )
        rpc = AccountServiceStub(self.channel).WatchAccount
        return self._messages(
            lambda: rpc(request, metadata=routing(request)),
            resuming,
            self.silence_seconds + interval_seconds,
        )

    def alerts(
        self,
        cursor: int | None = None,
        *,
        account: str = "",
        min_severity: Severity = Severity.INFO,
        kinds: Sequence[AlertKind] = (),
        resuming: Callable[[MargingateCallError], None] = unheard,
    ) -> Iterator[wire.StreamAlertsResponse]:
        """Every alert after the cursor, each once; None for those from now on, 0 for all.

        Messages without an alert say how far the ledger was looked through: keep `cursor` of the
        last message of either kind to go on from there another day. account: those that concern it.
        """
        rpc = AccountServiceStub(self.channel).StreamAlerts
        after = cursor

        def opened() -> Iterator[wire.StreamAlertsResponse]:
            request = wire.StreamAlertsRequest(
                account=account,
                cursor=after or 0,
                from_now=after is None,
                min_severity=_SEVERITIES[min_severity],
                kinds=[_kind(each) for each in kinds],
            )
            answers: Iterator[wire.StreamAlertsResponse] = rpc(request, metadata=routing(request))
            return answers

        for each in self._messages(opened, resuming, self.silence_seconds):
            if not each.HasField("alert") or after is None or each.cursor > after:
                after = max(after or 0, each.cursor)
                yield each

    def _messages(
        self,
        opened: Callable[[], Iterator[_Message]],
        resuming: Callable[[MargingateCallError], None],
        silence_seconds: float,
    ) -> Iterator[_Message]:
        has_begun, failures = False, 0
        while True:
            try:
                call: Any = opened()
            except ValueError:  # so grpc says it
                raise MargingateCallError("CANCELLED", "the connection is closed") from None
            try:
                for message in heard(call, silence_seconds):
                    has_begun, failures = True, 0
                    yield message
                error = MargingateCallError("UNAVAILABLE", "the stream ended")
            except grpc.RpcError as failure:
                error = call_error(failure, "")
            except MargingateCallError as silence:
                error = silence
            finally:
                call.cancel()
            failures += 1
            is_hopeless = not has_begun and failures >= self.retry.tries_max
            if is_hopeless or not _is_resumed(error):
                raise error
            resuming(error)
            self.sleep(self.retry.pause_seconds(failures, self.jitter()))


def _is_resumed(error: MargingateCallError) -> bool:
    return error.is_unanswered or error.code in RESUMED


def _kind(kind: AlertKind) -> wire.AlertKind.ValueType:
    return wire.AlertKind.Value(f"ALERT_KIND_{kind.upper()}")


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(seconds * 1_000))
    return duration
