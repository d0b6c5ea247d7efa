"""What every event does to the state of a shard."""

from dataclasses import replace
from random import Random

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Side
from margingate_engine.monitoring.states import MarginState
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_server.ledger import events as e
from margingate_server.ledger import monitoring_events as m
from margingate_server.ledger import numbers as n
from margingate_server.ledger.fold import REQUEST_SPACE, add_cash, apply
from margingate_server.ledger.fold_orders import shrunk
from margingate_server.ledger.requests import FILL_SPACE, Remembered
from margingate_server.ledger.state import ShardState
from margingate_server.service.terms import fee_numbers
from tests.unit.engine.small_market import INSTRUMENTS, NANO, NO_FEES

FEES = fee_numbers({"default": NO_FEES})
NAMES = [each.name for each in INSTRUMENTS]
DECISION = n.DecisionNumbers(reason=0)


class Log:
    """A state and the events put into it, numbered from 1 and a nanosecond apart."""

    def __init__(self, *events: e.AnyEvent) -> None:
        self.state = ShardState()
        self.put(e.ParametersLoaded(model="span", digest="", parameters=(), fees=FEES))
        self.put(e.InstrumentsListed(instruments=INSTRUMENTS))
        self.put(e.AccountOpened(account="a", request_id="open", fee_tier="default"))
        self.put(*events)

    def put(self, *events: e.AnyEvent) -> None:
        for event in events:
            seq = self.state.last_seq + 1
            apply(self.state, event, seq, 1_000 + seq)

    @property
    def portfolio(self) -> Portfolio:
        return self.state.accounts["a"].portfolio


def row(name: str) -> int:
    return NAMES.index(name)


def accepted(order_id: str, *legs: tuple[str, int, int], combo: bool = False) -> e.OrderAccepted:
    """An accepted order of (instrument, side, lots)."""
    return e.OrderAccepted(
        account="a",
        request_id=f"r-{order_id}",
        order=n.OrderNumbers(
            order_id=order_id,
            legs=tuple(
                n.LegNumbers(name, side, lots, 10**9, ratio=lots if combo else 0)
                for name, side, lots in legs
            ),
            execution="atomic_combo" if combo else "single",
        ),
        decision=DECISION,
    )


def filled(
    name: str, lots: int, price: int, *, order_id: str = "o", fee: int = 0, fill_id: str = ""
) -> e.FillReported:
    """A fill of signed `lots` at a price in the quote currency."""
    instrument = INSTRUMENTS[row(name)]
    return e.FillReported(
        account="a",
        request_id=fill_id,
        order_id=order_id,
        instrument=name,
        side=1 if lots > 0 else -1,
        lots=abs(lots),
        price_nano=price * NANO,
        flow=fill_flow(instrument, lots, price * NANO),
        fee=fee,
        coins=spot_coins(instrument, lots),
        flag="",
    )


def test_an_opened_account_takes_its_rates_and_time_from_the_event() -> None:
    log = Log()
    account = log.state.accounts["a"]
    assert (account.fee_tier, account.opened_ns, account.version) == ("default", 1_003, 1)
    assert account.portfolio.fees == NO_FEES
    with pytest.raises(KeyError):
        log.put(e.AccountOpened(account="b", fee_tier="none"))


def test_collateral_adds_up_and_zero_is_forgotten() -> None:
    log = Log(e.CollateralAdjusted(account="a", asset="USD", units=7, balance=7))
    log.put(e.CollateralAdjusted(account="a", asset="USD", units=-4, balance=3))
    assert log.portfolio.cash == {"USD": 3}
    log.put(e.CollateralAdjusted(account="a", asset="USD", units=-3, balance=0))
    assert log.portfolio.cash == {}


def test_a_statement_replaces_every_position() -> None:
    log = Log(filled("NEAR", 5, 100), filled("CALL", 1, 1))
    log.put(e.PositionsSet(account="a", positions=(n.PositionNumbers("FAR", -2, 11),), breaks=()))
    assert log.portfolio.positions == {row("FAR"): Position(-2, 11)}


