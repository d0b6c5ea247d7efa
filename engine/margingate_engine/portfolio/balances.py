"""How much of an asset an account may have or owe, so that it can be booked and margined."""

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX, USD, units_max
from margingate_engine.portfolio.risk_arrays import COIN_VALUE_DIVISOR, RiskArrays


def balance_max(arrays: RiskArrays, asset: str) -> int:
    """What no balance may come to, either way, in the asset's units.

    Of coins with a price what is worth more than the risk integers hold: an account that has it
    would have no margin, and nothing could be taken out of it again.
    """
    most = units_max(asset)
    if asset == USD or asset not in arrays.table.underlyings:
        return most
    group = arrays.groups[arrays.table.underlyings.index(asset)]
    if group is None:
        return most
    return min(
        most, AMOUNT_UNITS_MAX * COIN_VALUE_DIVISOR // max(group.owned_rate, group.owed_rate)
    )
