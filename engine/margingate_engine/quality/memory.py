"""What the filter remembers between two updates: frozen, and part of no margin."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.amounts import PPM
from margingate_engine.core.arrays import BoolArray, CodeArray, IntArray, read_only
from margingate_engine.market.snapshot import MarketSnapshot, no_doubt
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.following import Candidates
from margingate_engine.quality.layout import QualityLayout


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualityMemory:
    """Jumps that wait to be confirmed, and why a price in force is not the last that arrived.

    index, level, vol: candidates over underlyings, over instruments (forwards of options, marks of
    futures), and over instruments (vols). code_u, code_i: Doubt about the last that arrived.
    confidence_ppm_i: of the vols that were interpolated, 1e-6 of certainty. good_ns_i: server's
    clock when the last price that passed was received, negative for none.
    """

    layout: QualityLayout
    index: Candidates
    level: Candidates
    vol: Candidates
    code_u: CodeArray
    code_i: CodeArray
    confidence_ppm_i: IntArray
    good_ns_i: IntArray

    def is_trusted_i(self, observed_ns: int, trusted_ns_i: IntArray) -> BoolArray:
        """Where the last good price is younger than trusted_ns_i, by the server's clock."""
        return (self.good_ns_i >= 0) & (observed_ns - self.good_ns_i < trusted_ns_i)

    @classmethod
    def of(cls, table: InstrumentTable, snapshot: MarketSnapshot) -> "QualityMemory":
        """A memory that takes what is in force in a snapshot as it is."""
        count_u, count_i, time_ns = len(table.underlyings), len(table), snapshot.market_time_ns
        return cls(
            layout=QualityLayout.of(table),
            index=Candidates.none(count_u, time_ns),
            level=Candidates.none(count_i, time_ns),
            vol=Candidates.none(count_i, time_ns),
            code_u=no_doubt(count_u),
            code_i=no_doubt(count_i),
            confidence_ppm_i=read_only(np.full(count_i, PPM, dtype=np.int64)),
            good_ns_i=snapshot.observed_ns_i,
        )

    def extended_to(self, table: InstrumentTable, snapshot: MarketSnapshot) -> "QualityMemory":
        """The same for a table that has more rows."""
        if table is self.layout.table:
            return self
        new = QualityMemory.of(table, snapshot)
        old_u, old_i = len(self.code_u), len(self.code_i)
        time_ns = snapshot.market_time_ns
        return QualityMemory(
            layout=new.layout,
            index=self.index.extended_to(len(table.underlyings), time_ns),
            level=self.level.extended_to(len(table), time_ns),
            vol=self.vol.extended_to(len(table), time_ns),
            code_u=read_only(np.concatenate((self.code_u, new.code_u[old_u:]))),
            code_i=read_only(np.concatenate((self.code_i, new.code_i[old_i:]))),
            confidence_ppm_i=read_only(
                np.concatenate((self.confidence_ppm_i, new.confidence_ppm_i[old_i:]))
            ),
            good_ns_i=read_only(np.concatenate((self.good_ns_i, new.good_ns_i[old_i:]))),
        )
