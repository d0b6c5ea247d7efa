"""Which strikes are listed around a forward: dense near it, ever wider away from it."""

import math
from dataclasses import dataclass
from typing import Final, Self

from margingate_server.feeds.simulated.expiries import Cadence

_STEPS_USD: Final = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
_DAILY_STEP: Final = 0.0095
_STEP: Final = 0.013
"""Wanted distance of strikes at the money, of the forward, for daily and for other expiries."""

_ZONES: Final = ((0.06, 1), (0.2, 2), (0.5, 5), (1.2, 10), (math.inf, 20))
"""Distance from the forward, relative, up to which strikes are so many steps apart."""

_LONG_DAYS: Final = 100
_LONG_STEPS: Final = 5
"""Expiries further away than this have no strikes closer than this many steps."""

_REACH: Final = {
    Cadence.DAILY: (0.88, 1.12),
    Cadence.WEEKLY: (0.80, 1.30),
    Cadence.MONTHLY: (0.60, 1.90),
    Cadence.QUARTERLY: (0.30, 3.50),
}
"""Lowest and highest strike as multiples of the forward."""

_ADDED_REACH: Final = (0.90, 1.10)
_ADDED_MOVE: Final = 0.05
"""Strikes this near the forward are added once it is so far from where any were listed around."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The strikes of one expiry in USD, and the forwards around which they were listed."""

    strikes: frozenset[int]
    centres: tuple[float, ...]

    @classmethod
    def listed(cls, forward: float, days: float, cadence: Cadence) -> Self:
        """The strikes an expiry so many days away is listed with when its forward is so high."""
        strikes = _strikes(forward, days, cadence, _REACH[cadence])
        return cls(strikes=strikes, centres=(forward,))

    def around(self, forward: float, days: float, cadence: Cadence) -> Self:
        """This ladder, with strikes near the forward when it has left the ones there are."""
        if any(abs(forward / centre - 1) <= _ADDED_MOVE for centre in self.centres):
            return self
        added = _strikes(forward, days, cadence, _ADDED_REACH)
        return type(self)(strikes=self.strikes | added, centres=(*self.centres, forward))


def _step_usd(forward: float, cadence: Cadence) -> int:
    """Distance of strikes at the money, USD: about one percent, and round."""
    wanted = math.log((_DAILY_STEP if cadence is Cadence.DAILY else _STEP) * forward)
    return min(_STEPS_USD, key=lambda step: abs(math.log(step) - wanted))


def _strikes(
    forward: float, days: float, cadence: Cadence, reach: tuple[float, float]
) -> frozenset[int]:
    """Strikes in USD between two multiples of the forward."""
    step = _step_usd(forward, cadence)
    low, high = (ratio * forward for ratio in reach)
    least = _LONG_STEPS if days > _LONG_DAYS else 1
    strikes: set[int] = set()
    inner = 0.0
    for outer, steps in _ZONES:
        spacing = step * max(steps, least)
        below = (max(low, forward * (1 - outer)), forward * (1 - inner))
        above = (forward * (1 + inner), min(high, forward * (1 + outer)))
        for start, stop in (below, above):
            first, last = math.ceil(start / spacing), math.floor(stop / spacing)
            strikes.update(spacing * each for each in range(max(first, 1), last + 1))
        inner = outer
    return frozenset(strikes)
