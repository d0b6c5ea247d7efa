"""Everything that one lot of an instrument contributes. [SPAN-03, 04, 06, 10, 11]"""

import math
from dataclasses import dataclass
from fractions import Fraction

from tests.reference.black76 import option_delta, option_value
from tests.reference.contracts import Instrument, Market, Parameters
from tests.reference.rounding import MICRO, PICO, down, down_star, rint, up_star
from tests.reference.scenarios import DAY_NS, YEAR_NS, Scenario, scenarios, shocked_vol


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """One lot: rows and charges of a long lot, values by side.

    Millionths of a USD; `coin_*` in 1e-12 coins. `gross` is the largest unweighted P&L.
    """

    rows: tuple[int, ...]
    gross: int
    charge: int
    spot_charge: int
    minimum: int
    usd_long: int
    usd_short: int
    coin_long: int
    coin_short: int

    def usd(self, side: int) -> int:
        """USD value of one lot of this side at the mark."""
        return self.usd_long if side > 0 else self.usd_short

    def coin(self, side: int) -> int:
        """Coin value of one lot of this side at the mark (inverse futures, expired options)."""
        return self.coin_long if side > 0 else self.coin_short


def make_lot(instrument: Instrument, market: Market, parameters: Parameters) -> Lot:
    """The lot of a priced instrument in a market."""
    table = scenarios(parameters)
    pnl = [_pnl(instrument, market, parameters, scenario) for scenario in table]
    scaled = [MICRO * s.weight * gain for s, gain in zip(table, pnl, strict=True)]
    charge, spot_charge = _charges(instrument, market, parameters)
    usd_long, usd_short = _usd_values(instrument, market)
    coin_long, coin_short = _coin_values(instrument, market)
    return Lot(
        rows=tuple(down_star(x) for x in scaled),
        gross=down(MICRO * max(abs(gain) for gain in pnl)),
        charge=charge,
        spot_charge=spot_charge,
        minimum=_minimum(instrument, market, parameters),
        usd_long=usd_long,
        usd_short=usd_short,
        coin_long=coin_long,
        coin_short=coin_short,
    )


def _tau_ns(instrument: Instrument, market: Market) -> int:
    assert instrument.expiry_ns is not None
    return max(instrument.expiry_ns - market.time_ns, 0)


def _pnl(i: Instrument, market: Market, parameters: Parameters, scenario: Scenario) -> Fraction:
    """Unweighted P&L of one long lot in USD. [SPAN-03]"""
    spot = market.index[i.underlying]
    if i.is_spot or market.has_expired(i):
        return Fraction(0)
    if i.is_option:
        return _option_pnl(i, market, parameters, scenario)
    mark = market.mark[i.symbol]
    return i.size * scenario.move * (spot / mark if i.inverse else mark)


def _option_pnl(
    i: Instrument, market: Market, parameters: Parameters, scenario: Scenario
) -> Fraction:
    forward, vol = market.forward[i.symbol], float(market.vol[i.symbol])
    tau_ns = _tau_ns(i, market)
    later_ns = max(tau_ns - parameters.look_ahead_days * DAY_NS, Fraction(0))
    later_vol = shocked_vol(vol, tau_ns / YEAR_NS, parameters, scenario.vol_direction)
    now = option_value(forward, i.strike, vol * math.sqrt(tau_ns / YEAR_NS), call=i.call)
    later = option_value(
        forward * (1 + scenario.move),
        i.strike,
        later_vol * math.sqrt(later_ns / YEAR_NS),
        call=i.call,
    )
    return i.size * (later - now) * _coin_rate(i, market)


def _coin_rate(i: Instrument, market: Market) -> Fraction:
    """S/F for inverse options (the same in every scenario), 1 for linear ones."""
    return market.index[i.underlying] / market.forward[i.symbol] if i.inverse else Fraction(1)


def _charges(i: Instrument, market: Market, parameters: Parameters) -> tuple[int, int]:
    """Charge features of one long lot in its own bucket and in the spot bucket. [SPAN-10]"""
    spot = market.index[i.underlying]
    per_usd = MICRO * parameters.basis_rate
    if i.is_spot or market.has_expired(i):
        return 0, 0
    if i.is_future:
        mark = market.mark[i.symbol]
        return rint(per_usd * i.size * (spot / mark if i.inverse else mark)), 0
    forward = market.forward[i.symbol]
    deviation = float(market.vol[i.symbol]) * math.sqrt(_tau_ns(i, market) / YEAR_NS)
    delta = Fraction(option_delta(forward, i.strike, deviation, call=i.call))
    if not i.inverse:
        return rint(per_usd * i.size * delta * forward), 0
    premium = option_value(forward, i.strike, deviation, call=i.call) / forward
    own = rint(per_usd * i.size * (delta - premium) * spot)
    return own, rint(per_usd * i.size * premium * spot)


def _minimum(i: Instrument, market: Market, parameters: Parameters) -> int:
    """Short option minimum of one lot. [SPAN-11]"""
    if not i.is_option or market.has_expired(i):
        return 0
    rate = parameters.short_option_minimum
    return up_star(MICRO * rate * i.size * market.index[i.underlying])


def _usd_values(i: Instrument, market: Market) -> tuple[int, int]:
    """USD value of a long and of a short lot. [SPAN-06, SPAN-07]"""
    if i.is_spot:
        return 0, 0
    if i.inverse and (i.is_future or market.has_expired(i)):
        return 0, -1
    price_usd = market.mark[i.symbol] * (market.index[i.underlying] if i.inverse else 1)
    worth = MICRO * i.size * price_usd
    return down_star(worth), -(up_star(worth) + 1)


def _coin_values(i: Instrument, market: Market) -> tuple[int, int]:
    """Coin value of a long and of a short lot, inverse only. [SPAN-06]"""
    if not i.inverse:
        return 0, 0
    if i.is_future:
        owed = PICO * i.size / market.mark[i.symbol]
        return -up_star(owed), down_star(owed)
    if market.has_expired(i):
        claim = PICO * i.size * market.mark[i.symbol]
        return down_star(claim), -up_star(claim)
    return 0, 0
