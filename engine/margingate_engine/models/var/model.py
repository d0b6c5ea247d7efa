"""The model `var`: statistics of the P&L over joint worlds. docs/methodology/var.md"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from margingate_engine.core.amounts import NANO, PPM
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.charges import Charge
from margingate_engine.core.explanation import Component
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
from margingate_engine.models.parameter_table import tables_of
from margingate_engine.models.var.parameters import VarParameters
from margingate_engine.models.var.requirement import VarFigures, capped, figures, maintenance
from margingate_engine.models.var.revaluation import coin_moves_pico, lot_pnl
from margingate_engine.models.var.served_parametric import (
    DESCRIPTIONS,
    GroupSensitivities,
    LotParts,
    ServedParametric,
)
from margingate_engine.models.var.settings import Estimator, Method
from margingate_engine.models.var.worlds import horizon_covariance, worlds_of
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
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from margingate_engine.scenarios.rounding import fits, units_down

SUBJECT = "portfolio"
_NO_WORLD = "stressed worlds, floor or offset cap"


class VarMargin(NamedTuple):
    """One group, 1e-6 USD. pnl_r: P&L per world and the null row, at worst fills.

    alone: what the group would require by itself. basis: charge, >= 0. sensitivities: where the
    method is parametric, which has no worlds; of pnl_r only the null row then counts.
    """

    underlying: str
    pnl_r: IntArray
    alone: int
    basis: int
    has_orders: bool
    sensitivities: GroupSensitivities | None = None


class VarModel:
    """All underlyings in the same worlds; instruments of other underlyings stay unpriced."""

    name = "var"
    regime = Regime.PORTFOLIO
    equity_basis = EquityBasis.WITH_OPTION_VALUE
    collateral: CollateralTerms = NO_TERMS
    worst_fill = Exactness.BOUND
    has_wallets = False

    def __init__(self, parameters: VarParameters) -> None:
        self.parameters = parameters
        self.parameters_digest = parameters.digest()
        self._settings = parameters.settings
        self._worlds = worlds_of(parameters)
        self._words = {
            name: self._worlds.scenarios.descriptions(name)
            for name in self._worlds.scenarios.underlyings
        }
        self._parametric: ServedParametric | None = None
        if self._settings.method is Method.PARAMETRIC:
            history = parameters.history()
            covariance_ff = horizon_covariance(self._settings, history)
            self._parametric = ServedParametric(history.underlyings, covariance_ff, self._settings)
            self._words = dict.fromkeys(history.underlyings, DESCRIPTIONS)

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "VarModel":
        """The model from the tables of a file; InvalidInput as VarParameters."""
        return cls(VarParameters.from_mapping(tables_of(raw)))

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Table, name and value of every parameter, in order; a history is one value."""
        return self.parameters.items()

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """What one lot does in every world, or its sensitivities. [VAR-07, VAR-12]"""
        values = mark_values(table, snapshot, self.parameters.underlyings)
        groups, basis_if = self._groups(values)
        fits_i, lots = self._lots(values)
        values = values.keeping(fits_i & np.asarray(fits(basis_if).all(axis=1)))
        basis_if[~values.priced_i] = 0.0
        features_i = [
            (*basis, *(own if is_priced else ()))
            for basis, own, is_priced in zip(
                basis_features(table, basis_if[:, 0], basis_if[:, 1]),
                lots.features_i,
                values.priced_i.tolist(),
                strict=True,
            )
        ]
        pnl_is = np.where(values.priced_i[:, None], lots.pnl_is, 0)
        return risk_arrays(self, groups, values, LotRisk(pnl_is=pnl_is, features_i=features_i))

    def _groups(self, values: MarkValues) -> tuple[dict[str, GroupArrays | None], FloatArray]:
        """(groups by underlying, basis features of a lot in its own bucket and in spot, (I, 2))."""
        table, snapshot = values.table, values.snapshot
        basis_if = np.zeros((len(table), 2))
        groups: dict[str, GroupArrays | None] = dict.fromkeys(self.parameters.underlyings)
        for number, name in enumerate(table.underlyings):
            index_nano = int(snapshot.index_nano_u[number])
            if name not in groups or index_nano <= 0:
                continue
            groups[name] = self._group(name, index_nano)
            rows = _live_rows(values, number)
            rate = float(self.parameters.underlyings[name].basis_rate)
            basis_if[rows] = np.transpose(lot_basis(table, snapshot, rows, index_nano / NANO, rate))
        return groups, basis_if

    def _lots(self, values: MarkValues) -> tuple[BoolArray, LotParts]:
        """(what fits the integers, rows and own features of every lot)."""
        table, snapshot = values.table, values.snapshot
        if self._parametric is not None:
            return self._parametric.lots(table, snapshot, values)
        pnl_is = lot_pnl(
            table,
            snapshot,
            values.priced_i,
            self._worlds.scenarios,
            look_ahead_days=float(self._settings.look_ahead_days),
        )
        fits_i = np.asarray(fits(pnl_is).all(axis=1))
        pnl_is[~fits_i] = 0.0
        return fits_i, LotParts(units_down(pnl_is), [()] * len(table))

    def _group(self, underlying: str, index_nano: int) -> GroupArrays:
        parameters = self.parameters.underlyings[underlying]
        if self._parametric is not None:
            coin_factor_s = self._parametric.coin_factors(index_nano)
        else:
            moves_pico = coin_moves_pico(self._worlds.scenarios, underlying)
            coin_factor_s = tuple(index_nano * move for move in moves_pico)
        return GroupArrays(
            underlying=underlying,
            descriptions=self._words[underlying],
            index_nano=index_nano,
            coin_factor_s=coin_factor_s,
            coin_feature_ppm=int(parameters.basis_rate * PPM),
            haircut_ppm=int(parameters.collateral_haircut * PPM),
        )

    def group_margin(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> VarMargin:
        """P&L of a group per world and what it would require alone. [VAR-11, VAR-13]"""
        name, pnl_r = totals.group.underlying, totals.worst_rows(holds)
        basis = basis_worst(totals, holds) if holds else basis_charge(totals.features())
        own = self._parametric.group(totals, holds) if self._parametric is not None else None
        margin = VarMargin(name, pnl_r, 0, basis, bool(holds), own)
        return margin._replace(alone=self._joint((margin,)).required)

    def _joint(self, margins: Sequence[VarMargin]) -> VarFigures:
        """Of groups together, before the offset cap, what their entries lose included."""
        joint_r = np.sum([margin.pnl_r for margin in margins], axis=0)
        if self._parametric is None:
            return figures(joint_r, self._worlds, self._settings)
        own = {each.underlying: each.sensitivities for each in margins if each.sensitivities}
        required = self._parametric.required(own) - int(joint_r[-1])
        return VarFigures(base=required, stressed=0, floor=0, required=required, binding=None)

    def requirements(self, margins: Mapping[int, VarMargin]) -> list[Requirement]:
        """One requirement for all groups together. [VAR-10, VAR-11, VAR-13]"""
        if not margins:
            return []
        each = list(margins.values())
        joint = self._joint(each)
        alone = {str(number): margin.alone for number, margin in margins.items()}
        required = capped(joint.required, alone, self._settings)
        basis = sum(margin.basis for margin in each)
        is_shortfall = self._settings.estimator is Estimator.EXPECTED_SHORTFALL
        charge = Charge.EXPECTED_SHORTFALL if is_shortfall else Charge.VALUE_AT_RISK
        scenario, words = NO_SCENARIO, "no world loses"
        if joint.binding is not None:
            scenario = joint.binding + 1
            moves = "; ".join(words[scenario - 1] for words in self._words.values())
            words = f"world {scenario}: {moves}"
        elif required:
            is_parametric = self._parametric is not None
            scenario = NOT_A_SCENARIO
            words = "delta, gamma and vega" if is_parametric else _NO_WORLD
        charges = ((charge, required), (Charge.BASIS_CHARGE, basis))
        return [
            Requirement(
                subject=SUBJECT,
                total=required + basis,
                charges=charges,
                binding=max(charges, key=lambda part: part[1]),
                scenario=scenario,
                words=words,
                groups=tuple(margins),
                is_exact=not any(margin.has_orders for margin in each),
                parts=() if self._parametric is None else _alone(each),
            )
        ]

    def maintenance(self, margins: Mapping[int, VarMargin]) -> int:
        """A fraction of the requirement, rounded up. [VAR-15]"""
        return sum(maintenance(each.total, self._settings) for each in self.requirements(margins))

    def size_kinks(
        self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals
    ) -> Iterable[int] | None:
        """Expected shortfall is convex but for the basis charge; value at risk is not. [VAR-09]

        Nor is the expansion that `parametric` takes its tail from.
        """
        is_shortfall = self._settings.estimator is Estimator.EXPECTED_SHORTFALL
        if is_shortfall and self._parametric is None:
            return basis_kinks(before, filled, hold)
        return None


def _alone(margins: Sequence[VarMargin]) -> tuple[Component, ...]:
    """What each underlying would require by itself, for want of a scenario to look at."""
    return tuple(
        Component(name="alone", subject=margin.underlying, amount=margin.alone)
        for margin in margins
    )


def _live_rows(values: MarkValues, number: int) -> IntArray:
    """Rows of an underlying's options and futures that have a price and have not expired."""
    table = values.table
    own_i = values.priced_i & (table.underlying_i == number) & ~table.is_spot_i
    return np.flatnonzero(own_i & ~values.snapshot.has_expired_i(table))
