"""The sixteen scenarios and what they do to price and vol. [SPAN-01, SPAN-02]"""

from dataclasses import dataclass
from fractions import Fraction

from tests.reference.contracts import Parameters
from tests.reference.rounding import PICO

YEAR_NS = 365 * 24 * 3600 * 10**9
DAY_NS = 24 * 3600 * 10**9

_THIRDS = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A relative price move, a direction of vol (+1, −1, 0) and a weight."""

    move: Fraction
    vol_direction: int
    weight: Fraction

    @property
    def weighted_move_pico(self) -> int:
        """Weight times move, to the nearest 1e-12. [SPAN-05]"""
        return round(self.weight * self.move * PICO)


def scenarios(parameters: Parameters) -> tuple[Scenario, ...]:
    """The sixteen scenarios in the order of the contract."""
    scan = parameters.price_scan_range
    regular = [
        Scenario(move=scan * Fraction(third, 3), vol_direction=direction, weight=Fraction(1))
        for third in _THIRDS
        for direction in (1, -1)
    ]
    extreme = [
        Scenario(
            move=sign * scan * parameters.extreme_multiple,
            vol_direction=0,
            weight=parameters.extreme_cover,
        )
        for sign in (1, -1)
    ]
    return (*regular, *extreme)


def shocked_vol(vol: float, tau_years: float, parameters: Parameters, direction: int) -> float:
    """Vol after a shift up (+1), down (−1) or not at all (0)."""
    if direction == 0:
        return vol
    days = max(365.0 * tau_years, float(parameters.vol_tenor_floor_days))
    tenor_factor: float = (30.0 / days) ** float(parameters.vol_tenor_power)
    shift = direction * float(parameters.vol_scan_range) * tenor_factor
    moved = vol * (1.0 + shift) if parameters.vol_shift_kind == "relative" else vol + shift
    floor = float(parameters.vol_floor_up) if direction > 0 else 0.0
    return max(moved, floor)
