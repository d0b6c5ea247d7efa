"""What a track says of its margin: coverage, independence, zone, procyclicality. [VAR-16 on]"""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import BoolArray
from margingate_engine.statistics.coverage import (
    LikelihoodRatio,
    conditional_coverage,
    independence,
    kupiec,
)
from margingate_engine.statistics.procyclicality import Procyclicality, procyclicality
from margingate_engine.statistics.shortfall_tests import exceeding_losses, unconditional
from margingate_engine.statistics.traffic_light import DAYS, Zone, zone_of
from margingate_server.backtesting.walk import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Figures of one track.

    expected: exceptions that the confidence promises. most_in_window: in any DAYS steps in a row.
    z1, z2: of the shortfall; z1 None without exceptions, both None where a shortfall was 0.
    mean_margin: USD. cyclicality: None where a margin was 0.
    """

    steps: int
    exceptions: int
    expected: float
    most_in_window: int
    frequency: LikelihoodRatio
    independence: LikelihoodRatio
    coverage: LikelihoodRatio
    zone: Zone
    z1: float | None
    z2: float | None
    mean_margin: float
    cyclicality: Procyclicality | None


def exceptions_of(track: Track) -> BoolArray:
    """Per step: the loss was larger than the margin."""
    return np.asarray(-track.pnl_t > track.margin_t)


def findings(track: Track) -> Findings:
    """Every figure of a track of two steps at least."""
    is_exception_t = exceptions_of(track)
    steps, exceptions = len(is_exception_t), int(np.count_nonzero(is_exception_t))
    tail = float(1 - track.settings.confidence)
    count_t = np.cumsum(np.concatenate(([0], is_exception_t)))
    window = min(DAYS, steps)
    has_shortfall = bool((track.shortfall_t > 0).all())
    of_shortfall = (track.pnl_t, track.shortfall_t, is_exception_t)
    return Findings(
        steps=steps,
        exceptions=exceptions,
        expected=steps * tail,
        most_in_window=int((count_t[window:] - count_t[:-window]).max()),
        frequency=kupiec(exceptions, steps, tail),
        independence=independence(is_exception_t),
        coverage=conditional_coverage(is_exception_t, tail),
        zone=zone_of(exceptions, steps, tail),
        z1=exceeding_losses(*of_shortfall) if has_shortfall else None,
        z2=unconditional(*of_shortfall, tail) if has_shortfall else None,
        mean_margin=float(track.margin_t.mean()),
        cyclicality=procyclicality(track.margin_t) if (track.margin_t > 0).all() else None,
    )