def test_an_accepted_order_is_open_with_its_legs_and_memo() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5), ("CALL", -1, 2), combo=True))
    assert log.portfolio.legs == {
        "o": (
            OpenLeg(row=row("NEAR"), side=Side.BUY, lots=5, price_nano=NANO, ratio=5),
            OpenLeg(row=row("CALL"), side=Side.SELL, lots=2, price_nano=NANO, number=1, ratio=2),
        )
    }
    memo = log.state.accounts["a"].orders["o"]
    assert (memo.request_id, memo.accepted_ns, memo.execution) == ("r-o", 1_004, "atomic_combo")
    assert memo.totals == (5, 2)
    assert memo.sides == (("NEAR", 1), ("CALL", -1))
    assert log.state.open_order_count == 1


def test_a_rejection_changes_nothing_but_the_memory_of_its_request() -> None:
    log = Log()
    before = replace(log.portfolio)
    order = n.OrderNumbers(order_id="o", legs=())
    log.put(
        e.OrderRejected(
            account="a", request_id="r", request_digest="d", order=order, decision=DECISION
        )
    )
    assert log.portfolio == before
    assert log.state.requests.find(REQUEST_SPACE, "a", "r") == Remembered("d", 4, 1_004)
    assert log.state.accounts["a"].version == 2


def test_a_released_order_is_closed_and_only_it() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)), accepted("p", ("NEAR", 1, 5)))
    log.put(accepted("q", ("NEAR", 1, 5)), e.OrdersReleased(account="a", order_ids=("o", "q")))
    account = log.state.accounts["a"]
    assert list(account.portfolio.legs) == list(account.orders) == ["p"]
    assert list(account.closed_orders) == ["o", "q"]
    assert log.state.open_order_count == 1


def test_partial_fills_shrink_a_leg_until_the_order_is_closed() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5), ("CALL", -1, 2)))
    log.put(filled("NEAR", 2, 100))
    assert [leg.lots for leg in log.portfolio.legs["o"]] == [3, 2]
    log.put(filled("NEAR", 3, 100))
    assert [(leg.row, leg.lots) for leg in log.portfolio.legs["o"]] == [(row("CALL"), 2)]
    log.put(filled("CALL", -2, 1))
    assert log.portfolio.legs == {}
    assert list(log.state.accounts["a"].closed_orders) == ["o"]
    assert log.state.open_order_count == 0


def test_a_fill_on_the_other_side_or_instrument_leaves_the_legs_alone() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)))
    log.put(filled("NEAR", -2, 100), filled("FAR", 2, 100))
    assert [leg.lots for leg in log.portfolio.legs["o"]] == [5]
    assert log.portfolio.positions[row("NEAR")].lots == -2


def test_an_over_fill_is_applied_whole_and_closes_the_order() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)), filled("NEAR", 9, 100))
    assert log.portfolio.positions[row("NEAR")].lots == 9
    assert log.portfolio.legs == {}


def test_a_fill_of_no_known_order_moves_the_position_all_the_same() -> None:
    log = Log(filled("CALL", -3, 200, order_id="unheard"))
    assert log.portfolio.positions == {row("CALL"): Position(-3)}
    assert log.portfolio.cash == {"USD": 60_000_000}


def legs_at(side: Side, *prices_nano: int) -> tuple[OpenLeg, ...]:
    """Legs of three lots each in one instrument."""
    return tuple(OpenLeg(row=1, side=side, lots=3, price_nano=each) for each in prices_nano)


def lots_by_limit(legs: tuple[OpenLeg, ...]) -> list[tuple[int, int]]:
    return [(leg.price_nano, leg.lots) for leg in legs]


@pytest.mark.parametrize(
    ("side", "price_nano", "lots", "left"),
    [
        # The smaller hold of those that allow the price goes first, whatever their order.
        (Side.BUY, 10, 2, [(30, 3), (10, 1), (20, 3)]),
        (Side.BUY, 11, 2, [(30, 3), (10, 3), (20, 1)]),
        (Side.BUY, 25, 2, [(30, 1), (10, 3), (20, 3)]),
        (Side.SELL, 30, 2, [(30, 1), (10, 3), (20, 3)]),
        (Side.SELL, 25, 2, [(30, 3), (10, 3), (20, 1)]),
        (Side.SELL, 15, 2, [(30, 3), (10, 1), (20, 3)]),
        # What they cannot take goes on, to the next that allows the price and then to any.
        (Side.BUY, 15, 4, [(30, 2), (10, 3)]),
        (Side.BUY, 25, 4, [(10, 2), (20, 3)]),
        (Side.SELL, 15, 4, [(30, 2), (20, 3)]),
        # A price that no limit allows is taken from the smallest hold.
        (Side.BUY, 31, 1, [(30, 3), (10, 2), (20, 3)]),
        (Side.SELL, 9, 1, [(30, 2), (10, 3), (20, 3)]),
        # An over-fill leaves nothing.
        (Side.BUY, 30, 10, []),
        (Side.SELL, 30, 10, []),
    ],
)
def test_a_fill_comes_from_the_smallest_hold_that_allows_its_price(
    side: Side, price_nano: int, lots: int, left: list[tuple[int, int]]
) -> None:
    legs = legs_at(side, 30, 10, 20)
    assert lots_by_limit(shrunk(legs, 1, side, lots, price_nano)) == left


