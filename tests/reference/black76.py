"""Black-76 by scalars: intrinsic value exactly, time value from the out-of-the-money side."""

import math
from fractions import Fraction


def normal_cdf(x: float) -> float:
    """N(x), accurate in both tails."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def d1(forward: float, strike: float, deviation: float) -> float:
    """d1 for a total deviation of σ√τ > 0."""
    return math.log(forward / strike) / deviation + 0.5 * deviation


def time_value(forward: float, strike: float, deviation: float) -> float:
    """Undiscounted value less intrinsic value, ≥ 0; the same for a call and a put (parity)."""
    if deviation <= 0.0:
        return 0.0
    upper = d1(forward, strike, deviation)
    lower = upper - deviation
    if forward >= strike:
        worth = strike * normal_cdf(-lower) - forward * normal_cdf(-upper)
    else:
        worth = forward * normal_cdf(upper) - strike * normal_cdf(lower)
    return max(worth, 0.0)


def intrinsic_value(forward: Fraction, strike: Fraction, *, call: bool) -> Fraction:
    """What the option pays at this forward."""
    return max(forward - strike if call else strike - forward, Fraction(0))


def option_value(forward: Fraction, strike: Fraction, deviation: float, *, call: bool) -> Fraction:
    """Undiscounted Black-76 value in USD per coin; σ√τ is `deviation`."""
    extra = time_value(float(forward), float(strike), deviation)
    return intrinsic_value(forward, strike, call=call) + Fraction(extra)


def option_delta(forward: Fraction, strike: Fraction, deviation: float, *, call: bool) -> float:
    """Forward delta; at σ√τ = 0 a step that is 0 at the money."""
    if deviation <= 0.0:
        in_the_money = forward > strike if call else forward < strike
        return (1.0 if call else -1.0) if in_the_money else 0.0
    upper = d1(float(forward), float(strike), deviation)
    return normal_cdf(upper) if call else -normal_cdf(-upper)
