"""The margin state of an account, from its positions alone. [MON-01, MON-02, MON-15]

Open orders have no part in it: what they may do is held in initial margin before it is done.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.amounts import PPM, ceil_div
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.risk import Risk
from margingate_engine.revaluation.account_figures import AccountFigures

BLOCK = 8_192
"""Accounts at a time, so that what is worked out on the way stays in the processor's cache."""

StateArray = NDArray[np.int8]


class MarginState(IntEnum):
    """How an account stands; of those that are known the greater is the worse."""

    HEALTHY = 1
    WARNING = 2
    MARGIN_CALL = 3
    LIQUIDATION = 4
    UNKNOWN = 5

    @property
    def word(self) -> str:
        """The name as it is stored and shown: `margin_call`."""
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> "MarginState":
        """The state of a stored name; KeyError when there is none."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where the states begin, in 1e-6. [MON-02]

    ratio_ppm: of maintenance to equity from which an account is warned. headroom_ppm: of initial
    margin; one with less headroom is warned. gap_ppm: by how much of a requirement equity must
    exceed it to cover it. All lie in [0, 1e6].
    """

    ratio_ppm: int
    headroom_ppm: int
    gap_ppm: int = 0

    def __post_init__(self) -> None:
        """Refuse what no share of anything is."""
        for field in ("ratio_ppm", "headroom_ppm", "gap_ppm"):
            if not 0 <= getattr(self, field) <= PPM:
                raise InvalidInput(field, "must lie in [0, 1]")


def state_of(risk: Risk, bounds: Bounds, strain_ppm: int = 0) -> MarginState:
    """State of an account with this margin of its positions; never UNKNOWN. Exact.

    strain_ppm: the largest of its positions, 0 where they have no wallets.
    """
    return max(_pooled_state(risk, bounds), state_of_strain(strain_ppm, bounds))


def state_of_strain(strain_ppm: int, bounds: Bounds) -> MarginState:
    """State of a position with a wallet, by its own margin: no margin call is made. [MON-15]"""
    due_ppm, warned_ppm = _strain_bounds_ppm(bounds)
    if strain_ppm >= due_ppm:
        return MarginState.LIQUIDATION
    return MarginState.WARNING if strain_ppm >= warned_ppm else MarginState.HEALTHY


def _strain_bounds_ppm(bounds: Bounds) -> tuple[int, int]:
    """(strain of liquidation, of a warning); who has no strain is never in either."""
    return max(1, PPM - bounds.gap_ppm), max(1, bounds.ratio_ppm)


def _pooled_state(risk: Risk, bounds: Bounds) -> MarginState:
    equity, initial, maintenance = risk.equity, risk.initial, risk.maintenance
    if equity < maintenance + _share(maintenance, bounds.gap_ppm):
        return MarginState.LIQUIDATION
    if equity < initial + _share(initial, bounds.gap_ppm):
        return MarginState.MARGIN_CALL
    is_ratio_high = maintenance > 0 and maintenance >= _share(equity, bounds.ratio_ppm)
    if is_ratio_high or equity - initial < _share(initial, bounds.headroom_ppm):
        return MarginState.WARNING
    return MarginState.HEALTHY


def states_of_figures(figures: AccountFigures, bounds: Bounds) -> StateArray:
    """As `state_of` for all accounts of the figures (axis A); UNKNOWN where they are not known."""
    state_a = states_of(figures.equity_a, figures.initial_a, figures.maintenance_a, bounds)
    due_ppm, warned_ppm = _strain_bounds_ppm(bounds)
    is_warned_a = (state_a == MarginState.HEALTHY) & (figures.strain_ppm_a >= warned_ppm)
    state_a[is_warned_a] = MarginState.WARNING
    state_a[figures.strain_ppm_a >= due_ppm] = MarginState.LIQUIDATION
    state_a[~figures.is_known_a] = MarginState.UNKNOWN
    return state_a


def states_of(
    equity_a: IntArray, initial_a: IntArray, maintenance_a: IntArray, bounds: Bounds
) -> StateArray:
    """As `state_of` for many accounts without wallets (axis A): codes of MarginState.

    1e-6 USD, every |amount| < 2**62; the product with a share is never made.
    """
    state_a = np.empty(len(equity_a), dtype=np.int8)
    for start in range(0, len(equity_a), BLOCK):
        some = slice(start, start + BLOCK)
        state_a[some] = _states_of_some(
            equity_a[some], initial_a[some], maintenance_a[some], bounds
        )
    return state_a


def _states_of_some(
    equity_a: IntArray, initial_a: IntArray, maintenance_a: IntArray, bounds: Bounds
) -> StateArray:
    state_a = np.full(len(equity_a), MarginState.HEALTHY, dtype=np.int8)
    is_ratio_high_a = maintenance_a >= _share_a(equity_a, bounds.ratio_ppm)
    is_ratio_high_a &= maintenance_a > 0
    is_close_a = equity_a - initial_a < _share_a(initial_a, bounds.headroom_ppm)
    state_a[is_ratio_high_a | is_close_a] = MarginState.WARNING
    called_a = equity_a < initial_a + _share_a(initial_a, bounds.gap_ppm)
    state_a[called_a] = MarginState.MARGIN_CALL
    liquidated_a = equity_a < maintenance_a + _share_a(maintenance_a, bounds.gap_ppm)
    state_a[liquidated_a] = MarginState.LIQUIDATION
    return state_a


def margin_ratio(risk: Risk, strain_ppm: int = 0) -> float:
    """Maintenance margin / equity of positions, for people and for sorting. [MON-03]

    Infinite where equity is not above zero and something is required or owed; 0 where nothing is.
    No less than the largest strain of a position.
    """
    if risk.equity > 0:
        return max(risk.maintenance / risk.equity, strain_ppm / PPM)
    return float("inf") if risk.maintenance or risk.equity else strain_ppm / PPM


def margin_ratios(figures: AccountFigures) -> FloatArray:
    """As `margin_ratio` for all accounts of the figures (axis A)."""
    equity_a, maintenance_a = figures.equity_a, figures.maintenance_a
    has_equity_a = equity_a > 0
    safe_a = np.where(has_equity_a, equity_a, 1)
    is_owing_a = ~has_equity_a & ((maintenance_a != 0) | (equity_a != 0))
    ratio_a = np.where(has_equity_a, maintenance_a / safe_a, 0.0)
    return np.maximum(np.where(is_owing_a, np.inf, ratio_a), figures.strain_ppm_a / PPM)


def _share(amount: int, ppm: int) -> int:
    """A share of an amount, rounded up: integers are below it just when they are below this."""
    return ceil_div(amount * ppm, PPM)


def _share_a(amount_a: IntArray, ppm: int) -> IntArray:
    """As `_share`, in parts that an int64 holds."""
    if not ppm:
        return np.zeros_like(amount_a)
    whole_a = amount_a // PPM
    rest_a = amount_a - whole_a * PPM
    return np.asarray(whole_a * ppm + (rest_a * ppm + (PPM - 1)) // PPM)
