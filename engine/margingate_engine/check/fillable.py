"""Whether fills of what is accepted can be booked: no balance may leave its range."""

from collections.abc import Iterable, Sequence

from margingate_engine.check.question import Question
from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.portfolio.balances import balance_max
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.portfolio.risk_arrays import RiskArrays

SMALL_PART = 2**21
"""An order that moves less than this part of the range is small: a million of them move half."""


def beyond_balances(question: Question, legs: Sequence[OpenLeg]) -> str | None:
    """The asset of which fills of these legs, and of all that is open, could not be booked.

    legs: of the order as it would be accepted. Half the range is for what is held and for large
    orders, half for small ones, which are not added up: that would cost every check as much as
    there are open orders.
    """
    arrays, portfolio = question.arrays, question.portfolio
    moved, held = _moved(arrays, legs), dict(portfolio.cash)
    for row in {leg.row for leg in legs} & portfolio.positions.keys():
        asset = arrays.table.instruments[row].settlement_asset
        held[asset] = abs(held.get(asset, 0)) + abs(portfolio.positions[row].entry)
    most = {asset: balance_max(arrays, asset) for asset in moved}
    if all(
        units * SMALL_PART < most[asset] and 2 * abs(held.get(asset, 0)) < most[asset]
        for asset, units in moved.items()
    ):
        return None
    shapes = (*portfolio.legs.values(), *portfolio.amendments.values())
    promised = _moved(arrays, [*legs, *(leg for shape in shapes for leg in shape)])
    for asset in moved:
        if 2 * (promised[asset] + abs(held.get(asset, 0))) >= most[asset]:
            return asset
    return None


def _moved(arrays: RiskArrays, legs: Iterable[OpenLeg]) -> dict[str, int]:
    """How much fills move of each asset, either way, in its units; at the limit or at the mark."""
    moved: dict[str, int] = {}
    for leg in legs:
        instrument = arrays.table.instruments[leg.row]
        prices = {leg.price_nano, mark_price_nano(arrays, leg.row)}
        flow = max(abs(fill_flow(instrument, leg.lots, price)) for price in prices)
        for asset, units in (
            (instrument.settlement_asset, flow),
            (instrument.underlying, spot_coins(instrument, leg.lots)),
        ):
            if units:
                moved[asset] = moved.get(asset, 0) + units
    return moved