def test_equal_legs_of_one_order_are_filled_from_the_first_on() -> None:
    assert [leg.lots for leg in shrunk(legs_at(Side.BUY, 10, 10), 1, Side.BUY, 2, 10)] == [1, 3]


def test_what_is_left_of_a_leg_keeps_its_price_and_ratio() -> None:
    leg = OpenLeg(row=1, side=Side.SELL, lots=3, price_nano=10, number=1, ratio=3)
    assert shrunk((leg,), 1, Side.SELL, 1, 10) == (replace(leg, lots=2),)


def test_an_option_fill_moves_premium_and_fee_in_its_settlement_asset() -> None:
    log = Log(filled("COIN-CALL", 2, 1, fee=50))
    assert log.portfolio.cash == {"BTC": -(2 * 10**11) - 50}
    assert log.portfolio.positions == {row("COIN-CALL"): Position(2, 0)}


def test_a_spot_fill_moves_coins_and_dollars_and_no_position() -> None:
    log = Log(filled("BTC", 3, 100_000, fee=7))
    assert log.portfolio.cash == {"USD": -30_000_000_000 - 7, "BTC": 3 * 10**11}
    assert log.portfolio.positions == {}


def test_a_future_keeps_its_entry_until_it_is_closed() -> None:
    log = Log(filled("NEAR", 10, 100_000), filled("NEAR", -4, 110_000))
    # 1.0 coin bought at 100,000; 0.4 sold at 110,000: 4,000 USD realised, 60,000 still entered.
    assert log.portfolio.positions == {row("NEAR"): Position(6, -60_000_000_000)}
    assert log.portfolio.cash == {"USD": 4_000_000_000}
    log.put(filled("NEAR", -6, 90_000))
    assert log.portfolio.positions == {}
    assert log.portfolio.cash == {"USD": -2_000_000_000}


def test_a_future_turned_over_starts_a_new_entry() -> None:
    log = Log(filled("NEAR", 2, 100_000), filled("NEAR", -5, 110_000))
    assert log.portfolio.positions == {row("NEAR"): Position(-3, 33_000_000_000)}
    assert log.portfolio.cash == {"USD": 2_000_000_000}


@pytest.mark.parametrize("name", ["NEAR", "COIN-PERPETUAL"])
def test_cash_and_entry_together_move_by_flow_less_fee_exactly(name: str) -> None:
    random = Random(5)
    log = Log()
    asset = INSTRUMENTS[row(name)].settlement_asset
    expected = 0
    for _ in range(500):
        lots = random.choice((-1, 1)) * random.randint(1, 999)
        fill = filled(name, lots, random.randint(1, 200_000), fee=random.randint(-5, 5))
        log.put(fill)
        expected += fill.flow - fill.fee
        position = log.portfolio.positions.get(row(name), Position(0))
        assert log.portfolio.cash.get(asset, 0) + position.entry == expected


def test_suspension_comes_and_goes() -> None:
    log = Log(e.AccountSuspended(account="a", reason=""))
    assert log.state.accounts["a"].is_suspended
    log.put(e.AccountResumed(account="a"))
    assert not log.state.accounts["a"].is_suspended


