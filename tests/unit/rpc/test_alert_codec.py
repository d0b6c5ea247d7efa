"""Which events are alerts, how much they matter, and what they say."""

import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.monitoring.states import MarginState
from margingate_server.ledger import events as e
from margingate_server.ledger import regime_events as r
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.ledger.numbers import LimitNumbers, ModelNumbers, RiskNumbers
from margingate_server.ledger.store import EventRecord
from margingate_server.rpc.alert_codec import ALERT_KINDS, STATES, Told, alert_of, unread

RECORDED_NS = 1_700_000_000_123_456_789
NOT_BEFORE_NS = 1_700_003_600 * 10**9
INFO, WARNING, CRITICAL = (
    pb.ALERT_SEVERITY_INFO,
    pb.ALERT_SEVERITY_WARNING,
    pb.ALERT_SEVERITY_CRITICAL,
)


def record(event: e.AnyEvent, seq: int = 7) -> EventRecord:
    return EventRecord(
        seq=seq,
        account=event.account,
        version=3,
        request_id="",
        kind=e.kind_of(event),
        body=e.encode_event(event),
        model="span",
        parameters_digest="",
        market_version=42,
        recorded_ns=RECORDED_NS,
        hash=b"",
    )


def alert(event: e.AnyEvent) -> pb.Alert:
    told = alert_of(record(event))
    assert told is not None
    assert told.seq == 7
    assert told.message.time.ToNanoseconds() == RECORDED_NS
    assert told.message.market_version == 42
    return told.message


def changed(state: MarginState, figures: RiskNumbers | None = None) -> MarginStateChanged:
    return MarginStateChanged(
        account="a", previous="healthy", state=state.word, figures=figures, orders=("o", "p")
    )


def named(state: MarginState, *instruments: str) -> MarginStateChanged:
    return MarginStateChanged(
        account="a", previous="healthy", state=state.word, instruments=instruments
    )


EXAMPLES: dict[e.AnyEvent, tuple[int, int, str, str]] = {
    changed(MarginState.MARGIN_CALL): (
        *(pb.ALERT_KIND_MARGIN_STATE_CHANGED, CRITICAL, "a"),
        "margin call: equity is below the initial margin",
    ),
    named(MarginState.WARNING, "NEAR"): (
        *(pb.ALERT_KIND_MARGIN_STATE_CHANGED, WARNING, "a"),
        "warning: position near its own maintenance margin: NEAR",
    ),
    named(MarginState.MARGIN_CALL, "NEAR"): (
        *(pb.ALERT_KIND_MARGIN_STATE_CHANGED, CRITICAL, "a"),
        "margin call: position at or below its own maintenance margin: NEAR",
    ),
    named(MarginState.LIQUIDATION, "CALL", "NEAR"): (
        *(pb.ALERT_KIND_MARGIN_STATE_CHANGED, CRITICAL, "a"),
        "liquidation: position at or below its own maintenance margin: CALL, NEAR",
    ),
    r.QualificationLost(account="a", equity=99, market_digest="d"): (
        *(pb.ALERT_KIND_QUALIFICATION_LOST, WARNING, "a"),
        "equity is too low for the regime: only risk-reducing orders pass, and grace begins",
    ),
    r.QualificationRegained(account="a", equity=99, market_digest="d"): (
        *(pb.ALERT_KIND_QUALIFICATION_REGAINED, INFO, "a"),
        "equity is enough for the regime again: grace ends",
    ),
    r.RegimeFellBack(
        account="a",
        model="strategy",
        shortfall=1,
        liquidation_not_before_ns=NOT_BEFORE_NS,
        market_digest="d",
    ): (
        *(pb.ALERT_KIND_REGIME_FELL_BACK, CRITICAL, "a"),
        "grace is over: margined by strategy now; no liquidation before 2023-11-14T23:13:20Z",
    ),
    e.KillSwitchEngaged(scope="underlying", subject="BTC", mode="reduce_only", reason="why"): (
        *(pb.ALERT_KIND_KILL_SWITCH_ENGAGED, CRITICAL, ""),
        "kill switch of underlying BTC: only what reduces risk passes (why)",
    ),
    e.KillSwitchEngaged(scope="all", subject="", mode="block_all", reason=""): (
        *(pb.ALERT_KIND_KILL_SWITCH_ENGAGED, CRITICAL, ""),
        "kill switch of everything: no order passes",
    ),
    e.KillSwitchReleased(scope="account", subject="a"): (
        *(pb.ALERT_KIND_KILL_SWITCH_RELEASED, INFO, "a"),
        "kill switch of account a lifted",
    ),
    e.AccountSuspended(account="a", reason="late"): (
        *(pb.ALERT_KIND_ACCOUNT_SUSPENDED, WARNING, "a"),
        "suspended: its orders are refused (late)",
    ),
    e.AccountResumed(account="a"): (
        *(pb.ALERT_KIND_ACCOUNT_RESUMED, INFO, "a"),
        "resumed: its orders are decided again",
    ),
    e.LimitsSet(
        subject="a",
        limits=LimitNumbers(
            quantity_nano_max=25 * 10**8,
            quantity_usd_nano_max=10**12,
            notional_micro_max=5_000_000,
            collar_ppm=125_000,
        ),
    ): (
        *(pb.ALERT_KIND_LIMITS_SET, INFO, "a"),
        "limits: quantity 2.5, USD quantity 1000, notional 5 USD, price collar 12.5 %",
    ),
    e.LimitsSet(subject="", limits=LimitNumbers()): (
        *(pb.ALERT_KIND_LIMITS_SET, INFO, ""),
        "limits of all accounts: none",
    ),
    e.ParametersLoaded(
        model="span",
        digest="0123456789abcdef",
        parameters=(),
        fees=(),
        others=(ModelNumbers("tims", "fedcba9876543210", ()),),
    ): (
        *(pb.ALERT_KIND_PARAMETERS_LOADED, INFO, ""),
        "parameters, fees and policy in force: span 0123456789ab, tims fedcba987654",
    ),
}


