"""Events are what a ledger keeps for years: each comes back from its bytes as it went in."""

from typing import get_args

import msgspec
import pytest

from margingate_server.ledger import events as e
from margingate_server.ledger import monitoring_events as m
from margingate_server.ledger import numbers as n
from margingate_server.ledger import regime_events as r
from margingate_server.ledger import wallet_events as w
from margingate_server.ledger.collateral import AssetNumbers
from tests.unit.engine.small_market import INSTRUMENTS

DECISION = n.DecisionNumbers(
    reason=22,
    detail="initial margin would exceed equity",
    before=n.RiskNumbers(-5, 7, 3),
    after=n.RiskNumbers(-5, 10**30, 3),
    is_exact=False,
    worst_before=(n.WorstNumbers("BTC", 0, "no scenario loses"),),
    worst_after=(n.WorstNumbers("BTC", -1, "short option minimum"),),
    binding="scan_risk",
    is_risk_reducing=True,
    market_version=4,
    market_time_ns=5,
    account_version=6,
    model="span",
    parameters_digest="ab",
    decision_ns=7,
    order_id="o-1",
)
ORDER = n.OrderNumbers(
    order_id="o",
    legs=(n.LegNumbers("NEAR", -1, 2, 10**27, is_market=True, ratio=1),),
    execution="atomic_combo",
    is_reduce_only=True,
    hold_ns=10**9,
)
ONE_OF_EACH: tuple[e.AnyEvent, ...] = (
    e.AccountOpened(account="a", request_id="r", request_digest="d", fee_tier="default"),
    e.CollateralAdjusted(account="a", asset="BTC", units=-5, balance=10**18),
    e.PositionsSet(
        account="a",
        positions=(n.PositionNumbers("NEAR", -3, 12),),
        breaks=(n.BreakNumbers("NEAR", 1, -3),),
    ),
    e.OrderAccepted(
        account="a",
        order=ORDER,
        decision=DECISION,
    ),
    e.OrderRejected(account="a", request_id="r", order=ORDER, decision=DECISION),
    e.AmendAccepted(account="a", request_id="r", order=ORDER, totals=(5,), decision=DECISION),
    e.AmendRejected(account="a", request_id="r", order=ORDER, totals=(5,), decision=DECISION),
    e.AmendConfirmed(account="a", request_id="r", order_id="o"),
    e.AmendWithdrawn(account="a", request_id="r", order_id="o"),
    e.OrdersReleased(account="a", order_ids=("o", "p")),
    e.OrdersExpired(account="a", order_ids=("o", "p")),
    e.FillReported(
        account="a",
        request_id="f",
        order_id="o",
        instrument="NEAR",
        side=-1,
        lots=2,
        price_nano=3,
        flow=-4,
        fee=5,
        coins=0,
        flag="late",
    ),
    w.MarginMoved(account="a", instrument="NEAR", units=-5, wallet=6, market_digest="d"),
    r.RegimeSet(account="a", model="cross", reason="why", market_digest="d"),
    r.RegimeFellBack(
        account="a",
        model="cross",
        shortfall=5,
        liquidation_not_before_ns=6,
        market_digest="d",
    ),
    r.QualificationLost(account="a", equity=-(10**20), market_digest="d"),
    r.QualificationRegained(account="a", equity=10**20, market_digest="d"),
    r.ExperienceSet(account="a", request_id="r", experience_tier=2),
    m.MarginStateChanged(
        account="a",
        previous="warning",
        state="liquidation",
        figures=n.RiskNumbers(-(10**20), 3, 2),
        market_digest="d",
        orders=("o", "p"),
        is_cut=True,
    ),
    e.AccountSuspended(account="a", reason="größer ☃"),
    e.AccountResumed(account="a"),
    e.KillSwitchEngaged(scope="underlying", subject="BTC", mode="block_all", reason="why"),
    e.KillSwitchReleased(scope="all", subject=""),
    e.LimitsSet(subject="a", limits=n.LimitNumbers(collar_ppm=5, notional_micro_max=0)),
    e.InstrumentsListed(instruments=INSTRUMENTS),
    e.SettlementPriced(prices=(n.SettlementNumbers("NEAR", 10**14),)),
    e.PositionsSettled(
        account="a", positions=(n.SettledNumbers("NEAR", -3, 12),), instruments=("NEAR",)
    ),
    e.ParametersLoaded(
        model="span",
        digest="d",
        parameters=(("BTC", "x", "1"),),
        fees=(n.FeeNumbers("default", "option", 0, 1, None),),
        policy=n.PolicyNumbers(
            borrow_limits=(("USD", 5),),
            qualifications=(
                n.QualificationNumbers(
                    model="span",
                    equity_to_enter=10**11,
                    equity_to_remain=10**10,
                    experience_tier_min=1,
                    kinds=("option",),
                    underlyings=("BTC",),
                    grace_ns=5,
                    fallback="cross",
                    liquidation_grace_ns=6,
                ),
            ),
            liquidation_orders="none",
            monitoring=n.MonitoringNumbers(ratio_ppm=1, leaving_ns=2),
        ),
        collateral=(AssetNumbers("BTC", 1, 2, 10**20, (3, 4)), AssetNumbers("SOL", 1, 2)),
    ),
)


def test_every_kind_of_event_has_an_example_here() -> None:
    assert {type(each) for each in ONE_OF_EACH} == set(get_args(e.AnyEvent))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=e.kind_of)
def test_an_event_comes_back_from_its_bytes_as_it_went_in(event: e.AnyEvent) -> None:
    assert e.decode_event(e.encode_event(event)) == event


def test_every_kind_has_a_tag_of_its_own_in_lower_snake_case() -> None:
    tags = [e.kind_of(event) for event in ONE_OF_EACH]
    assert len(set(tags)) == len(tags)
    assert all(tag.replace("_", "").islower() for tag in tags)


def test_the_tag_stands_in_the_body_under_kind() -> None:
    body = msgspec.json.decode(e.encode_event(ONE_OF_EACH[1]))
    assert body["kind"] == "collateral_adjusted"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"kind":"no_such_event"}',
        b'{"kind":"account_opened"}',
        b'{"kind":"orders_released","order_ids":[1]}',
        b'{"kind":"limits_set","subject":"","limits":{"collar_ppm":1.5}}',
    ],
)
def test_bytes_that_are_no_event_are_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        e.decode_event(body)


def test_events_written_today_are_read_by_every_later_version() -> None:
    body = (
        b'{"kind":"fill_reported","account":"a","request_id":"f","request_digest":"d",'
        b'"order_id":"o","instrument":"NEAR","side":1,"lots":2,"price_nano":3,"flow":-4,'
        b'"fee":5,"coins":0,"flag":""}'
    )
    event = e.decode_event(body)
    assert isinstance(event, e.FillReported)
    assert (event.lots, event.flow, event.fee) == (2, -4, 5)