def test_kill_switches_are_kept_by_scope_and_subject_and_replaced() -> None:
    log = Log(
        e.KillSwitchEngaged(scope="all", subject="", mode="block_all", reason="x"),
        e.KillSwitchEngaged(scope="underlying", subject="BTC", mode="block_all", reason="y"),
        e.KillSwitchEngaged(scope="all", subject="", mode="reduce_only", reason="z"),
    )
    switch = log.state.kill_switches["all", ""]
    assert (switch.mode, switch.reason, switch.engaged_ns) == ("reduce_only", "z", 1_006)
    log.put(e.KillSwitchReleased(scope="all", subject=""))
    assert list(log.state.kill_switches) == [("underlying", "BTC")]
    log.put(e.KillSwitchReleased(scope="all", subject=""))
    assert list(log.state.kill_switches) == [("underlying", "BTC")]


def test_limits_go_to_the_account_they_name_or_to_the_default() -> None:
    own, default = n.LimitNumbers(collar_ppm=1), n.LimitNumbers(collar_ppm=2)
    log = Log(e.LimitsSet(subject="a", limits=own), e.LimitsSet(subject="", limits=default))
    assert log.state.accounts["a"].limits == own
    assert log.state.default_limits == default


def test_a_listing_appends_rows_and_never_moves_one() -> None:
    log = Log(filled("NEAR", 1, 100))
    extra = replace(INSTRUMENTS[0], name="EXTRA")
    log.put(e.InstrumentsListed(instruments=(extra, replace(INSTRUMENTS[6], is_halted=True))))
    assert [each.name for each in log.state.table.instruments] == [*NAMES, "EXTRA"]
    assert log.state.table.instruments[row("NEAR")].is_halted
    assert log.portfolio.positions[row("NEAR")].lots == 1


def test_a_listed_contract_cannot_become_another() -> None:
    log = Log()
    with pytest.raises(InvalidInput):
        log.put(e.InstrumentsListed(instruments=(replace(INSTRUMENTS[0], strike_nano=NANO),)))


def test_parameters_in_force_are_those_of_the_last_event() -> None:
    policy = n.PolicyNumbers(allowance_ppm=7)
    items = (("BTC", "price_scan_range", "0.15"),)
    log = Log(
        e.ParametersLoaded(model="span", digest="d", parameters=items, fees=FEES, policy=policy)
    )
    state = log.state
    assert (state.model, state.parameters_digest, state.parameters) == ("span", "d", items)
    assert (state.policy, state.fee_tiers) == (policy, {"default": NO_FEES})


def test_every_event_of_an_account_counts_and_others_count_for_the_shard() -> None:
    log = Log()
    assert (log.state.last_seq, log.state.admin_version) == (3, 2)
    log.put(e.AccountSuspended(account="a", reason=""), e.AccountResumed(account="a"))
    log.put(e.LimitsSet(subject="a", limits=n.LimitNumbers()))
    assert log.state.accounts["a"].version == 3
    assert log.state.admin_version == 3
    assert log.state.last_seq == 6


def test_fill_ids_and_request_ids_are_remembered_apart() -> None:
    log = Log(filled("CALL", 1, 1, fill_id="x"))
    assert log.state.requests.find(FILL_SPACE, "a", "x") == Remembered("", 4, 1_004)
    assert log.state.requests.find(REQUEST_SPACE, "a", "x") is None


def test_an_event_without_request_id_is_not_remembered() -> None:
    log = Log()
    remembered = len(log.state.requests)
    log.put(e.AccountSuspended(account="a", reason=""))
    assert len(log.state.requests) == remembered


def test_an_asset_that_comes_to_zero_is_forgotten() -> None:
    portfolio = Portfolio(fees=NO_FEES, cash={"USD": 5})
    add_cash(portfolio, "USD", -5)
    add_cash(portfolio, "BTC", 0)
    assert portfolio.cash == {}


def test_a_published_margin_state_stays_known_while_it_is_unknown() -> None:
    log = Log()
    account = log.state.accounts["a"]
    assert (account.margin_state, account.known_margin_state) == (MarginState.HEALTHY,) * 2
    assert account.margin_state_since_ns == 0
    log.put(m.MarginStateChanged(account="a", previous="healthy", state="margin_call"))
    since_ns = account.margin_state_since_ns
    log.put(m.MarginStateChanged(account="a", previous="margin_call", state="unknown"))
    assert account.margin_state is MarginState.UNKNOWN
    assert account.known_margin_state is MarginState.MARGIN_CALL
    assert account.margin_state_since_ns == since_ns + 1 == 1_000 + log.state.last_seq
