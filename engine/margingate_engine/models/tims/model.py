"""The model `tims`: ten valuation points, groups with offsets. docs/methodology/tims.md"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from margingate_engine.core.amounts import NANO, PICO, PPM
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.charges import Charge
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.basis import (
    basis_charge,
    basis_features,
    basis_kinks,
    basis_worst,
    lot_basis,
)
from margingate_engine.models.mark_values import LotRisk, MarkValues, mark_values, risk_arrays
from margingate_engine.models.tims.features import lot_minimums, point_pnl
from margingate_engine.models.tims.minimum import LotMinimum
from margingate_engine.models.tims.parameters import TimsParameters
from margingate_engine.models.tims.points import POINT_COUNT, valuation_points
from margingate_engine.models.tims.requirement import (
    MINIMUM_BINDS,
    PortfolioGroupRequirement,
    UnderlyingMargin,
    maintenance,
    portfolio_requirements,
)
from margingate_engine.portfolio.collateral import NO_TERMS, CollateralTerms
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import (
    NO_SCENARIO,
    NOT_A_SCENARIO,
    EquityBasis,
    Regime,
    Requirement,
)
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays, lots_key, lots_row
from margingate_engine.scenarios.rounding import fits, units_down, units_up
from margingate_engine.scenarios.scenario_set import ScenarioSet

Margins = Mapping[int, tuple[str, UnderlyingMargin]]


class TimsModel:
    """Customer portfolio margin; instruments of other underlyings stay unpriced."""

    name = "tims"
    regime = Regime.PORTFOLIO
    equity_basis = EquityBasis.WITH_OPTION_VALUE
    collateral: CollateralTerms = NO_TERMS
    worst_fill = Exactness.EXACT
    has_wallets = False

    def __init__(self, parameters: TimsParameters) -> None:
        self.parameters = parameters
        self.parameters_digest = parameters.digest()
        self._points = {
            name: valuation_points(each.range_down, each.range_up)
            for name, each in parameters.class_groups.items()
        }

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "TimsModel":
        """The model from the tables of a file; InvalidInput as TimsParameters."""
        return cls(TimsParameters.from_mapping(raw))

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Section, name and value of every parameter, in order."""
        return [
            (section, name, value)
            for path, value in self.parameters.items()
            for section, _, name in [path.rpartition(".")]
        ]

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """What one lot does at the ten points, and what it requires at least. [TIMS-02, TIMS-05]"""
        values = mark_values(table, snapshot, self.parameters.underlyings)
        count = len(table)
        pnl_iv, charges_if = np.zeros((count, POINT_COUNT)), np.zeros((count, 4))
        groups: dict[str, GroupArrays | None] = dict.fromkeys(self.parameters.underlyings)
        for number, name in enumerate(table.underlyings):
            index_nano = int(snapshot.index_nano_u[number])
            if name not in groups or index_nano <= 0:
                continue
            groups[name] = self._group(name, index_nano)
            rows = np.flatnonzero(values.priced_i & (table.underlying_i == number))
            pnl_iv[rows] = point_pnl(
                table, snapshot, rows, index_nano / NANO, self._points_of(name)
            )
            charges_if[rows, :2] = np.transpose(
                lot_minimums(
                    table, snapshot, rows, index_nano / NANO, self.parameters.underlyings[name]
                )
            )
            charges_if[rows, 2:] = self._basis(values, rows, name, index_nano / NANO)
        fits_i = np.asarray(fits(np.hstack((pnl_iv, charges_if))).all(axis=1))
        values = values.keeping(fits_i)
        pnl_iv[~values.priced_i], charges_if[~values.priced_i] = 0.0, 0.0
        features = basis_features(table, charges_if[:, 2], charges_if[:, 3])
        long_i, short_i = units_up(charges_if[:, 0]).tolist(), units_up(charges_if[:, 1]).tolist()
        lot = LotRisk(
            pnl_is=units_down(pnl_iv),
            features_i=[(*each, (lots_key(row), 1)) for row, each in enumerate(features)],
            own=list(map(LotMinimum, long_i, short_i)),
        )
        return risk_arrays(self, groups, values, lot)

    def _points_of(self, underlying: str) -> ScenarioSet:
        return self._points[self.parameters.underlyings[underlying].class_group]

    def _basis(
        self, values: MarkValues, rows: IntArray, underlying: str, index: float
    ) -> FloatArray:
        """(own bucket, spot) per row, (len(rows), 2); zero for what does not live. [TIMS-03]"""
        basis_if = np.zeros((len(rows), 2))
        table, snapshot = values.table, values.snapshot
        lives = np.flatnonzero(~table.is_spot_i[rows] & ~snapshot.has_expired_i(table)[rows])
        rate = float(self.parameters.underlyings[underlying].basis_rate)
        basis_if[lives] = np.transpose(lot_basis(table, snapshot, rows[lives], index, rate))
        return basis_if

    def _group(self, underlying: str, index_nano: int) -> GroupArrays:
        points, parameters = self._points_of(underlying), self.parameters.underlyings[underlying]
        move_v = np.rint(points.move_s * PICO).astype(np.int64)
        return GroupArrays(
            underlying=underlying,
            descriptions=points.descriptions,
            index_nano=index_nano,
            coin_factor_s=tuple(index_nano * int(move) for move in move_v),
            coin_feature_ppm=int(parameters.basis_rate * PPM),
            haircut_ppm=int(parameters.collateral_haircut * PPM),
        )

    def group_margin(
        self, totals: GroupTotals, holds: Sequence[OrderTotals]
    ) -> tuple[str, UnderlyingMargin]:
        """Points, basis charge and minimum of one underlying. [TIMS-05, TIMS-07, TIMS-08]"""
        highest, lowest = totals.extreme_features(holds)
        lot_minimum_i: list[LotMinimum] = totals.arrays.own
        minimum = sum(
            lot_minimum_i[row].worst(low, high) for row, high, low in _lots(highest, lowest)
        )
        name = totals.group.underlying
        if not holds:
            basis = basis_charge(totals.features())
            return name, UnderlyingMargin.of_positions(totals.rows, basis=basis, minimum=minimum)
        return name, UnderlyingMargin.with_orders(
            totals.rows,
            totals.worst_rows(holds) - totals.rows,
            basis=basis_worst(totals, holds),
            minimum=minimum,
            is_single=not any(hold.floor_bound_lots or hold.row_bound_lots for hold in holds),
        )

    def requirements(self, margins: Margins) -> list[Requirement]:
        """One requirement a portfolio group. [TIMS-06, TIMS-07]"""
        number_by_underlying = {name: number for number, (name, _) in margins.items()}
        return [
            _requirement(each, number_by_underlying, map(self._points_of, each.underlyings))
            for each in portfolio_requirements(self.parameters.groups, dict(margins.values()))
        ]

    def maintenance(self, margins: Margins) -> int:
        """A fraction of each portfolio group's requirement, rounded up. [TIMS-06]"""
        required = portfolio_requirements(self.parameters.groups, dict(margins.values()))
        return maintenance(required, self.parameters.maintenance_ppm)

    def size_kinks(
        self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals
    ) -> Iterable[int]:
        """Where the basis charge changes its slope; all else is convex. [TIMS-09]"""
        return basis_kinks(before, filled, hold)


