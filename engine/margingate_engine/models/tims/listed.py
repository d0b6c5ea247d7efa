"""Ten-point P&L of options on shares and indices, from a quoted price. [TIMS-10]"""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.pricing import binomial, black_scholes
from margingate_engine.pricing.binomial import Carry, Options, Tree
from margingate_engine.pricing.implied_vol import black76_vol, tree_vol

TAU_YEARS_MAX = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedOption:
    """An option on a spot price in USD; tree: None for European exercise, valued in closed form."""

    strike: float
    tau_years: float
    is_call: bool
    carry: Carry
    tree: Tree | None

    def __post_init__(self) -> None:
        """Refuse what has no value."""
        if not self.strike > 0:
            raise InvalidInput("strike", "must be above zero")
        if not 0 < self.tau_years <= TAU_YEARS_MAX:
            raise InvalidInput("tau_years", f"must lie in (0, {TAU_YEARS_MAX:g}]")

    def value_v(self, spot_v: FloatArray, vol: float) -> FloatArray:
        """Value per share, USD, at each spot price."""
        option = Options.single(self.strike, self.tau_years, is_call=self.is_call)
        if self.tree is None:
            return black_scholes.value(spot_v, option, np.array(vol), carry=self.carry)
        return binomial.value(spot_v, option, np.array(vol), carry=self.carry, tree=self.tree)

    def implied_vol(self, price: float, spot: float) -> float:
        """Vol per year at which the value is `price`; InvalidInput("price") where there is none."""
        if self.tree is not None:
            option = Options.single(self.strike, self.tau_years, is_call=self.is_call)
            return tree_vol(price, spot, option, carry=self.carry, tree=self.tree)
        forward = spot * float(np.exp(self.carry.net * self.tau_years))
        undiscounted = price * float(np.exp(self.carry.rate * self.tau_years))
        return black76_vol(undiscounted, forward, self.strike, self.tau_years, is_call=self.is_call)

    def point_pnl(self, spot: float, vol: float, move_v: FloatArray) -> FloatArray:
        """P&L of one share's option, USD, (10,): vol, time and carry stay, spot moves."""
        value_v = self.value_v(spot * np.concatenate(([1.0], 1.0 + move_v)), vol)
        return np.asarray(value_v[1:] - value_v[0])
