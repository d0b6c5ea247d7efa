"""Options of one coin to choose from, as they are priced at one instant."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.arrays import BoolArray, FloatArray
from margingate_engine.core.errors import MissingData
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.times import DAY_NS, YEAR_DAYS
from margingate_engine.pricing import black76
from margingate_server.service.market import MarketView

PERPETUAL = "PERPETUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Inverse options (I,) of a coin that have a price, and its perpetual and dated futures.

    index: USD. lot: of options, coins. vol_i: per year as a fraction. futures: (days to expiry,
    name), ascending.
    """

    coin: str
    index: float
    lot: Decimal
    names: tuple[str, ...]
    days_i: FloatArray
    strike_i: FloatArray
    forward_i: FloatArray
    vol_i: FloatArray
    is_call_i: BoolArray
    futures: tuple[tuple[float, str], ...]

    @classmethod
    def of(cls, view: MarketView, coin: str) -> "Chain":
        """The chain in a market; MissingData without options or without the perpetual."""
        table, snapshot = view.table, view.arrays.snapshot
        if coin not in table.underlyings:
            raise MissingData(f"options of {coin}")
        days_i = (table.expiry_ns_i - snapshot.market_time_ns) / DAY_NS
        own_i = snapshot.priced_i(table) & (days_i > 0)
        own_i &= table.underlying_i == table.underlyings.index(coin)
        rows = np.flatnonzero(own_i & table.is_option_i & table.is_inverse_i)
        if not len(rows):
            raise MissingData(f"options of {coin}")
        perpetual = table.row(f"{coin}-{PERPETUAL}")
        if perpetual is None or not own_i[perpetual]:
            raise MissingData(f"{coin}-{PERPETUAL}")
        futures = sorted(
            (float(days_i[row]), table.instruments[row].name)
            for row in np.flatnonzero(own_i).tolist()
            if table.instruments[row].kind is InstrumentKind.FUTURE
        )
        return cls(
            coin=coin,
            index=float(snapshot.index_nano_u[table.underlyings.index(coin)]) / NANO,
            lot=whole(table.instruments[int(rows[0])].lot_nano, NANO),
            names=tuple(table.instruments[row].name for row in rows.tolist()),
            days_i=days_i[rows],
            strike_i=table.strike_i[rows],
            forward_i=snapshot.forward_nano_i[rows] / NANO,
            vol_i=snapshot.vol_nano_i[rows] / NANO,
            is_call_i=table.is_call_i[rows],
            futures=tuple(futures),
        )

    @property
    def perpetual(self) -> str:
        """Its perpetual."""
        return f"{self.coin}-{PERPETUAL}"

    def option(self, days: float, deviations: float, *, is_call: bool) -> int:
        """Place of the option of the expiry nearest to `days`, nearest to a strike.

        deviations: ln(K/F) of that strike in standard deviations of the option's own vol.
        """
        nearest = self.days_i[int(np.argmin(np.abs(self.days_i - days)))]
        places = np.flatnonzero((self.days_i == nearest) & (self.is_call_i == is_call))
        spread_i = self.vol_i[places] * np.sqrt(self.days_i[places] / YEAR_DAYS)
        away_i = np.log(self.strike_i[places] / self.forward_i[places]) / spread_i
        return int(places[int(np.argmin(np.abs(away_i - deviations)))])

    def future(self, days: float) -> str:
        """The dated future whose expiry is nearest."""
        return min(self.futures, key=lambda each: abs(each[0] - days))[1]

    def delta(self, place: int) -> float:
        """Coins of the underlying that a long option is worth as much as, against its forward."""
        return float(
            black76.forward_delta(
                np.array(self.forward_i[place]),
                np.array(self.strike_i[place]),
                np.array(self.vol_i[place]),
                np.array(self.days_i[place] / YEAR_DAYS),
                np.array(self.is_call_i[place]),
            )
        )

    def lots_of(self, coins: float) -> Decimal:
        """Whole lots of options of about so many coins, one at least."""
        return max(1, round(coins / float(self.lot))) * self.lot

    @staticmethod
    def usd_lots(usd: float) -> Decimal:
        """Quantity of an inverse future of about so many USD, signed, in lots of both coins."""
        return Decimal(round(usd / 10) * 10)
