"""Prices and vols of several underlyings on the dates that all of them have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.scenarios.history import ReturnHistory

Closes = Mapping[date, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """dates: of T closes. history: the T - 1 changes between them. vol_tu: vols per year, (T, U).

    A vol that no portfolio needs is 0 and never changes.
    """

    dates: tuple[date, ...]
    history: ReturnHistory
    vol_tu: FloatArray

    @property
    def underlyings(self) -> tuple[str, ...]:
        """Columns, in order."""
        return self.history.underlyings


def panel(
    underlyings: Sequence[str],
    vol_underlyings: Sequence[str],
    price_by_name: Mapping[str, Closes],
    vol_by_name: Mapping[str, Closes],
) -> Panel:
    """Panel of these underlyings, vols (given in per cent) only where named.

    InvalidInput when a series is not there or fewer than two dates are common to all.
    """
    series = [_series("prices", price_by_name, name) for name in underlyings]
    series += [_series("vols", vol_by_name, name) for name in vol_underlyings]
    common = set.intersection(*(set(each) for each in series))
    if len(common) < 2:
        raise InvalidInput("prices", "have fewer than two dates in common")
    dates = tuple(sorted(common))
    spot_tu = np.array([[price_by_name[name][day] for name in underlyings] for day in dates])
    vol_tu = np.zeros_like(spot_tu)
    vol_change_tu = np.zeros((len(dates) - 1, len(underlyings)))
    for column, name in enumerate(underlyings):
        if name in vol_underlyings:
            vol_tu[:, column] = [vol_by_name[name][day] / 100.0 for day in dates]
            vol_change_tu[:, column] = np.diff(np.log(vol_tu[:, column]))
    history = ReturnHistory(
        underlyings=tuple(underlyings),
        spot_tu=np.diff(np.log(spot_tu), axis=0),
        vol_tu=vol_change_tu,
    )
    return Panel(dates=dates, history=history, vol_tu=vol_tu)


def _series(kind: str, by_name: Mapping[str, Closes], name: str) -> Closes:
    if name not in by_name:
        raise InvalidInput(kind, f"are missing for {name}")
    return by_name[name]
