"""Margin after the next expiry, on paper. [MON-14]"""

import numpy as np
import pytest

from margingate_engine.core.risk import Risk
from margingate_engine.models.registry import model
from margingate_engine.monitoring.projection import Projection, after_next_expiry
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.pricing.black76 import value
from tests.property.chain import FEES, INDEX, PARAMETERS, chain
from tests.unit.engine.small_market import (
    COIN,
    DAY_NS,
    FAR_NS,
    NANO,
    NEAR_NS,
    USD,
    SmallMarket,
    small_market,
)

MARKET = small_market()


def projected(portfolio: Portfolio, market: SmallMarket = MARKET) -> Projection | None:
    arrays = market.arrays
    return after_next_expiry(arrays.model, market.table, arrays.snapshot, portfolio)


def test_what_expires_next_is_settled_at_the_index_and_its_requirement_gone() -> None:
    """A lot of NEAR at 101,000 settles at 100,000: a tenth of 1,000 USD each."""
    projection = projected(MARKET.portfolio(50_000, NEAR=10, FAR=10))
    assert projection == Projection(
        expiry_ns=NEAR_NS,
        rows=(MARKET.row("NEAR"),),
        before=Risk(equity=50_000 * USD, initial=30_750 * USD, maintenance=24_600 * USD),
        after=Risk(equity=49_000 * USD, initial=15_600 * USD, maintenance=12_480 * USD),
    )


def test_a_hedge_that_expires_leaves_the_other_leg_bare() -> None:
    projection = projected(MARKET.portfolio(50_000, NEAR=10, FAR=-10))
    assert projection is not None
    assert projection.before.initial < 2_000 * USD
    assert projection.after.initial > 15_000 * USD


def test_an_option_pays_its_intrinsic_value_in_its_asset() -> None:
    """COIN-CALL at 80,000 with the index at 100,000: 0.2 coins a coin, for which it is marked."""
    projection = projected(MARKET.portfolio(50_000, coins=COIN, COIN_CALL=-10, CALL=-10))
    assert projection is not None
    assert projection.rows == (MARKET.row("CALL"), MARKET.row("COIN-CALL"))
    reserve = 20  # a millionth for each lot sold
    assert projection.before.equity == (50_000 + 100_000 - 20_000 - 200) * USD - reserve
    assert projection.after.equity == (50_000 + 100_000 - 20_000) * USD


def test_the_next_expiry_is_the_next_after_now() -> None:
    later = small_market(market_time_ns=NEAR_NS)
    projection = projected(later.portfolio(50_000, NEAR=10, FAR=10), later)
    assert projection is not None
    assert projection.expiry_ns == FAR_NS
    assert projection.rows == (later.row("FAR"),)


def test_options_that_stay_lose_the_value_of_the_time_until_then() -> None:
    """A call in dollars with 44 days left, seen at the end of the 17th hour."""
    table, snapshot = chain()
    first, stays = (table.row_by_name[f"BTC_USDC-{name}-71200-C"] for name in ("E0", "E2"))
    portfolio = Portfolio(
        fees=FEES,
        cash={"USD": 10**12},
        positions={first: Position(-1), stays: Position(1_000)},
    )
    span = model("span", PARAMETERS)
    projection = after_next_expiry(span, table, snapshot, portfolio)
    assert projection is not None
    assert projection.rows == (first,)

    def worth(row: int, now_ns: int) -> float:
        forward, vol = (
            each[row : row + 1] / NANO for each in (snapshot.forward_nano_i, snapshot.vol_nano_i)
        )
        left = np.array([(int(table.expiry_ns_i[row]) - now_ns) / (365 * DAY_NS)])
        found = value(forward, table.strike_i[[row]], vol, left, table.is_call_i[[row]])
        return float(found[0]) * float(table.size_i[row])

    lost = worth(stays, snapshot.market_time_ns) - worth(stays, projection.expiry_ns)
    paid = max(0.0, INDEX["BTC"] - 71_200) * float(table.size_i[first])
    mark = int(snapshot.mark_nano_i[first]) / NANO * float(table.size_i[first])
    change = (projection.after.equity - projection.before.equity) / 1e6
    assert change == pytest.approx(-1_000 * lost + mark - paid, abs=0.01)
    assert change < -100


def test_who_holds_nothing_that_expires_has_no_projection() -> None:
    assert projected(MARKET.portfolio(50_000, PERPETUAL=10)) is None
    assert projected(MARKET.portfolio(50_000)) is None


def test_wallets_of_what_settled_are_free_and_the_portfolio_is_as_it_was() -> None:
    portfolio = MARKET.portfolio(50_000, NEAR=10, FAR=10)
    portfolio.wallets = {MARKET.row("NEAR"): 5, MARKET.row("FAR"): 6}
    portfolio.legs["o"] = (MARKET.open_leg("NEAR", 100, "101000"),)
    before = portfolio.copied()
    assert projected(portfolio) == projected(MARKET.portfolio(50_000, NEAR=10, FAR=10))
    assert portfolio == before
