"""The model `span`: a SPAN-style scan of one group per underlying. docs/methodology/span.md"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from margingate_engine.core.amounts import NANO, PICO, PPM, ceil_div
from margingate_engine.core.arrays import IntArray
from margingate_engine.core.floors import floor_products
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.basis import basis_features, basis_kinks
from margingate_engine.models.mark_values import LotRisk, mark_values, risk_arrays
from margingate_engine.models.span_features import LotFeatures
from margingate_engine.models.span_parameters import SpanParameters
from margingate_engine.models.span_requirement import (
    SpanMargin,
    span_margin,
    span_requirements,
)
from margingate_engine.models.table_model import TableModel
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import EquityBasis, Regime, Requirement
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from margingate_engine.scenarios.rounding import units_down, units_up
from margingate_engine.scenarios.scenario_set import ScenarioSet
from margingate_engine.scenarios.span16 import span16

SCENARIO_COUNT = 16


class SpanModel(TableModel[SpanParameters]):
    """Span with parameters per underlying; instruments of other underlyings stay unpriced."""

    name = "span"
    regime = Regime.PORTFOLIO
    equity_basis = EquityBasis.WITH_OPTION_VALUE
    worst_fill = Exactness.EXACT
    has_wallets = False
    PARAMETERS = SpanParameters

    def __init__(self, parameters: Mapping[str, SpanParameters]) -> None:
        super().__init__(parameters)
        self._maintenance_ppm = {
            name: int(each.maintenance_fraction * PPM) for name, each in self.parameters.items()
        }
        self._scenarios = {
            name: span16(
                float(each.price_scan_range),
                float(each.extreme_multiple),
                float(each.extreme_cover),
            )
            for name, each in self.parameters.items()
        }

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """Features of one lot of every instrument at this snapshot.

        An instrument with a feature beyond the range of the integers stays unpriced. [SPAN-04]
        """
        values = mark_values(table, snapshot, self.parameters)
        lot = LotFeatures(table, snapshot, SCENARIO_COUNT)
        groups: dict[str, GroupArrays | None] = dict.fromkeys(self.parameters)
        for number, underlying in enumerate(table.underlyings):
            parameters = self.parameters.get(underlying)
            index_nano = int(snapshot.index_nano_u[number])
            if parameters is None or index_nano <= 0:
                continue
            scenarios = self._scenarios[underlying]
            groups[underlying] = _group_arrays(underlying, index_nano, parameters, scenarios)
            usable_i = values.priced_i & (table.underlying_i == number)
            lot.fill_group(usable_i, index_nano / NANO, parameters, scenarios)
        values = values.keeping(lot.fits_i())
        lot.keep(values.priced_i)
        return risk_arrays(
            self,
            groups,
            values,
            LotRisk(
                pnl_is=units_down(lot.pnl_is),
                features_i=basis_features(table, lot.basis_i, lot.basis_spot_i),
                minimum_i=units_up(lot.minimum_i),
            ),
        )

    def group_margin(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> SpanMargin:
        """Requirement of a group. [SPAN-12, SPAN-14]"""
        return span_margin(totals, holds)

    def requirements(self, margins: Mapping[int, SpanMargin]) -> list[Requirement]:
        """One requirement a group: nothing is netted between underlyings. [SPAN-12]"""
        return [margin.requirement(number) for number, margin in margins.items()]

    def maintenance(self, margins: Mapping[int, SpanMargin]) -> int:
        """A fraction of each group's requirement, rounded up. [SPAN-12]"""
        return sum(
            ceil_div(margin.total * self._maintenance_ppm[margin.underlying], PPM)
            for margin in margins.values()
        )

    def cell_requirements(
        self,
        group: GroupArrays,
        rows_cr: IntArray,
        highest_ck: IntArray,
        lowest_ck: IntArray,
        minimum_c: IntArray,
    ) -> IntArray:
        """Requirements of many accounts of a group. [SPAN-12, SPAN-14]"""
        del group
        return span_requirements(rows_cr, highest_ck, lowest_ck, minimum_c)

    def cell_maintenances(self, group: GroupArrays, requirement_c: IntArray) -> IntArray:
        """A fraction of each requirement, rounded up. [SPAN-12]"""
        fraction_ppm = self._maintenance_ppm[group.underlying]
        return -floor_products(-requirement_c, fraction_ppm, PPM)

    def size_kinks(
        self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals
    ) -> Iterable[int]:
        """Where the basis charge changes its slope; all else is convex. [DEC-06]"""
        return basis_kinks(before, filled, hold)


def _group_arrays(
    underlying: str, index_nano: int, parameters: SpanParameters, scenarios: ScenarioSet
) -> GroupArrays:
    weighted_move_s = np.rint(scenarios.weight_s * scenarios.move_s * PICO).astype(np.int64)
    return GroupArrays(
        underlying=underlying,
        descriptions=scenarios.descriptions,
        index_nano=index_nano,
        coin_factor_s=tuple(index_nano * int(move) for move in weighted_move_s),
        coin_feature_ppm=int(parameters.basis_rate * PPM),
        haircut_ppm=int(parameters.collateral_haircut * PPM),
    )
