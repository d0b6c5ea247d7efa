"""Worlds of several underlyings: one scenario is one world for all of them."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.table import FloatArray, read_only


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

    def column(self, underlying: str) -> int:
        """Column of an underlying; InvalidInput naming it when it has none."""
        if underlying not in self.underlyings:
            raise InvalidInput(underlying, "has no history of returns")
        return self.underlyings.index(underlying)
