"""What is known about prices at one instant: immutable, versioned, in integers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    ScalarT,
    read_only,
)
from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.table import InstrumentTable

NEVER_OBSERVED_NS = -1
UNKNOWN_MARK = -1
PRICE_MAX = 9e8
VOL_MAX = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """New prices to put over a snapshot; n-th entries belong together.

    index_by_underlying: USD. rows: instruments by row number. mark_price_i: quote currency.
    mark_vol_i: per year as a fraction. forward_price_i: USD.
    """

    index_by_underlying: Mapping[str, float]
    rows: IntArray
    mark_price_i: FloatArray
    mark_vol_i: FloatArray
    forward_price_i: FloatArray

    def where(self, kept_r: BoolArray) -> "Quotes":
        """These quotes with the instruments for which `kept_r` is True; every index."""
        return Quotes(
            index_by_underlying=self.index_by_underlying,
            rows=self.rows[kept_r],
            mark_price_i=self.mark_price_i[kept_r],
            mark_vol_i=self.mark_vol_i[kept_r],
            forward_price_i=self.forward_price_i[kept_r],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """Prices of every instrument of a table at `market_time_ns`.

    Arrays over instruments (axis I) and underlyings (axis U) are int64 in 1e-9 units.
    `observed_ns_*` is the server's clock when the entry was last received, NEVER_OBSERVED_NS before
    the first time. surcharge_ppm_i: 1e-6 of notional that positions and orders put up on top,
    because the price is less than certain; part of what a margin takes. doubt_*: int8, 0 or why no
    order may rest on the price, see quality/doubt; no part of a margin.
    """

    version: int
    market_time_ns: int
    index_nano_u: IntArray
    observed_ns_u: IntArray
    mark_nano_i: IntArray
    vol_nano_i: IntArray
    forward_nano_i: IntArray
    observed_ns_i: IntArray
    surcharge_ppm_i: IntArray
    doubt_u: CodeArray
    doubt_i: CodeArray

    @classmethod
    def empty(cls, table: InstrumentTable) -> "MarketSnapshot":
        """The snapshot before the first price, version 0."""
        return cls(
            version=0,
            market_time_ns=0,
            index_nano_u=_zeros(len(table.underlyings)),
            observed_ns_u=_never(len(table.underlyings)),
            mark_nano_i=_zeros(len(table)),
            vol_nano_i=_zeros(len(table)),
            forward_nano_i=_zeros(len(table)),
            observed_ns_i=_never(len(table)),
            surcharge_ppm_i=_zeros(len(table)),
            doubt_u=no_doubt(len(table.underlyings)),
            doubt_i=no_doubt(len(table)),
        )

    def extended_to(self, table: InstrumentTable) -> "MarketSnapshot":
        """The same prices for a table that has more rows; the new ones were never observed."""
        more_i = len(table) - len(self.mark_nano_i)
        more_u = len(table.underlyings) - len(self.index_nano_u)
        if not more_i and not more_u:
            return self
        return replace(
            self,
            version=self.version + 1,
            index_nano_u=_joined(self.index_nano_u, _zeros(more_u)),
            observed_ns_u=_joined(self.observed_ns_u, _never(more_u)),
            mark_nano_i=_joined(self.mark_nano_i, _zeros(more_i)),
            vol_nano_i=_joined(self.vol_nano_i, _zeros(more_i)),
            forward_nano_i=_joined(self.forward_nano_i, _zeros(more_i)),
            observed_ns_i=_joined(self.observed_ns_i, _never(more_i)),
            surcharge_ppm_i=_joined(self.surcharge_ppm_i, _zeros(more_i)),
            doubt_u=_joined(self.doubt_u, no_doubt(more_u)),
            doubt_i=_joined(self.doubt_i, no_doubt(more_i)),
        )

    def with_last_marks(self, table: InstrumentTable, mark_nano_i: IntArray) -> "MarketSnapshot":
        """This one with former marks of what has expired and was not observed since.

        mark_nano_i: of the first rows of the table, 1e-9, UNKNOWN_MARK where there is none. What is
        taken from it counts as observed at its expiry: a decision rested on it.
        """
        lost_i = (self.observed_ns_i < 0) & self.has_expired_i(table)
        lost_i[len(mark_nano_i) :] = False
        lost_i[: len(mark_nano_i)] &= mark_nano_i != UNKNOWN_MARK
        rows = np.flatnonzero(lost_i)
        if not len(rows):
            return self
        marks_i, observed_ns_i = self.mark_nano_i.copy(), self.observed_ns_i.copy()
        marks_i[rows], observed_ns_i[rows] = mark_nano_i[rows], table.expiry_ns_i[rows]
        return replace(self, mark_nano_i=read_only(marks_i), observed_ns_i=read_only(observed_ns_i))

    def with_quotes(
        self, table: InstrumentTable, quotes: Quotes, *, market_time_ns: int, observed_ns: int
    ) -> "MarketSnapshot":
        """The next version; InvalidInput when a price is not finite, out of range or old.

        What is quoted is taken without doubt or surcharge: judging comes before or after.
        """
        if market_time_ns < self.market_time_ns:
            raise InvalidInput("market_time", "is before the market's last")
        rows = quotes.rows
        index_nano_u, observed_ns_u = self.index_nano_u.copy(), self.observed_ns_u.copy()
        doubt_u, doubt_i = self.doubt_u.copy(), self.doubt_i.copy()
        for name, price in quotes.index_by_underlying.items():
            if name not in table.underlyings:
                raise InvalidInput("indices", f"name {name}, which has no instrument")
            if not 0 < price <= PRICE_MAX:
                raise InvalidInput("indices", "must be positive and below 9e8")
            number = table.underlyings.index(name)
            index_nano_u[number] = round(price * NANO)
            observed_ns_u[number] = observed_ns
            doubt_u[number] = 0
        observed_ns_i, surcharge_ppm_i = self.observed_ns_i.copy(), self.surcharge_ppm_i.copy()
        observed_ns_i[rows] = observed_ns
        surcharge_ppm_i[rows], doubt_i[rows] = 0, 0
        return MarketSnapshot(
            version=self.version + 1,
            market_time_ns=market_time_ns,
            index_nano_u=read_only(index_nano_u),
            observed_ns_u=read_only(observed_ns_u),
            mark_nano_i=_patched(self.mark_nano_i, rows, quotes.mark_price_i, "mark_prices"),
            vol_nano_i=_patched(self.vol_nano_i, rows, quotes.mark_vol_i, "mark_vols", VOL_MAX),
            forward_nano_i=_patched(
                self.forward_nano_i, rows, quotes.forward_price_i, "forward_prices"
            ),
            observed_ns_i=read_only(observed_ns_i),
            surcharge_ppm_i=read_only(surcharge_ppm_i),
            doubt_u=read_only(doubt_u),
            doubt_i=read_only(doubt_i),
        )

    def certain(self, rows: Sequence[int]) -> "MarketSnapshot":
        """This one without doubts and surcharges of some rows, on which nothing rests any more."""
        chosen = list(rows)
        if not (self.doubt_i[chosen].any() or self.surcharge_ppm_i[chosen].any()):
            return self
        doubt_i, surcharge_ppm_i = self.doubt_i.copy(), self.surcharge_ppm_i.copy()
        doubt_i[chosen] = surcharge_ppm_i[chosen] = 0
        return replace(self, doubt_i=read_only(doubt_i), surcharge_ppm_i=read_only(surcharge_ppm_i))

    def has_expired_i(self, table: InstrumentTable) -> BoolArray:
        """Bool over rows: its expiry is not after market time."""
        return np.asarray(table.expiry_ns_i <= self.market_time_ns)

    def priced_i(self, table: InstrumentTable) -> BoolArray:
        """Bool over rows: has every price that valuing it needs; an expired option its mark."""
        has_index = (self.observed_ns_u >= 0)[table.underlying_i]
        has_mark = (self.observed_ns_i >= 0) & ((self.mark_nano_i > 0) | table.is_option_i)
        has_surface = (self.forward_nano_i > 0) & (self.vol_nano_i > 0)
        needs_surface = table.is_option_i & ~self.has_expired_i(table)
        return np.asarray(
            has_index & (table.is_spot_i | (has_mark & (~needs_surface | has_surface)))
        )


def _zeros(count: int) -> IntArray:
    return read_only(np.zeros(count, dtype=np.int64))


def _never(count: int) -> IntArray:
    return read_only(np.full(count, NEVER_OBSERVED_NS, dtype=np.int64))


def no_doubt(count: int) -> CodeArray:
    """Codes of `count` prices that are in no doubt."""
    return read_only(np.zeros(count, dtype=np.int8))


def _joined(first: NDArray[ScalarT], second: NDArray[ScalarT]) -> NDArray[ScalarT]:
    return read_only(np.concatenate((first, second)))


def _patched(
    old_i: IntArray, rows: IntArray, new: FloatArray, field: str, largest: float = PRICE_MAX
) -> IntArray:
    """A copy of `old_i` with the floats `new`, in 1e-9, at `rows`."""
    if not (np.isfinite(new).all() and (new >= 0).all() and (new <= largest).all()):
        raise InvalidInput(field, f"must be finite, not negative and at most {largest:g}")
    patched = old_i.copy()
    patched[rows] = np.rint(new * NANO).astype(np.int64)
    return read_only(patched)
