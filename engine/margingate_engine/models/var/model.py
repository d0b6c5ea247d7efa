"""The model `var`: statistics of the P&L over joint worlds. docs/methodology/var.md"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.charges import Charge
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable, IntArray
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
from margingate_engine.models.var.requirement import capped, figures, maintenance
from margingate_engine.models.var.revaluation import coin_moves_pico, lot_pnl
from margingate_engine.models.var.settings import Estimator
from margingate_engine.models.var.worlds import worlds_of
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import (
    NO_SCENARIO,
    NOT_A_SCENARIO,
    EquityBasis,
    Requirement,
)
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import PPM, GroupArrays, RiskArrays
from margingate_engine.scenarios.rounding import fits, units_down

SUBJECT = "portfolio"


class VarMargin(NamedTuple):
    """One group, 1e-6 USD. pnl_r: P&L per world and the null row, at worst fills.

    alone: what the group would require by itself. basis: charge, >= 0.
    """

    pnl_r: IntArray
    alone: int
    basis: int
    has_orders: bool


class VarModel:
    """All underlyings in the same worlds; instruments of other underlyings stay unpriced."""

    name = "var"
    equity_basis = EquityBasis.WITH_OPTION_VALUE
    worst_fill = Exactness.BOUND

    def __init__(self, parameters: VarParameters) -> None:
        self.parameters = parameters
        self.parameters_digest = parameters.digest()
        self._settings = parameters.settings
        self._worlds = worlds_of(parameters)
        self._words = tuple(f"world {n + 1}" for n in range(len(self._worlds.scenarios)))

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "VarModel":
        """The model from the tables of a file; InvalidInput as VarParameters."""
        return cls(VarParameters.from_mapping(tables_of(raw)))

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Table, name and value of every parameter, in order; a history is one value."""
        return self.parameters.items()

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """What one lot does in every world. [VAR-07]"""
        values = mark_values(table, snapshot, self.parameters.underlyings)
        pnl_is = lot_pnl(
            table,
            snapshot,
            values.priced_i,
            self._worlds.scenarios,
            look_ahead_days=float(self._settings.look_ahead_days),
        )
        basis_i, basis_spot_i = np.zeros(len(table)), np.zeros(len(table))
        groups: dict[str, GroupArrays | None] = dict.fromkeys(self.parameters.underlyings)
        for number, name in enumerate(table.underlyings):
            index_nano = int(snapshot.index_nano_u[number])
            if name not in groups or index_nano <= 0:
                continue
            groups[name] = self._group(name, index_nano)
            rows = _live_rows(values, number)
            rate = float(self.parameters.underlyings[name].basis_rate)
            basis_i[rows], basis_spot_i[rows] = lot_basis(
                table, snapshot, rows, index_nano / NANO, rate
            )
        charges_if = np.stack((basis_i, basis_spot_i), axis=1)
        fits_i = np.asarray(fits(np.hstack((pnl_is, charges_if))).all(axis=1))
        values = values.keeping(fits_i)
        for feature in (pnl_is, basis_i, basis_spot_i):
            feature[~values.priced_i] = 0.0
        features_i = basis_features(table, basis_i, basis_spot_i)
        return risk_arrays(
            self, groups, values, LotRisk(pnl_is=units_down(pnl_is), features_i=features_i)
        )

    def _group(self, underlying: str, index_nano: int) -> GroupArrays:
        parameters = self.parameters.underlyings[underlying]
        moves_pico = coin_moves_pico(self._worlds.scenarios, underlying)
        return GroupArrays(
            underlying=underlying,
            descriptions=self._words,
            index_nano=index_nano,
            coin_factor_s=tuple(index_nano * move for move in moves_pico),
            coin_feature_ppm=int(parameters.basis_rate * PPM),
            haircut_ppm=int(parameters.collateral_haircut * PPM),
        )

    def group_margin(
        self, number: int, totals: GroupTotals, holds: Sequence[OrderTotals]
    ) -> VarMargin:
        """P&L of a group per world and what it would require alone. [VAR-11, VAR-13]"""
        del number
        pnl_r = totals.worst_rows(holds)
        alone = figures(pnl_r, self._worlds, self._settings).required
        basis = basis_worst(totals, holds) if holds else basis_charge(totals.features())
        return VarMargin(pnl_r, alone, basis, bool(holds))

    def requirements(self, margins: Mapping[int, VarMargin]) -> list[Requirement]:
        """One requirement for all groups together. [VAR-10, VAR-11, VAR-13]"""
        if not margins:
            return []
        each = list(margins.values())
        joint_r = np.sum([margin.pnl_r for margin in each], axis=0)
        joint = figures(joint_r, self._worlds, self._settings)
        alone = {str(number): margin.alone for number, margin in margins.items()}
        required = capped(joint.required, alone, self._settings)
        basis = sum(margin.basis for margin in each)
        is_shortfall = self._settings.estimator is Estimator.EXPECTED_SHORTFALL
        charge = Charge.EXPECTED_SHORTFALL if is_shortfall else Charge.VALUE_AT_RISK
        scenario, words = NO_SCENARIO, "no world loses"
        if joint.binding is not None:
            scenario = self._worlds.base.start + joint.binding + 1
            words = self._words[scenario - 1]
        elif required:
            scenario, words = NOT_A_SCENARIO, "stressed worlds, floor or offset cap"
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
            )
        ]

    def maintenance(self, margins: Mapping[int, VarMargin]) -> int:
        """A fraction of the requirement, rounded up. [VAR-15]"""
        return sum(maintenance(each.total, self._settings) for each in self.requirements(margins))

    def size_kinks(
        self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals
    ) -> Iterable[int] | None:
        """Expected shortfall is convex but for the basis charge; value at risk is not. [VAR-09]"""
        if self._settings.estimator is Estimator.EXPECTED_SHORTFALL:
            return basis_kinks(before, filled, hold)
        return None


def _live_rows(values: MarkValues, number: int) -> IntArray:
    """Rows of an underlying's options and futures that have a price and have not expired."""
    table = values.table
    own_i = values.priced_i & (table.underlying_i == number) & ~table.is_spot_i
    return np.flatnonzero(own_i & ~values.snapshot.has_expired_i(table))
