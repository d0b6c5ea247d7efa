"""Options on a spot price with a continuous yield, by the binomial tree; early exercise or not.

Source: J. Cox, S. Ross, M. Rubinstein, "Option pricing: a simplified approach", 1979.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.errors import InvalidInput

STEPS_MAX = 5_000
"""More steps take memory and seconds, and change no digit that a quote has."""

RATE_MAX = 5.0
"""No money and no share pays or costs more than 500 % a year."""

_LOG_MOVE_MAX = 600.0
"""Of the tree's farthest price against spot, so that it stays within float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """How a value is taken: the number of time steps, and whether each may be the exercise."""

    steps: int
    is_american: bool

    def __post_init__(self) -> None:
        """Refuse a tree without steps and one that is too large."""
        if not 1 <= self.steps <= STEPS_MAX:
            raise InvalidInput("steps", f"must lie in [1, {STEPS_MAX}]")

    def vol_min(self, tau_years: float, carry: float) -> float:
        """The vol at which a step up becomes certain; the tree needs more. carry: rate - yield."""
        return abs(carry) * float(np.sqrt(tau_years / self.steps))

    def vol_max(self, tau_years: float) -> float:
        """The largest vol whose farthest price is still a number; tau > 0."""
        return _LOG_MOVE_MAX / float(np.sqrt(tau_years * self.steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """What holding money and holding the underlying pays, continuously compounded per year."""

    rate: float
    dividend_yield: float

    def __post_init__(self) -> None:
        """Refuse what nothing pays."""
        for name in ("rate", "dividend_yield"):
            if not abs(getattr(self, name)) <= RATE_MAX:
                raise InvalidInput(name, f"must lie in [-{RATE_MAX:g}, {RATE_MAX:g}]")

    @property
    def net(self) -> float:
        """Growth of the forward over spot per year."""
        return self.rate - self.dividend_yield


class Options(NamedTuple):
    """Vanilla options: strike > 0 in the currency of spot, tau in years >= 0, call or put.

    Arrays that broadcast against each other and against spot and vol.
    """

    strike: FloatArray
    tau_years: FloatArray
    is_call: BoolArray

    @classmethod
    def single(cls, strike: float, tau_years: float, *, is_call: bool) -> "Options":
        """One option, as arrays without axes."""
        return cls(np.array(strike), np.array(tau_years), np.array(is_call))


def value(
    spot: FloatArray, options: Options, vol: FloatArray, *, carry: Carry, tree: Tree
) -> FloatArray:
    """Value in the currency of spot, >= 0, of the arguments' broadcast shape; spot, vol > 0.

    At expiry the intrinsic value. InvalidInput("vol") where the vol is too small for the tree, so
    that a step's probability would leave (0, 1), or too large, so that prices would leave float64.
    """
    shape = np.broadcast_shapes(*(each.shape for each in (spot, vol, *options)))
    spot_i, vol_i, strike_i, tau_i, sign_i = (
        np.broadcast_to(each, shape).ravel()
        for each in (
            spot,
            vol,
            options.strike,
            options.tau_years,
            np.where(options.is_call, 1.0, -1.0),
        )
    )
    result_i = np.maximum(sign_i * (spot_i - strike_i), 0.0)
    lives = np.flatnonzero(tau_i > 0)
    if len(lives):
        step_i = tau_i[lives] / tree.steps
        result_i[lives] = _rolled_back(
            _Lattice.grown(spot_i[lives], vol_i[lives], step_i, carry, tree.steps),
            strike_i[lives],
            sign_i[lives],
            is_american=tree.is_american,
        )
    return np.asarray(result_i.reshape(shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lattice:
    """Prices of every level (I, 2 steps + 1), lowest first, and a step's discounted chances."""

    spot_il: FloatArray
    up_i: FloatArray
    down_i: FloatArray
    steps: int

    @classmethod
    def grown(
        cls, spot_i: FloatArray, vol_i: FloatArray, step_i: FloatArray, carry: Carry, steps: int
    ) -> "_Lattice":
        jump_i = vol_i * np.sqrt(step_i)
        if not (jump_i > np.abs(carry.net * step_i)).all():
            raise InvalidInput("vol", "is too small for the steps of the tree")
        if not (jump_i * steps <= _LOG_MOVE_MAX * (1.0 + 1e-9)).all():
            raise InvalidInput("vol", "is too large for the steps of the tree")
        chance_i = (np.exp(carry.net * step_i) - np.exp(-jump_i)) / (2.0 * np.sinh(jump_i))
        discount_i = np.exp(-carry.rate * step_i)
        level_l: IntArray = np.arange(-steps, steps + 1)
        return cls(
            spot_il=spot_i[:, None] * np.exp(jump_i[:, None] * level_l[None, :]),
            up_i=discount_i * chance_i,
            down_i=discount_i * (1.0 - chance_i),
            steps=steps,
        )

    def at(self, step: int) -> slice:
        """The levels that a price can have after so many steps."""
        return slice(self.steps - step, self.steps + step + 1, 2)


def _rolled_back(
    lattice: _Lattice, strike_i: FloatArray, sign_i: FloatArray, *, is_american: bool
) -> FloatArray:
    """Value now, (I,), from the payoff at expiry back through every step."""
    exercise_il = sign_i[:, None] * (lattice.spot_il - strike_i[:, None])
    value_in = np.maximum(exercise_il[:, lattice.at(lattice.steps)], 0.0)
    up_i, down_i = lattice.up_i[:, None], lattice.down_i[:, None]
    for step in range(lattice.steps - 1, -1, -1):
        value_in = up_i * value_in[:, 1:] + down_i * value_in[:, :-1]
        if is_american:
            value_in = np.maximum(value_in, exercise_il[:, lattice.at(step)])
    return np.asarray(value_in[:, 0])
