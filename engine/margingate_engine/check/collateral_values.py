"""What every asset of an account counts in its equity, and what of its price does not count."""

from dataclasses import dataclass

from margingate_engine.core.amounts import NANO, PPM, USD
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.risk_arrays import COIN_VALUE_DIVISOR


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralValue:
    """One asset: units held or owed, and 1e-6 USD. counted = value - haircut - beyond_cap.

    units: of a coin cash and the profit of what is settled in it; of USD cash, profit and the marks
    of positions. value: at the index, rounded down. haircut, beyond_cap: >= 0.
    """

    asset: str
    units: int
    index_nano: int
    value: int
    haircut: int = 0
    beyond_cap: int = 0
    is_depegged: bool = False

    @property
    def counted(self) -> int:
        """Its part of equity, 1e-6 USD."""
        return self.value - self.haircut - self.beyond_cap


def collateral_values(account: AccountRisk) -> tuple[CollateralValue, ...]:
    """Every asset of an account, USD first; what they count adds up to equity. [COL-07]"""
    usd = CollateralValue(asset=USD, units=account.usd, index_nano=NANO, value=account.usd)
    coins = [_of_group(totals) for totals in account.groups.values() if totals.coin_pico]
    return (usd, *sorted(coins, key=lambda each: each.asset))


def _of_group(totals: GroupTotals) -> CollateralValue:
    group, coins = totals.group, totals.coin_pico
    value = coins * group.index_nano * PPM // COIN_VALUE_DIVISOR
    return CollateralValue(
        asset=group.underlying,
        units=coins,
        index_nano=group.index_nano,
        value=value,
        haircut=value - group.coin_value(coins),
        beyond_cap=group.beyond_cap(coins),
        is_depegged=group.is_depegged,
    )
