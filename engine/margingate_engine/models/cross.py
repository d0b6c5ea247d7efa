"""The model `cross`: every position for itself, one pool of equity. docs/methodology/cross.md"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO, ceil_div
from margingate_engine.core.charges import Charge
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import FloatArray, InstrumentTable
from margingate_engine.models.mark_values import LotRisk, MarkValues, mark_values, risk_arrays
from margingate_engine.models.parameter_table import ParameterTable, digest
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import NOT_A_SCENARIO, EquityBasis, Requirement
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import PPM, GroupArrays, RiskArrays
from margingate_engine.scenarios.rounding import fits, units_up


@dataclass(frozen=True, kw_only=True)
class CrossParameters(ParameterTable):
    """Ratios of one underlying: of the index for options, of the notional for futures. [CROSS-02]

    future_initial_slope, future_maintenance_slope: added to the ratio per coin of the position.
    """

    short_initial: Decimal
    short_initial_minimum: Decimal
    short_maintenance: Decimal
    put_maintenance_of_mark: Decimal
    future_initial: Decimal
    future_initial_slope: Decimal
    future_maintenance: Decimal
    future_maintenance_slope: Decimal
    collateral_haircut: Decimal

    MODEL: ClassVar[str] = "cross"
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "short_initial": ("0", "1"),
        "short_initial_minimum": ("0", "1"),
        "short_maintenance": ("0", "1"),
        "put_maintenance_of_mark": ("0", "1"),
        "future_initial": ("0.000001", "1"),
        "future_initial_slope": ("0", "1"),
        "future_maintenance": ("0.000001", "1"),
        "future_maintenance_slope": ("0", "1"),
        "collateral_haircut": ("0", "0.999999"),
    }

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, and a maintenance margin above the initial one."""
        super().__post_init__()
        for maintenance, initial in (
            ("short_maintenance", "short_initial_minimum"),
            ("future_maintenance", "future_initial"),
            ("future_maintenance_slope", "future_initial_slope"),
        ):
            if getattr(self, maintenance) > getattr(self, initial):
                raise InvalidInput(maintenance, f"must not be above {initial}")


@dataclass(frozen=True, slots=True)
class _Lots:
    """What one lot of a row is: maintenance of a short option and notional in 1e-6 USD, size."""

    short_maintenance_i: list[int]
    notional_i: list[int]


@dataclass(frozen=True, slots=True)
class CrossMargin:
    """What the positions of a group require, 1e-6 USD; with orders, at most."""

    underlying: str
    options: int
    futures: int
    maintenance: int


