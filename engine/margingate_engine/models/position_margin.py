"""What a position requires for itself: by ratio of the index or of its notional. [CROSS-02]"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO, PPM, ceil_div
from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.mark_values import LotRisk, MarkValues, mark_values, risk_arrays
from margingate_engine.models.parameter_table import ParameterTable
from margingate_engine.models.table_model import group_without_scenarios
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import SPOT_KEY, RiskArrays, lots_key, lots_row
from margingate_engine.scenarios.rounding import fits, units_up

NANO_COINS_PER_MICRO = NANO // MICRO
"""1e-6 USD over an index in 1e-9 USD is so many coins."""


@dataclass(frozen=True, kw_only=True)
class PositionParameters(ParameterTable):
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
class LotFigures:
    """What one lot of a row is: maintenance of a short option and notional, 1e-6 USD, rounded up.

    rates_u: per underlying (initial ratio, its slope, maintenance ratio, its slope) in 1e-6.
    """

    short_maintenance_i: list[int]
    notional_i: list[int]
    rates_u: tuple[tuple[int, int, int, int] | None, ...]


def position_arrays(
    model: MarginModel,
    parameters: Mapping[str, PositionParameters],
    table: InstrumentTable,
    snapshot: MarketSnapshot,
) -> RiskArrays:
    """Arrays without scenarios: what a short option requires by lot, lots of futures by row."""
    values = mark_values(table, snapshot, parameters)
    initial_i, maintenance_i = _short_options(table, snapshot, values, parameters)
    values = values.keeping(fits(initial_i) & fits(maintenance_i))
    is_future_i = (table.is_future_i & values.priced_i).tolist()
    figures = LotFigures(
        units_up(np.where(values.priced_i, maintenance_i, 0.0)).tolist(),
        units_up(values.notional_i).tolist(),
        tuple(_rates(parameters.get(name)) for name in table.underlyings),
    )
    lot = LotRisk(
        pnl_is=np.zeros((len(table), 0), dtype=np.int64),
        features_i=[((lots_key(row), 1),) if each else () for row, each in enumerate(is_future_i)],
        minimum_i=units_up(np.where(values.priced_i, initial_i, 0.0)),
        own=figures,
    )
    groups = {
        name: group_without_scenarios(
            table, snapshot, name, haircut_ppm=int(each.collateral_haircut * PPM)
        )
        for name, each in parameters.items()
    }
    return risk_arrays(model, groups, values, lot)


def _rates(parameters: PositionParameters | None) -> tuple[int, int, int, int] | None:
    if parameters is None:
        return None
    return (
        int(parameters.future_initial * PPM),
        int(parameters.future_initial_slope * PPM),
        int(parameters.future_maintenance * PPM),
        int(parameters.future_maintenance_slope * PPM),
    )


def _short_options(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    values: MarkValues,
    parameters: Mapping[str, PositionParameters],
) -> tuple[FloatArray, FloatArray]:
    """(initial, maintenance) of one short lot, 1e-6 USD, marks included. [CROSS-02, CROSS-06]"""
    initial_i, maintenance_i = np.zeros(len(table)), np.zeros(len(table))
    lives_i = ~snapshot.has_expired_i(table)
    for number, name in enumerate(table.underlyings):
        rows = np.flatnonzero(values.priced_i & table.is_option_i & (table.underlying_i == number))
        if name not in parameters or not len(rows):
            continue
        own, index = parameters[name], int(snapshot.index_nano_u[number]) / NANO
        notional_i, mark_i = values.notional_i[rows] * lives_i[rows], values.value_i[rows]
        strike_i, is_call_i = table.strike_i[rows], table.is_call_i[rows]
        out_i = np.maximum(np.where(is_call_i, strike_i - index, index - strike_i), 0.0)
        ratio_i = np.maximum(
            float(own.short_initial) - out_i / index, float(own.short_initial_minimum)
        )
        kept_i = float(own.short_maintenance) * notional_i
        of_mark_i = float(own.put_maintenance_of_mark) * mark_i * lives_i[rows]
        kept_i = np.where(is_call_i, kept_i, np.maximum(kept_i, of_mark_i))
        # What has expired in coins has no value in USD; it is owed all the same.
        owed_i = mark_i + values.coin_pico_i[rows] * index / MICRO
        maintenance_i[rows] = kept_i + owed_i
        initial_i[rows] = np.maximum(ratio_i * notional_i, kept_i) + owed_i
    return initial_i, maintenance_i


def future_lots(
    totals: GroupTotals, holds: Sequence[OrderTotals]
) -> Iterable[tuple[int, int, int]]:
    """(row, fewest, most) signed lots of every future, over the fills of the orders. [CROSS-04]"""
    highest, lowest = totals.extreme_features(holds)
    for key in highest:
        if key != SPOT_KEY:
            yield lots_row(key), lowest[key], highest[key]


def future_initial(totals: GroupTotals, row: int, lots: Collection[int]) -> int:
    """Largest initial margin of these numbers of lots (signed) of a future. [CROSS-02]"""
    ratio, slope, _, _ = _figures(totals).rates_u[totals.arrays.group_i[row]] or (0, 0, 0, 0)
    return _future(totals, row, max(map(abs, lots)), ratio, slope)


def positions_maintenance(totals: GroupTotals) -> int:
    """Maintenance margin of the positions of a group, 1e-6 USD, rounded up. [CROSS-05]"""
    return sum(maintenance_of(totals, row, lots) for row, lots in totals.lots.items())


def maintenance_of(totals: GroupTotals, row: int, lots: int) -> int:
    """Maintenance margin of one position, 1e-6 USD, rounded up. [CROSS-05]"""
    figures = _figures(totals)
    if not totals.arrays.table.is_future_i[row]:
        return max(0, -lots) * figures.short_maintenance_i[row]
    _, _, ratio, slope = figures.rates_u[totals.arrays.group_i[row]] or (0, 0, 0, 0)
    return _future(totals, row, abs(lots), ratio, slope)


def _figures(totals: GroupTotals) -> LotFigures:
    figures = totals.arrays.own
    assert isinstance(figures, LotFigures), "totals of another model's arrays"
    return figures


def _future(totals: GroupTotals, row: int, lots: int, ratio_ppm: int, slope_ppm: int) -> int:
    """Margin of so many lots of a future, 1e-6 USD, rounded up; none once it has expired."""
    arrays, index_nano = totals.arrays, totals.group.index_nano
    if arrays.table.expiry_ns_i[row] <= arrays.snapshot.market_time_ns:
        return 0
    notional = lots * _figures(totals).notional_i[row]
    whole = PPM * index_nano
    rate = ratio_ppm * index_nano + slope_ppm * notional * NANO_COINS_PER_MICRO
    return ceil_div(notional * min(rate, whole), whole)