@pytest.mark.parametrize("event", EXAMPLES, ids=e.kind_of)
def test_an_alert_says_what_happened_to_whom_and_how_much_it_matters(event: e.AnyEvent) -> None:
    kind, severity, account, text = EXAMPLES[event]
    told = alert(event)
    assert (told.kind, told.severity, told.account, told.text) == (kind, severity, account, text)


def test_every_kind_of_the_contract_is_made_of_an_event() -> None:
    assert {kind for kind, *_ in EXAMPLES.values()} == {*pb.AlertKind.values()} - {0}
    assert {e.kind_of(event) for event in EXAMPLES} == ALERT_KINDS


def test_every_margin_state_is_on_the_wire_under_its_own_name() -> None:
    names = {STATES[state]: f"MARGIN_STATE_{state.name}" for state in MarginState}
    assert names == {number: name for name, number in pb.MarginState.items() if number}


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        (MarginState.HEALTHY, INFO),
        (MarginState.WARNING, WARNING),
        (MarginState.UNKNOWN, WARNING),
        (MarginState.MARGIN_CALL, CRITICAL),
        (MarginState.LIQUIDATION, CRITICAL),
    ],
)
def test_a_worse_state_matters_more(state: MarginState, severity: int) -> None:
    told = alert(changed(state))
    assert (told.severity, told.from_state, told.to_state) == (
        severity,
        pb.MARGIN_STATE_HEALTHY,
        STATES[state],
    )
    assert list(told.order_ids) == ["o", "p"]
    assert not told.HasField("positions_only")


def test_a_margin_call_says_by_what_margin_and_how_much_is_missing() -> None:
    told = alert(changed(MarginState.LIQUIDATION, RiskNumbers(-1_500_000, 10_000_000, 8_000_000)))
    assert (told.positions_only.equity, told.positions_only.headroom) == ("-1.5", "-11.5")
    assert [(each.name, each.amount) for each in told.figures] == [
        ("missing_to_initial_margin", "11.5"),
        ("missing_to_maintenance_margin", "9.5"),
    ]
    healthy = alert(changed(MarginState.HEALTHY, RiskNumbers(10, 10, 8)))
    assert not healthy.figures


def test_orders_that_may_not_be_all_are_told_as_such() -> None:
    event = MarginStateChanged(account="a", previous="warning", state="margin_call", is_cut=True)
    assert alert(event).order_ids_cut
    assert not alert(changed(MarginState.MARGIN_CALL)).order_ids_cut


def test_a_fall_back_without_a_shortfall_is_a_warning() -> None:
    event = r.RegimeFellBack(
        account="a", model="m", shortfall=0, liquidation_not_before_ns=1, market_digest=""
    )
    told = alert(event)
    assert told.severity == WARNING
    assert [(each.name, each.amount) for each in told.figures] == [("shortfall", "0")]


@pytest.mark.parametrize(
    "event",
    [
        e.AccountSuspended(account="a", reason="", changed=False),
        e.AccountResumed(account="a", changed=False),
        e.KillSwitchReleased(scope="all", subject="", changed=False),
    ],
    ids=e.kind_of,
)
def test_what_changed_nothing_is_no_alert(event: e.AnyEvent) -> None:
    assert alert_of(record(event)) is None


def test_an_alert_of_all_concerns_every_account() -> None:
    of_one, of_all = Told(1, pb.Alert(account="a")), Told(2, pb.Alert())
    assert [each.is_about("a") for each in (of_one, of_all)] == [True, True]
    assert [each.is_about("b") for each in (of_one, of_all)] == [False, True]
    assert [each.is_about("") for each in (of_one, of_all)] == [True, True]


@pytest.mark.parametrize("event", EXAMPLES)
def test_what_stands_for_an_alert_that_fails_is_left_out_by_no_selection(
    event: e.AnyEvent,
) -> None:
    lost, shown = unread(record(event), "0123456789ab"), alert(event)
    assert (lost.seq, lost.message.kind, lost.message.time) == (7, shown.kind, shown.time)
    assert lost.message.severity == CRITICAL
    assert lost.message.account in ("", shown.account)
    assert "event 7" in lost.message.text
    assert "0123456789ab" in lost.message.text
