"""American options by a trinomial tree in plain Python: another lattice than the engine's."""

from math import exp, sqrt


def american_value(
    spot: float,
    strike: float,
    vol: float,
    tau_years: float,
    *,
    rate: float,
    dividend_yield: float,
    is_call: bool,
    steps: int = 400,
) -> float:
    """Value by P. Boyle's tree with the stretch of B. Kamrad and P. Ritchken, 1991."""
    step = tau_years / steps
    stretch = sqrt(1.5)
    up = exp(stretch * vol * sqrt(step))
    drift = (rate - dividend_yield - vol * vol / 2) * sqrt(step) / (2 * stretch * vol)
    chances = (1 / (2 * stretch**2) + drift, 1 - 1 / stretch**2, 1 / (2 * stretch**2) - drift)
    discount = exp(-rate * step)
    sign = 1 if is_call else -1
    price = [spot * up**level for level in range(-steps, steps + 1)]
    value = [max(0.0, sign * (each - strike)) for each in price]
    for left in range(steps - 1, -1, -1):
        first = steps - left
        value = [
            max(
                discount
                * (chances[0] * value[n + 2] + chances[1] * value[n + 1] + chances[2] * value[n]),
                sign * (price[first + n] - strike),
            )
            for n in range(2 * left + 1)
        ]
    return value[0]