class CrossModel:
    """No offset between positions: each requires its own margin. [CROSS-01]"""

    name = "cross"
    equity_basis = EquityBasis.WITHOUT_OPTION_VALUE
    worst_fill = Exactness.BOUND

    def __init__(self, parameters: Mapping[str, CrossParameters]) -> None:
        self.parameters = dict(parameters)
        self.parameters_digest = digest(self.parameter_items())

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Mapping[str, object]]) -> "CrossModel":
        """The model from one table of parameters per underlying; InvalidInput names the wrong."""
        return cls({name: CrossParameters.from_mapping(name, each) for name, each in raw.items()})

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Underlying, name and value of every parameter, in order."""
        return [
            (underlying, name, value)
            for underlying in sorted(self.parameters)
            for name, value in self.parameters[underlying].items()
        ]

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """What a short option requires by lot, and lots of futures by row. [CROSS-02, CROSS-03]"""
        values = mark_values(table, snapshot, self.parameters)
        initial_i, maintenance_i = self._short_options(table, snapshot, values)
        values = values.keeping(fits(initial_i) & fits(maintenance_i))
        short_initial_i = units_up(np.where(values.priced_i, initial_i, 0.0))
        short_maintenance_i = units_up(np.where(values.priced_i, maintenance_i, 0.0))
        is_future_i = (table.is_future_i & values.priced_i).tolist()
        lot = LotRisk(
            pnl_is=np.zeros((len(table), 0), dtype=np.int64),
            features_i=[((row, 1),) if each else () for row, each in enumerate(is_future_i)],
            minimum_i=short_initial_i,
            own=_Lots(short_maintenance_i.tolist(), units_up(values.notional_i).tolist()),
        )
        groups = {name: self._group(table, snapshot, name) for name in self.parameters}
        return risk_arrays(self, groups, values, lot)

    def _group(
        self, table: InstrumentTable, snapshot: MarketSnapshot, name: str
    ) -> GroupArrays | None:
        number = table.underlyings.index(name) if name in table.underlyings else None
        index_nano = 0 if number is None else int(snapshot.index_nano_u[number])
        if index_nano <= 0:
            return None
        return GroupArrays(
            underlying=name,
            descriptions=(),
            index_nano=index_nano,
            coin_factor_s=(),
            coin_feature_ppm=0,
            haircut_ppm=int(self.parameters[name].collateral_haircut * PPM),
        )

    def _short_options(
        self, table: InstrumentTable, snapshot: MarketSnapshot, values: MarkValues
    ) -> tuple[FloatArray, FloatArray]:
        """(initial, maintenance) of one short lot, 1e-6 USD, marks included. [CROSS-02]"""
        initial_i, maintenance_i = np.zeros(len(table)), np.zeros(len(table))
        lives_i = ~snapshot.has_expired_i(table)
        for number, name in enumerate(table.underlyings):
            parameters = self.parameters.get(name)
            is_of_group_i = values.priced_i & table.is_option_i & (table.underlying_i == number)
            rows = np.flatnonzero(is_of_group_i)
            if parameters is None or not len(rows):
                continue
            index = int(snapshot.index_nano_u[number]) / NANO
            notional_i, mark_i = values.notional_i[rows], values.value_i[rows]
            strike_i, is_call_i = table.strike_i[rows], table.is_call_i[rows]
            out_i = np.maximum(np.where(is_call_i, strike_i - index, index - strike_i), 0.0)
            ratio_i = np.maximum(
                float(parameters.short_initial) - out_i / index,
                float(parameters.short_initial_minimum),
            )
            kept_i = float(parameters.short_maintenance) * notional_i
            of_mark_i = float(parameters.put_maintenance_of_mark) * mark_i
            kept_i = np.where(is_call_i, kept_i, np.maximum(kept_i, of_mark_i)) * lives_i[rows]
            maintenance_i[rows] = kept_i + mark_i
            initial_i[rows] = np.maximum(ratio_i * notional_i * lives_i[rows], kept_i) + mark_i
        # What has expired in coins has no value in USD above; it is owed all the same.
        owed_i = values.coin_pico_i * (snapshot.index_nano_u / NANO)[table.underlying_i] / MICRO
        owed_i = np.where(table.is_option_i, owed_i, 0.0)
        return initial_i + owed_i, maintenance_i + owed_i

    def group_margin(
        self, number: int, totals: GroupTotals, holds: Sequence[OrderTotals]
    ) -> CrossMargin:
        """What the positions of a group require one by one. [CROSS-03, CROSS-04]"""
        del number
        parameters = self.parameters[totals.group.underlying]
        highest, lowest = totals.extreme_features(holds)
        futures = sum(
            max(
                _future(totals, parameters, row, lots, is_initial=True)
                for lots in (highest[row], lowest[row])
            )
            for row in highest
            if row in totals.lots or highest[row] or lowest[row]
        )
        return CrossMargin(
            totals.group.underlying,
            totals.worst_minimum(holds) if holds else totals.minimum,
            futures,
            0 if holds else _maintenance(totals, parameters),
        )

    def requirements(self, margins: Mapping[int, CrossMargin]) -> list[Requirement]:
        """One requirement a group, the sum over its positions. [CROSS-01]"""
        return [_requirement(number, margin) for number, margin in margins.items()]

    def maintenance(self, margins: Mapping[int, CrossMargin]) -> int:
        """The sum over the positions. [CROSS-03]"""
        return sum(margin.maintenance for margin in margins.values())

    def size_kinks(
        self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals
    ) -> Iterable[int]:
        """None: what a position requires is convex in its size. [DEC-06]"""
        del before, filled, hold
        return ()


def _requirement(number: int, margin: CrossMargin) -> Requirement:
    charges = (
        (Charge.SHORT_OPTION_MARGIN, margin.options),
        (Charge.FUTURE_MARGIN, margin.futures),
    )
    return Requirement(
        subject=margin.underlying,
        total=margin.options + margin.futures,
        charges=charges,
        binding=max(charges, key=lambda charge: charge[1]),
        scenario=NOT_A_SCENARIO,
        words="each position for itself",
        groups=(number,),
        is_exact=False,
    )


def _maintenance(totals: GroupTotals, parameters: CrossParameters) -> int:
    own: _Lots = totals.arrays.own
    table = totals.arrays.table
    return sum(
        _future(totals, parameters, row, lots, is_initial=False)
        if table.is_future_i[row]
        else max(0, -lots) * own.short_maintenance_i[row]
        for row, lots in totals.lots.items()
    )


def _future(
    totals: GroupTotals, parameters: CrossParameters, row: int, lots: int, *, is_initial: bool
) -> int:
    """Margin of so many lots (signed) of a future, 1e-6 USD, rounded up. [CROSS-02]"""
    own: _Lots = totals.arrays.own
    table, snapshot = totals.arrays.table, totals.arrays.snapshot
    ratio = parameters.future_initial if is_initial else parameters.future_maintenance
    slope = parameters.future_initial_slope if is_initial else parameters.future_maintenance_slope
    notional = abs(lots) * own.notional_i[row]
    coins = Fraction(notional * NANO, MICRO * totals.group.index_nano)
    if snapshot.has_expired_i(table)[row]:
        return 0
    rate = min(Fraction(ratio) + Fraction(slope) * coins, Fraction(1))
    return ceil_div(notional * rate.numerator, rate.denominator)
