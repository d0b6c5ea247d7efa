"""How far prices may move and disagree, by underlying."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from margingate_engine.core.amounts import NANO, PPM
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.table import InstrumentTable

_HOUR_NS = 3_600 * NANO
_RATIO = (1, 10 * PPM)
_SHARE = (0, PPM)
_SPAN_NS = (NANO // 1_000, _HOUR_NS)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingQuality:
    """Limits for the prices of one underlying; ratios in 1e-6, times in nanoseconds.

    index_jump, price_jump: largest move of an index, and of a forward or of a future, that is taken
    at once; vol_jump of the former vol, and vol_jump_points (1e-6 of 100 %) on top. They grow with
    the root of the market time since the price was last taken, doubling in three times jump_ns, up
    to jump_growth_ppm. A larger one is taken when as many further updates as `confirmations`, over
    at least confirm_ns, are each within `agree` of the one before.
    basis, basis_annual: largest distance of forward or future from the index, and more per year to
    expiry. forward_gap: from the median of the expiry. vol_min, vol_max. vol_gap of the median of
    the neighbours, and vol_gap_points on top. mark_gap, parity_gap: in units of the forward, or of
    the strike where it is higher.
    kept_confidence: of a price whose successor was refused, falling to zero when it is kept_ns old.
    trusted_ns: younger than that a good price costs nothing and is not interpolated, whatever came
    after it.
    interpolated_confidence: of an interpolated vol, falling to zero where the strikes beside it are
    interpolated_width apart in log terms. Below confidence_min no order may rest on a price; above
    it `surcharge`, times what is missing to 1, is put up per notional.
    is_dollar_coin: 1 where linear contracts may be quoted in this underlying instead of USD.
    """

    index_jump_ppm: int
    price_jump_ppm: int
    vol_jump_ppm: int
    vol_jump_points_ppm: int
    jump_ns: int
    jump_growth_ppm: int
    confirmations: int
    confirm_ns: int
    agree_ppm: int
    basis_ppm: int
    basis_annual_ppm: int
    forward_gap_ppm: int
    vol_min_ppm: int
    vol_max_ppm: int
    vol_gap_ppm: int
    vol_gap_points_ppm: int
    mark_gap_ppm: int
    parity_gap_ppm: int
    kept_confidence_ppm: int
    kept_ns: int
    trusted_ns: int
    interpolated_confidence_ppm: int
    interpolated_width_ppm: int
    confidence_min_ppm: int
    surcharge_ppm: int
    is_dollar_coin: int

    def __post_init__(self) -> None:
        """Refuse what lies outside of BOUNDS; InvalidInput names the field."""
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(name, f"must lie in [{least}, {most}]")
        if self.vol_min_ppm > self.vol_max_ppm:
            raise InvalidInput("vol_min_ppm", "must not be above vol_max")


BOUNDS: Mapping[str, tuple[int, int]] = {
    "index_jump_ppm": _RATIO,
    "price_jump_ppm": _RATIO,
    "vol_jump_ppm": (0, 10 * PPM),
    "vol_jump_points_ppm": (1, 100 * PPM),
    "jump_ns": _SPAN_NS,
    "jump_growth_ppm": (PPM, 100 * PPM),
    "confirmations": (1, 100),
    "confirm_ns": (0, _HOUR_NS),
    "agree_ppm": (1, PPM),
    "basis_ppm": _RATIO,
    "basis_annual_ppm": (0, 10 * PPM),
    "forward_gap_ppm": _RATIO,
    "vol_min_ppm": (0, 100 * PPM),
    "vol_max_ppm": (1, 100 * PPM),
    "vol_gap_ppm": (0, 10 * PPM),
    "vol_gap_points_ppm": (1, 100 * PPM),
    "mark_gap_ppm": _RATIO,
    "parity_gap_ppm": _RATIO,
    "kept_confidence_ppm": _SHARE,
    "kept_ns": _SPAN_NS,
    "trusted_ns": (0, _HOUR_NS),
    "interpolated_confidence_ppm": _SHARE,
    "interpolated_width_ppm": _RATIO,
    "confidence_min_ppm": _SHARE,
    "surcharge_ppm": _SHARE,
    "is_dollar_coin": (0, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityParameters:
    """Limits of every underlying: its own, or those that hold otherwise."""

    otherwise: UnderlyingQuality
    by_underlying: Mapping[str, UnderlyingQuality]
    _last: "list[Limits]" = field(init=False, repr=False, compare=False, default_factory=list)

    def limits(self, table: InstrumentTable) -> "Limits":
        """The limits of a table as arrays; those of the table last asked about are at hand."""
        if not self._last or self._last[0].table is not table:
            chosen = [self.by_underlying.get(name, self.otherwise) for name in table.underlyings]
            limit_u_by_name = {
                name: np.array([getattr(one, name) for one in chosen], dtype=np.int64)
                for name in BOUNDS
            }
            self._last[:] = [Limits(table, limit_u_by_name)]
        return self._last[0]


class Limits:
    """Each limit as arrays over the underlyings (axis U) and the instruments (axis I) of a table.

    whole_*: int64 by the name of the field. ratio_*: float64 fractions by the name without `_ppm`.
    """

    def __init__(self, table: InstrumentTable, limit_u_by_name: Mapping[str, IntArray]) -> None:
        """Work all of them out."""
        self.table = table
        self.whole_u = limit_u_by_name
        self.whole_i = {
            name: limit_u[table.underlying_i] for name, limit_u in limit_u_by_name.items()
        }
        self.ratio_u = _ratios(self.whole_u)
        self.ratio_i = _ratios(self.whole_i)


def _ratios(whole: Mapping[str, IntArray]) -> dict[str, FloatArray]:
    """Fractions of what is in 1e-6."""
    return {
        name.removesuffix("_ppm"): np.asarray(limit / PPM)
        for name, limit in whole.items()
        if name.endswith("_ppm")
    }
