"""Black-76 to fifty digits, by series in decimals: what float64 is measured against."""

from decimal import Decimal, localcontext

_DIGITS = 80
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def normal_cdf(x: Decimal) -> Decimal:
    """N(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...)."""
    with localcontext(prec=_DIGITS):
        term = total = x
        step = 1
        while abs(term) > Decimal(10) ** -(_DIGITS - 5):
            step += 2
            term = term * x * x / step
            total += term
        return Decimal("0.5") + total * (-x * x / 2).exp() / (2 * _PI).sqrt()


def value(forward: Decimal, strike: Decimal, deviation: Decimal, *, is_call: bool) -> Decimal:
    """Undiscounted value in USD; `deviation` is vol x sqrt(tau)."""
    sign = 1 if is_call else -1
    with localcontext(prec=_DIGITS):
        if not deviation:
            return max(sign * (forward - strike), Decimal(0))
        upper = (forward / strike).ln() / deviation + deviation / 2
        lower = upper - deviation
        return sign * (forward * normal_cdf(sign * upper) - strike * normal_cdf(sign * lower))


def delta(forward: Decimal, strike: Decimal, deviation: Decimal, *, is_call: bool) -> Decimal:
    """Derivative of `value` by the forward, deviation > 0."""
    with localcontext(prec=_DIGITS):
        upper = (forward / strike).ln() / deviation + deviation / 2
        return normal_cdf(upper) if is_call else -normal_cdf(-upper)
