"""A small chain of one coin: a flat forward and a smile, whose prices agree with one another."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import (
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
)
from margingate_engine.core.times import YEAR_NS
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.pricing import black76
from margingate_engine.quality.case import Update
from margingate_engine.quality.doubt import Doubt
from margingate_engine.quality.judge import Judged, judge
from margingate_engine.quality.memory import QualityMemory
from margingate_engine.quality.parameters import QualityParameters, UnderlyingQuality

SECOND_NS = NANO
START_NS = 1_760_000_000 * NANO
EXPIRY_NS = START_NS + YEAR_NS // 10
STRIKES = (80_000, 90_000, 95_000, 100_000, 105_000, 110_000, 120_000)
SPOT = 100_000.0

LIMITS = UnderlyingQuality(
    index_jump_ppm=50_000,
    price_jump_ppm=60_000,
    vol_jump_ppm=200_000,
    vol_jump_points_ppm=100_000,
    jump_ns=60 * SECOND_NS,
    jump_growth_ppm=4_000_000,
    confirmations=2,
    confirm_ns=2 * SECOND_NS,
    agree_ppm=30_000,
    basis_ppm=50_000,
    basis_annual_ppm=500_000,
    forward_gap_ppm=10_000,
    vol_min_ppm=50_000,
    vol_max_ppm=5_000_000,
    vol_gap_ppm=500_000,
    vol_gap_points_ppm=300_000,
    mark_gap_ppm=5_000,
    parity_gap_ppm=5_000,
    kept_confidence_ppm=900_000,
    kept_ns=30 * SECOND_NS,
    trusted_ns=0,
    interpolated_confidence_ppm=950_000,
    interpolated_width_ppm=350_000,
    confidence_min_ppm=500_000,
    surcharge_ppm=50_000,
    is_dollar_coin=0,
)


def option(
    name: str, strike: int, right: OptionRight, *, coin: str, is_inverse: bool
) -> Instrument:
    return Instrument(
        name=name,
        kind=InstrumentKind.OPTION,
        underlying=coin,
        settlement=Settlement.INVERSE if is_inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=NANO // 10,
        tick_nano=NANO // 10_000,
        expiry_ns=EXPIRY_NS,
        strike_nano=strike * NANO,
        right=right,
    )


def future(name: str, expiry_ns: int | None, *, coin: str, is_inverse: bool) -> Instrument:
    return Instrument(
        name=name,
        kind=InstrumentKind.PERPETUAL if expiry_ns is None else InstrumentKind.FUTURE,
        underlying=coin,
        settlement=Settlement.INVERSE if is_inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=NANO // 10,
        tick_nano=NANO // 2,
        expiry_ns=expiry_ns,
    )


def instruments(coin: str = "BTC", *, is_inverse: bool = True) -> tuple[Instrument, ...]:
    """Calls and puts C80 to P120 (of other coins with their name before it), a future, a perpetual
    and spot."""
    prefix = "" if coin == "BTC" else f"{coin}-"
    options = [
        option(
            f"{prefix}{right.name[0]}{strike // 1000}",
            strike,
            right,
            coin=coin,
            is_inverse=is_inverse,
        )
        for strike in STRIKES
        for right in OptionRight
    ]
    spot = Instrument(
        name=f"{prefix}SPOT",
        kind=InstrumentKind.SPOT,
        underlying=coin,
        settlement=Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=NANO // 10,
        tick_nano=NANO // 2,
    )
    return (
        *options,
        future(f"{prefix}FUTURE", EXPIRY_NS, coin=coin, is_inverse=is_inverse),
        future(f"{prefix}PERPETUAL", None, coin=coin, is_inverse=is_inverse),
        spot,
    )


TABLE = InstrumentTable(instruments())


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What is quoted at one time. changes: of single instruments, (mark, vol, forward) factors."""

    index: float | None = SPOT
    forward: float = SPOT
    vol: float = 0.6
    at_seconds: float = 0.0
    changes: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    table: InstrumentTable = TABLE

    def quotes(self) -> Quotes:
        """Prices that follow from one forward and a smile, changed as asked."""
        table = self.table
        names = tuple(each.name for each in table.instruments) if self.names is None else self.names
        rows = np.array([table.row_by_name[name] for name in names], dtype=np.int64)
        is_option_r = table.is_option_i[rows]
        strike_r = np.where(is_option_r, table.strike_i[rows], self.forward)
        vol_r = self.vol * (1.0 + 0.5 * np.log(strike_r / self.forward) ** 2)
        tau_r = max(0, EXPIRY_NS - self.time_ns) / YEAR_NS * np.ones(len(rows))
        forward_r = np.full(len(rows), self.forward)
        worth_r = black76.value(forward_r, strike_r, vol_r, tau_r, table.is_call_i[rows])
        worth_r = np.where(table.is_inverse_i[rows], worth_r / forward_r, worth_r)
        columns = [
            np.where(is_option_r, worth_r, self.forward),
            np.where(is_option_r, vol_r, 0.0),
            np.where(is_option_r, forward_r, 0.0),
        ]
        for name, factors in self.changes.items():
            place = names.index(name)
            for column, factor in zip(columns, factors, strict=True):
                column[place] *= factor
        return Quotes(
            index_by_underlying={}
            if self.index is None
            else dict.fromkeys(table.underlyings, self.index),
            rows=rows,
            mark_price_i=columns[0],
            mark_vol_i=columns[1],
            forward_price_i=columns[2],
        )

    @property
    def time_ns(self) -> int:
        return START_NS + round(self.at_seconds * SECOND_NS)


class Watched:
    """A market that is judged tick after tick; the server's clock is the market's."""

    def __init__(self, table: InstrumentTable = TABLE, **limits: int) -> None:
        self.table = table
        self.parameters = QualityParameters(otherwise=replace(LIMITS, **limits), by_underlying={})
        self.snapshot = MarketSnapshot.empty(table)
        self.memory = QualityMemory.of(table, self.snapshot)

    def take(self, tick: Tick) -> Judged:
        update = Update(quotes=tick.quotes(), market_time_ns=tick.time_ns, observed_ns=tick.time_ns)
        judged = judge(self.snapshot, update, self.parameters, self.memory)
        self.snapshot, self.memory = judged.snapshot, judged.memory
        return judged

    def index(self) -> float:
        return float(self.snapshot.index_nano_u[0]) / NANO

    def row(self, name: str) -> int:
        return self.table.row_by_name[name]

    def mark(self, name: str) -> float:
        return float(self.snapshot.mark_nano_i[self.row(name)]) / NANO

    def vol(self, name: str) -> float:
        return float(self.snapshot.vol_nano_i[self.row(name)]) / NANO

    def forward(self, name: str) -> float:
        return float(self.snapshot.forward_nano_i[self.row(name)]) / NANO

    def doubt(self, name: str) -> Doubt:
        return Doubt(int(self.snapshot.doubt_i[self.row(name)]))

    def index_doubt(self) -> Doubt:
        return Doubt(int(self.snapshot.doubt_u[0]))

    def surcharge_ppm(self, name: str) -> int:
        return int(self.snapshot.surcharge_ppm_i[self.row(name)])

    def code(self, name: str) -> Doubt:
        """Why the price in force is not the last that arrived."""
        return Doubt(int(self.memory.code_i[self.row(name)]))
