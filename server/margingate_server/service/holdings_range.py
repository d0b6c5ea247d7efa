"""How much an account may hold so that its margin can be worked out in the risk integers."""

from dataclasses import replace

from margingate_engine.check.sizing import LOTS_MAX
from margingate_engine.core.errors import InvalidInput, ModelFailure
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.balances import balance_max
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.service.shard import AccountView

LOTS_UNPRICED_MAX = LOTS_MAX // 2**20
"""Most lots of an instrument without a price: 2**33, 85 billion USD in lots of 10 USD.

What a lot risks is not known before its first price; this keeps absurd holdings out until then.
"""

BEYOND_RANGE = "holdings within the range of the risk integers"
"""What is missing of an account that holds too much."""


def refuse_unpriced_beyond_range(arrays: RiskArrays, row: int, lots: int, field: str) -> None:
    """InvalidInput naming `field` when so many lots (signed) need a price to be judged."""
    if abs(lots) > LOTS_UNPRICED_MAX and not arrays.priced_i[row]:
        raise InvalidInput(field, "is beyond the range of an instrument without a price")


def refuse_cash_beyond_range(
    arrays: RiskArrays, portfolio: Portfolio, row: int, flow: int, coins: int
) -> None:
    """InvalidInput where a fill takes a balance, either way, to what no deposit could correct.

    flow: of the fill, less its fee; coins: what spot brings, in their units, signed.
    """
    instrument, position = arrays.table.instruments[row], portfolio.positions.get(row)
    settled = portfolio.cash.get(instrument.settlement_asset, 0)
    settled += position.entry if position is not None else 0
    held_coins = portfolio.cash.get(instrument.underlying, 0)
    for asset, before, change in (
        (instrument.settlement_asset, settled, flow),
        (instrument.underlying, held_coins, coins),
    ):
        after = before + change
        if change and abs(after) >= balance_max(arrays, asset) and abs(after) > abs(before):
            raise InvalidInput("quantity", "times price takes the balance out of range")


def known_risk(view: AccountView) -> Risk | None:
    """Margin under the view; None without a price or beyond the range of the risk integers.

    What was recorded must be answered, whatever prices made of the holdings since.
    """
    if view.risk is None:
        return None
    try:
        return view.risk.risk
    except ModelFailure:
        return None


def judged(view: AccountView) -> AccountView:
    """The view, without its risk when that is beyond the range of the risk integers."""
    if view.risk is None or known_risk(view) is not None:
        return view
    return replace(view, risk=None, missing_subject=BEYOND_RANGE)
