"""Worlds of several underlyings: one scenario is one world for all of them."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import FloatArray, read_only
from margingate_engine.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class JointScenarios:
    """move_su: relative price moves > -1. vol_factor_su: new vol over old, > 0. (S, U)"""

    underlyings: tuple[str, ...]
    move_su: FloatArray
    vol_factor_su: FloatArray

    @classmethod
    def from_log_changes(
        cls, underlyings: tuple[str, ...], change_sf: FloatArray
    ) -> "JointScenarios":
        """From log changes of the prices and then the vols of the underlyings, (S, 2 U). [VAR-02]

        InvalidInput when a change is beyond what a price can do and a float can hold.
        """
        count = len(underlyings)
        with np.errstate(over="ignore"):
            move_su, vol_factor_su = np.expm1(change_sf[:, :count]), np.exp(change_sf[:, count:])
        is_possible = np.isfinite(move_su) & (move_su > -1.0)
        if not (is_possible & np.isfinite(vol_factor_su) & (vol_factor_su > 0.0)).all():
            raise InvalidInput("returns", "make a scenario that no price can reach")
        return cls(
            underlyings=underlyings,
            move_su=read_only(move_su),
            vol_factor_su=read_only(vol_factor_su),
        )

    def __len__(self) -> int:
        return len(self.move_su)

    def descriptions(self, underlying: str) -> tuple[str, ...]:
        """What every world does to one underlying, in words; InvalidInput as `column`."""
        column = self.column(underlying)
        moves, factors = self.move_su[:, column].tolist(), self.vol_factor_su[:, column].tolist()
        return tuple(
            f"{underlying} {_percent(move, 1)}, vols {_percent(factor - 1.0, 0)}"
            for move, factor in zip(moves, factors, strict=True)
        )

    def column(self, underlying: str) -> int:
        """Column of an underlying; InvalidInput naming it when it has none."""
        if underlying not in self.underlyings:
            raise InvalidInput(underlying, "has no history of returns")
        return self.underlyings.index(underlying)


def _percent(change: float, places: int) -> str:
    """A relative change, signed; what rounds to nothing is +0%."""
    return f"{round(100.0 * change, places) + 0.0:+.{places}f}%"