def _lots(highest: Mapping[int, int], lowest: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """(row, most lots, fewest lots) of every instrument held or on order."""
    for key, high in highest.items():
        if key < 0:
            yield lots_row(key), high, lowest[key]


def _requirement(
    each: PortfolioGroupRequirement,
    number_by_underlying: Mapping[str, int],
    points: Iterable[ScenarioSet],
) -> Requirement:
    charges = (
        (Charge.SCAN_RISK, each.scan),
        (Charge.BASIS_CHARGE, each.basis),
        (Charge.CONTRACT_MINIMUM, each.minimum),
        (Charge.ENTRY_LOSSES, -each.entry),
    )
    is_minimum = each.point == MINIMUM_BINDS
    # Entry losses come on top of either, and may be all there is.
    binds = (*(charges[2:3] if is_minimum else charges[:2]), charges[3])
    words = "contract minimum" if is_minimum else "no point loses"
    if each.point > 0:
        words = " or ".join({p.descriptions[each.point - 1]: None for p in points})
    return Requirement(
        subject=each.name,
        total=each.total,
        charges=charges,
        binding=max(binds, key=lambda charge: charge[1]),
        scenario=NOT_A_SCENARIO if is_minimum else max(each.point, NO_SCENARIO),
        words=words,
        groups=tuple(number_by_underlying[name] for name in each.underlyings),
        is_exact=each.is_exact,
    )
