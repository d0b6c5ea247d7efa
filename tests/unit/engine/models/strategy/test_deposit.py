"""What entering a whole portfolio takes, by its marks, worked out by hand. U = 100."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from margingate_engine.core.instruments import Instrument, OptionRight
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.strategy.deposit import (
    LONG_TERM_NS,
    Deposit,
    NotOffered,
    entry_deposit,
)
from margingate_engine.models.strategy.entry import Account
from margingate_engine.models.strategy.legs import OptionLeg, SpotLeg
from margingate_engine.models.strategy.model import StrategyModel
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.reference.strategy_books import option, parameters, spot
from tests.unit.engine.models.strategy.test_entry import CASH, INITIAL, Leg
from tests.unit.engine.models.var import chain
from tests.unit.engine.small_market import small_market

USD, COIN, NANO, U = 10**6, 10**12, 10**9, 100.0
MONTH_NS = 30 * chain.DAY_NS
PERPETUAL = chain.future("BTC", days=None)


def instrument_of(leg: OptionLeg) -> Instrument:
    """Of the leg's terms; what it calls long-term has just more than nine months to go."""
    made = chain.option("BTC", 1, OptionRight.CALL if leg.is_call else OptionRight.PUT, days=1)
    to_go_ns = LONG_TERM_NS + 1 if leg.is_long_term else leg.expiry_ns * MONTH_NS
    return replace(
        made,
        name=leg.symbol,
        strike_nano=leg.strike_nano,
        expiry_ns=chain.NOW_NS + to_go_ns,
    )


def account_of(
    *legs: Leg, futures: int = 0, index: float = U, more: tuple[Instrument, ...] = ()
) -> AccountRisk:
    """An account that holds the legs, at their marks; BTC in coins."""
    options = [leg for leg in legs if isinstance(leg, OptionLeg)]
    listed = [*map(instrument_of, options), PERPETUAL, *more]
    marks = [*(leg.mark_nano / NANO for leg in options), *[index] * (1 + len(more))]
    table, ones = InstrumentTable(listed), np.ones(len(listed))
    quotes = Quotes(
        index_by_underlying={"BTC": index},
        rows=np.arange(len(listed)),
        mark_price_i=np.array(marks),
        mark_vol_i=ones,
        forward_price_i=index * ones,
    )
    snapshot = MarketSnapshot.empty(table).with_quotes(
        table, quotes, market_time_ns=chain.NOW_NS, observed_ns=chain.NOW_NS
    )
    positions = {table.row_by_name[leg.symbol]: Position(leg.lots) for leg in options}
    if futures:
        positions[table.row_by_name[PERPETUAL.name]] = Position(futures, -futures * 100 * USD)
    coins = sum(leg.quantity_nano for leg in legs if isinstance(leg, SpotLeg)) * COIN // NANO
    model = StrategyModel({"BTC": parameters()})
    portfolio = Portfolio(fees={}, cash={"USD": 10**12, "BTC": coins}, positions=positions)
    return AccountRisk.of(portfolio, model.risk_arrays(table, snapshot))


def deposit(
    account: AccountRisk,
    kind: Account = Account.MARGIN,
    rules: StrategyParameters | None = None,
) -> Deposit | NotOffered:
    return entry_deposit(account, {"BTC": rules or parameters()}, kind)


def figures(gross: float, applied: float) -> Deposit:
    return Deposit(gross=round(gross * USD), applied_proceeds=round(applied * USD), is_exact=True)


def is_at_its_price(legs: list[Leg]) -> bool:
    """An account knows no other price of its coins than the index."""
    return all(leg.price_nano == U * NANO for leg in legs if isinstance(leg, SpotLeg))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind, examples in ((Account.MARGIN, INITIAL), (Account.CASH, CASH))
        for name, (legs, _, _) in examples.items()
        if is_at_its_price(legs)
    ],
)
def test_what_an_account_holds_takes_what_the_example_of_its_legs_says(
    kind: Account, name: str
) -> None:
    """[STR-11, STR-20]"""
    legs, gross, proceeds = (INITIAL if kind is Account.MARGIN else CASH)[name]
    found = deposit(account_of(*legs), kind)
    assert found == figures(gross, proceeds)
    assert isinstance(found, Deposit)
    assert found.due == round((gross - proceeds) * USD)


def test_nine_months_to_go_are_not_more_than_nine_months() -> None:
    """[STR-20]"""
    long = option("C", 90, 1, 12, is_long_term=True)
    account = account_of(long)
    assert deposit(account) == figures(9, 0)
    snapshot = account.arrays.snapshot
    later = replace(snapshot, market_time_ns=snapshot.market_time_ns + 1)
    model = StrategyModel({"BTC": parameters()})
    portfolio = Portfolio(fees={}, cash={}, positions={0: Position(1)})
    account = AccountRisk.of(portfolio, model.risk_arrays(account.arrays.table, later))
    assert deposit(account) == figures(12, 0)


def test_a_future_takes_its_margin_and_no_cash_account_has_one() -> None:
    """[STR-10, STR-20] 10 % of its notional"""
    account = account_of(option("C", 90, 1, 12), futures=-2)
    assert deposit(account) == figures(12 + 20, 0)
    assert deposit(account, Account.CASH) == NotOffered(subject=PERPETUAL.name)


def test_a_cash_account_owes_no_coins_and_says_of_which_underlying() -> None:
    """[STR-20]"""
    account = account_of(spot(-1))
    assert deposit(account) == figures(100 + 50, 0)
    assert deposit(account, Account.CASH) == NotOffered(subject="BTC")


def test_a_whole_coin_covers_a_whole_call_whatever_its_price_is() -> None:
    """[STR-20] the coins of the book are counted, not their value in millionths of a USD"""
    tenth = replace(instrument_of(option("C", 120, 1, 3)), name="TENTH", lot_nano=NANO // 10)
    index = 100.000_000_7
    account = account_of(spot(1), option("C", 110, -1, 2), index=index, more=(tenth,))
    found = deposit(account)
    assert isinstance(found, Deposit)
    assert found.gross == 50 * USD + 10, "half of the coin, of each tenth rounded up"


def test_underlyings_add_up_and_open_orders_are_left_out() -> None:
    """[STR-20]"""
    market = small_market()
    rules = {"BTC": parameters(), "SOL": parameters(future_initial_ratio=Decimal("0.3"))}
    arrays = StrategyModel(rules).risk_arrays(market.table, market.arrays.snapshot)
    rows = {name: market.row(name) for name in ("FAR-CALL", "PERPETUAL", "SOL-PERPETUAL")}
    portfolio = Portfolio(
        fees=market.fees,
        cash={"USD": 10**12},
        positions={
            rows["FAR-CALL"]: Position(10),
            rows["SOL-PERPETUAL"]: Position(100, -1_500 * USD),
        },
        legs={"o": (market.open_leg("CALL", -1, "200"),)},
    )
    found = entry_deposit(AccountRisk.of(portfolio, arrays), rules, Account.MARGIN)
    assert found == figures(12_000 + 0.3 * 10 * 150, 0)


def test_entering_nothing_takes_nothing() -> None:
    """[STR-20]"""
    for kind in Account:
        assert deposit(account_of(), kind) == figures(0, 0)
