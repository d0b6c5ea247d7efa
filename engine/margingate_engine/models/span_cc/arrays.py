"""Risk arrays by formula, for contracts that no file has one of. [SCC-02]"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_parameters import VolShift
from margingate_engine.pricing import black_scholes
from margingate_engine.pricing.binomial import Carry, Options
from margingate_engine.scenarios.span_points import span_points


class Moves(Enum):
    """What the scan range is added to: the spot price, or the price of the future itself."""

    SPOT = "spot"
    FUTURE = "future"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRules:
    """How an exchange computes arrays; ranges in the units of price and vol, times in years.

    scan_range > 0. vol_range >= 0, a fraction of sigma (RELATIVE) or a vol (ABSOLUTE). look_ahead
    >= 0: what passes in every scenario. Extremes: multiple of the scan range, and the part of the
    loss that counts; their vol is unchanged.
    """

    scan_range: float
    vol_range: float
    vol_shift: VolShift
    look_ahead: float
    extreme_multiple: float
    extreme_cover: float
    carry: Carry

    def __post_init__(self) -> None:
        """Refuse what no file can mean."""
        for field in ("scan_range", "vol_range", "look_ahead"):
            value = getattr(self, field)
            if not (np.isfinite(value) and value >= 0):
                raise InvalidInput(field, "must be a number of 0 or more")

    def prices(self, price: float) -> FloatArray:
        """Price in every scenario, (16,); InvalidInput where one would not be above 0."""
        points = span_points(self.extreme_multiple, self.extreme_cover)
        # Multiplied first: a third of a whole scan range times three is that range again.
        price_s = np.asarray(price + self.scan_range * points.thirds_s / 3.0)
        if not (price_s > 0).all():
            raise InvalidInput("scan_range", "lets a price fall to zero")
        return price_s

    def vols(self, sigma: float) -> FloatArray:
        """Vol in every scenario, (16,), at least 0."""
        points = span_points(self.extreme_multiple, self.extreme_cover)
        is_relative = self.vol_shift is VolShift.RELATIVE
        shift = self.vol_range * (sigma if is_relative else 1.0)
        return np.asarray(np.maximum(sigma + points.vol_direction_s * shift, 0.0))


def option_losses(spot: float, options: Options, sigma: float, rules: ArrayRules) -> FloatArray:
    """Loss of one option held long per scenario, (I, 16), in units of price. [SCC-02]

    options: (I,) European options on spot, tau from now. The base is the model's value now, not the
    market's premium.
    """
    weight_s = span_points(rules.extreme_multiple, rules.extreme_cover).weight_s
    strike_i, tau_i, is_call_i = options
    shocked = Options(
        strike_i[:, None],
        np.maximum(tau_i - rules.look_ahead, 0.0)[:, None],
        is_call_i[:, None],
    )
    now_i = black_scholes.value(np.array(spot), options, np.array(sigma), carry=rules.carry)
    then_is = black_scholes.value(
        rules.prices(spot)[None, :], shocked, rules.vols(sigma)[None, :], carry=rules.carry
    )
    return np.asarray((now_i[:, None] - then_is) * weight_s[None, :])


def future_losses(price: float, tau_years: float, moves: Moves, rules: ArrayRules) -> FloatArray:
    """Loss of one future held long per scenario, (16,), in units of price. [SCC-02]

    SPOT: price is the spot price, and the future is worth what spot grows to until expiry. FUTURE:
    price is the future's own, which grows less by what passes in the look-ahead.
    """
    weight_s = span_points(rules.extreme_multiple, rules.extreme_cover).weight_s
    left = max(tau_years - rules.look_ahead, 0.0)
    from_price = tau_years if moves is Moves.FUTURE else 0.0
    growth_now = np.exp(rules.carry.net * (tau_years - from_price))
    growth_then = np.exp(rules.carry.net * (left - from_price))
    return np.asarray((price * growth_now - rules.prices(price) * growth_then) * weight_s)
