"""One update beside what is in force: all that the rules look at."""

from dataclasses import dataclass, replace

import numpy as np

from margingate_engine.core.arrays import BoolArray
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.memory import QualityMemory
from margingate_engine.quality.parameters import Limits, QualityParameters
from margingate_engine.quality.prices import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Prices that arrived: market time is the market's clock, observed_ns the server's."""

    quotes: Quotes
    market_time_ns: int
    observed_ns: int

    def of_living(self, table: InstrumentTable) -> "Update":
        """The update without quotes of what has expired by its time.

        An expired instrument has left its market: whatever is quoted, it keeps its last price until
        it settles. [SPAN-18]
        """
        lives_r = table.expiry_ns_i[self.quotes.rows] > self.market_time_ns
        return self if lives_r.all() else replace(self, quotes=self.quotes.where(lives_r))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """before: in force. arrived: with the whole update taken. old, new: their prices as floats.

    arrived_u: indices of the update. judged_i: instruments of it that rules apply to; no margin
    rests on a spot's own price.
    """

    before: MarketSnapshot
    arrived: MarketSnapshot
    old: Prices
    new: Prices
    arrived_u: BoolArray
    arrived_i: BoolArray
    judged_i: BoolArray
    limits: Limits
    memory: QualityMemory

    @classmethod
    def of(
        cls,
        before: MarketSnapshot,
        update: Update,
        parameters: QualityParameters,
        memory: QualityMemory,
    ) -> "Case":
        """The case of an update of living instruments; InvalidInput as `with_quotes`."""
        table, quotes = memory.layout.table, update.quotes
        arrived = before.with_quotes(
            table, quotes, market_time_ns=update.market_time_ns, observed_ns=update.observed_ns
        )
        arrived_u = np.array([name in quotes.index_by_underlying for name in table.underlyings])
        arrived_i = np.zeros(len(table), dtype=np.bool_)
        arrived_i[quotes.rows] = True
        return cls(
            before=before,
            arrived=arrived,
            old=Prices.of(table, before),
            new=Prices.of(table, arrived),
            arrived_u=arrived_u.astype(np.bool_),
            arrived_i=arrived_i,
            judged_i=arrived_i & ~table.is_spot_i,
            limits=parameters.limits(table),
            memory=memory,
        )

    @property
    def table(self) -> InstrumentTable:
        """The instruments."""
        return self.memory.layout.table

    @property
    def market_time_ns(self) -> int:
        """Market time of the update."""
        return self.arrived.market_time_ns
