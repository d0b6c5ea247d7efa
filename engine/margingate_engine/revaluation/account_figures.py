"""The margins of many accounts at one instant."""

from dataclasses import dataclass

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX
from margingate_engine.core.arrays import BoolArray, IntArray
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.risk_arrays import RiskArrays


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFigures:
    """Arrays over accounts (axis A), 1e-6 USD, in the order of `accounts`.

    arrays: of the market that all of it rests on, and of the model that margined the accounts; of
    accounts of several models those that accounts open under. The same object as long as neither
    prices nor parameters change. version_a: number of the last event of the account that is in its
    figures. equity_a (signed), initial_a, maintenance_a: of positions alone, exactly those of
    AccountRisk.positions_risk. headroom_a: with open orders at their worst fills, signed.
    strain_ppm_a: the largest strain of a position, 1e-6; 0 where positions have no wallets.
    is_known_a: False where something held or on order has no price, is too old or in doubt, or is
    beyond what the integers hold; the amounts are then 0.
    """

    arrays: RiskArrays
    accounts: tuple[str, ...]
    version_a: IntArray
    equity_a: IntArray
    initial_a: IntArray
    maintenance_a: IntArray
    headroom_a: IntArray
    strain_ppm_a: IntArray
    is_known_a: BoolArray

    def __post_init__(self) -> None:
        """One entry per account in every array, none beyond the range of the risk integers."""
        amounts = (self.equity_a, self.initial_a, self.maintenance_a, self.headroom_a)
        others, count = (self.version_a, self.strain_ppm_a, self.is_known_a), len(self.accounts)
        assert all(len(each) == count for each in (*amounts, *others))
        for amount_a in amounts:
            assert (abs(amount_a) < AMOUNT_UNITS_MAX).all(), "an amount beyond the risk integers"

    @property
    def market_version(self) -> int:
        """Of the market that the figures rest on."""
        return self.arrays.snapshot.version

    def positions_risk_at(self, place: int) -> Risk:
        """Margin of the positions of one account; all 0 where it is not known."""
        return Risk(
            equity=int(self.equity_a[place]),
            initial=int(self.initial_a[place]),
            maintenance=int(self.maintenance_a[place]),
        )
