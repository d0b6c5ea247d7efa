"""Events that somebody may have to act on, as alerts on the wire."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.monitoring.states import MarginState
from margingate_server.ledger import events as e
from margingate_server.ledger import regime_events as r
from margingate_server.ledger.event import Event
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.ledger.store import EventRecord
from margingate_server.rpc.decimals import nano_text, usd_text
from margingate_server.rpc.decision_codec import risk_message
from margingate_server.rpc.fields import timestamp

INFO, WARNING, CRITICAL = (
    pb.ALERT_SEVERITY_INFO,
    pb.ALERT_SEVERITY_WARNING,
    pb.ALERT_SEVERITY_CRITICAL,
)
SEVERITIES = {
    pb.ALERT_SEVERITY_UNSPECIFIED: INFO,
    INFO: INFO,
    WARNING: WARNING,
    CRITICAL: CRITICAL,
}
"""The least severity that a request asks for."""

STATES = {state: pb.MarginState.ValueType(int(state)) for state in MarginState}
SEVERITY_BY_STATE = {
    MarginState.HEALTHY: INFO,
    MarginState.WARNING: WARNING,
    MarginState.UNKNOWN: WARNING,
    MarginState.MARGIN_CALL: CRITICAL,
    MarginState.LIQUIDATION: CRITICAL,
}
TEXT_BY_STATE = {
    MarginState.HEALTHY: "healthy: equity covers the initial margin",
    MarginState.WARNING: "warning: equity covers the initial margin, but not by much",
    MarginState.UNKNOWN: "unknown: prices are missing or too old to say",
    MarginState.MARGIN_CALL: "margin call: equity is below the initial margin",
    MarginState.LIQUIDATION: "liquidation: equity is below the maintenance margin",
}
SCOPE_TEXT = {"all": "everything", "account": "account {}", "underlying": "underlying {}"}
MODE_TEXT = {"block_all": "no order passes", "reduce_only": "only what reduces risk passes"}


@dataclass(frozen=True, slots=True)
class Told:
    """An alert and the number of its event. What many streams send; nobody changes it."""

    seq: int
    message: pb.Alert

    def is_about(self, account: str) -> bool:
        """True when it concerns the account; "" stands for everybody's."""
        return not account or self.message.account in ("", account)


def alert_of(record: EventRecord) -> Told | None:
    """The alert of an event of ALERT_KINDS; None when it changed nothing."""
    event = e.decode_event(record.body)
    message = _MESSAGES[type(event)](event)
    if message is None:
        return None
    message.time.CopyFrom(timestamp(record.recorded_ns))
    message.market_version = record.market_version
    return Told(record.seq, message)


def unread(record: EventRecord, incident: str) -> Told:
    """The alert of an event of ALERT_KINDS that `alert_of` fails on.

    Critical and of its kind, of the account that the log has, or else of all: no selection that
    would have had the alert goes without. incident: where the log says why.
    """
    message = pb.Alert(
        kind=pb.AlertKind.Value(f"ALERT_KIND_{record.kind.upper()}"),
        severity=CRITICAL,
        account=record.account,
        text=f"event {record.seq} ({record.kind}) cannot be shown: incident {incident}",
        market_version=record.market_version,
    )
    message.time.CopyFrom(timestamp(record.recorded_ns))
    return Told(record.seq, message)


def _state_changed(event: MarginStateChanged) -> pb.Alert:
    before, state = MarginState.of_word(event.previous), MarginState.of_word(event.state)
    alert = pb.Alert(
        kind=pb.ALERT_KIND_MARGIN_STATE_CHANGED,
        severity=SEVERITY_BY_STATE[state],
        account=event.account,
        text=_state_text(state, event.instruments),
        from_state=STATES[before],
        to_state=STATES[state],
        positions_only=risk_message(event.figures),
        order_ids=event.orders,
        order_ids_cut=event.is_cut,
        instruments=event.instruments,
    )
    if event.figures is not None:
        equity = event.figures.equity
        missing = max(0, event.figures.initial - equity), max(0, event.figures.maintenance - equity)
        names = ("missing_to_initial_margin", "missing_to_maintenance_margin")
        alert.figures.extend(
            _figure(name, amount) for name, amount in zip(names, missing, strict=True) if amount
        )
    return alert


def _state_text(state: MarginState, instruments: tuple[str, ...]) -> str:
    """In words; instruments: positions that are in it by their own margin."""
    if not instruments:
        return TEXT_BY_STATE[state]
    how = "near" if state is MarginState.WARNING else "at or below"
    name, positions = state.word.replace("_", " "), ", ".join(instruments)
    return f"{name}: position {how} its own maintenance margin: {positions}"


def _lost(event: r.QualificationLost) -> pb.Alert:
    return pb.Alert(
        kind=pb.ALERT_KIND_QUALIFICATION_LOST,
        severity=WARNING,
        account=event.account,
        text="equity is too low for the regime: only risk-reducing orders pass, and grace begins",
        figures=[_figure("qualifying_equity", event.equity)],
    )


def _regained(event: r.QualificationRegained) -> pb.Alert:
    return pb.Alert(
        kind=pb.ALERT_KIND_QUALIFICATION_REGAINED,
        severity=INFO,
        account=event.account,
        text="equity is enough for the regime again: grace ends",
        figures=[_figure("qualifying_equity", event.equity)],
    )


def _fell_back(event: r.RegimeFellBack) -> pb.Alert:
    until = timestamp(event.liquidation_not_before_ns).ToJsonString()
    return pb.Alert(
        kind=pb.ALERT_KIND_REGIME_FELL_BACK,
        severity=CRITICAL if event.shortfall else WARNING,
        account=event.account,
        text=f"grace is over: margined by {event.model} now; no liquidation before {until}",
        figures=[_figure("shortfall", event.shortfall)],
    )


def _suspended(event: e.AccountSuspended) -> pb.Alert | None:
    if not event.changed:
        return None
    return pb.Alert(
        kind=pb.ALERT_KIND_ACCOUNT_SUSPENDED,
        severity=WARNING,
        account=event.account,
        text=_with_reason("suspended: its orders are refused", event.reason),
    )


def _resumed(event: e.AccountResumed) -> pb.Alert | None:
    if not event.changed:
        return None
    return pb.Alert(
        kind=pb.ALERT_KIND_ACCOUNT_RESUMED,
        severity=INFO,
        account=event.account,
        text="resumed: its orders are decided again",
    )


def _engaged(event: e.KillSwitchEngaged) -> pb.Alert:
    scope = SCOPE_TEXT[event.scope].format(event.subject)
    return pb.Alert(
        kind=pb.ALERT_KIND_KILL_SWITCH_ENGAGED,
        severity=CRITICAL,
        account=event.subject if event.scope == "account" else "",
        text=_with_reason(f"kill switch of {scope}: {MODE_TEXT[event.mode]}", event.reason),
    )


def _released(event: e.KillSwitchReleased) -> pb.Alert | None:
    if not event.changed:
        return None
    return pb.Alert(
        kind=pb.ALERT_KIND_KILL_SWITCH_RELEASED,
        severity=INFO,
        account=event.subject if event.scope == "account" else "",
        text=f"kill switch of {SCOPE_TEXT[event.scope].format(event.subject)} lifted",
    )


def _limits(event: e.LimitsSet) -> pb.Alert:
    limits = event.limits
    told = [
        f"{name} {nano_text(units)}"
        for name, units in (
            ("quantity", limits.quantity_nano_max),
            ("USD quantity", limits.quantity_usd_nano_max),
        )
        if units is not None
    ]
    if limits.notional_micro_max is not None:
        told.append(f"notional {usd_text(limits.notional_micro_max)} USD")
    if limits.collar_ppm is not None:
        told.append(f"price collar {limits.collar_ppm / 10_000:g} %")
    whose = "" if event.subject else " of all accounts"
    return pb.Alert(
        kind=pb.ALERT_KIND_LIMITS_SET,
        severity=INFO,
        account=event.subject,
        text=f"limits{whose}: {', '.join(told) or 'none'}",
    )


def _loaded(event: e.ParametersLoaded) -> pb.Alert:
    models = [(event.model, event.digest), *((each.model, each.digest) for each in event.others)]
    told = ", ".join(f"{model} {digest[:12]}" for model, digest in models)
    return pb.Alert(
        kind=pb.ALERT_KIND_PARAMETERS_LOADED,
        severity=INFO,
        text=f"parameters, fees and policy in force: {told}",
    )


def _figure(name: str, micro: int) -> pb.AlertFigure:
    return pb.AlertFigure(name=name, amount=usd_text(micro))


def _with_reason(text: str, reason: str) -> str:
    return f"{text} ({reason})" if reason else text


_MESSAGES: dict[type[Event], Callable[[Any], pb.Alert | None]] = {
    MarginStateChanged: _state_changed,
    r.QualificationLost: _lost,
    r.QualificationRegained: _regained,
    r.RegimeFellBack: _fell_back,
    e.AccountSuspended: _suspended,
    e.AccountResumed: _resumed,
    e.KillSwitchEngaged: _engaged,
    e.KillSwitchReleased: _released,
    e.LimitsSet: _limits,
    e.ParametersLoaded: _loaded,
}

ALERT_KINDS = frozenset(e.tag_of(each) for each in _MESSAGES)
"""Kinds of events that are alerts, as the log has them."""
