"""The model `span_cc`: SPAN with all its charges, on coins. docs/methodology/span-files.md"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

import numpy as np

from margingate_engine.core.amounts import NANO, PICO, PPM
from margingate_engine.core.arrays import IntArray
from margingate_engine.core.charges import Charge
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.mark_values import LotRisk, mark_values, risk_arrays
from margingate_engine.models.parameter_table import digest
from margingate_engine.models.span_cc.coin_margin import CoinMargin, DatedCoin, coin_margin
from margingate_engine.models.span_cc.coin_parameters import CoinParameters
from margingate_engine.models.span_cc.coin_tables import MODEL_NAME
from margingate_engine.models.span_cc.dated import COIN_PERIOD, dated_commodity, periods
from margingate_engine.models.span_cc.inter import delta_credits, linked
from margingate_engine.models.span_cc.lot_deltas import lot_deltas
from margingate_engine.models.span_features import LotFeatures
from margingate_engine.models.span_parameters import SpanParameters
from margingate_engine.portfolio.collateral import NO_TERMS, CollateralTerms
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import (
    NOT_A_SCENARIO,
    EquityBasis,
    Regime,
    Requirement,
)
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from margingate_engine.scenarios.rounding import fits, units_down, units_nearest, units_up
from margingate_engine.scenarios.scenario_set import ScenarioSet
from margingate_engine.scenarios.span16 import span16
from margingate_engine.scenarios.span_points import POINT_COUNT

MINIMUM_WORDS = "short option minimum"

Margins = Mapping[int, CoinMargin]


class SpanCcModel:
    """Each underlying a combined commodity; instruments of other underlyings stay unpriced."""

    name = MODEL_NAME
    regime = Regime.PORTFOLIO
    equity_basis = EquityBasis.WITH_OPTION_VALUE
    collateral: CollateralTerms = NO_TERMS
    worst_fill = Exactness.BOUND
    has_wallets = False

    def __init__(self, parameters: CoinParameters) -> None:
        self.parameters = parameters
        self.parameters_digest = digest(self.parameter_items())
        self._spans = {name: each.scan.span for name, each in parameters.underlyings.items()}
        self._scenarios = {
            name: span16(
                float(each.price_scan_range),
                float(each.extreme_multiple),
                float(each.extreme_cover),
            )
            for name, each in self._spans.items()
        }
        self._spreads = parameters.spreads_between()
        self._maintenance = Fraction(parameters.ratios.maintenance)
        self._initial = self._maintenance * Fraction(parameters.ratios.initial)

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "SpanCcModel":
        """The model from the tables of a file; InvalidInput as CoinParameters."""
        return cls(CoinParameters.from_mapping(raw))

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Dotted table, name and value of every parameter, in order."""
        return self.parameters.items()

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """Rows as of the model `span`, and composite deltas by period. [SCC-22, SCC-23]"""
        values = mark_values(table, snapshot, self._spans)
        lot = LotFeatures(table, snapshot, POINT_COUNT)
        delta_if = np.zeros((len(table), 2))
        groups: dict[str, GroupArrays | None] = dict.fromkeys(self._spans)
        for number, name in enumerate(table.underlyings):
            index_nano = int(snapshot.index_nano_u[number])
            if name not in groups or index_nano <= 0:
                continue
            span = self._spans[name]
            groups[name] = _group_arrays(name, index_nano, span, self._scenarios[name])
            usable_i = values.priced_i & (table.underlying_i == number)
            lot.fill_group(usable_i, index_nano / NANO, span, self._scenarios[name])
            rows = np.flatnonzero(usable_i & ~table.is_spot_i & ~snapshot.has_expired_i(table))
            weight_p = self.parameters.delta_weights.weight_p
            delta_if[rows] = np.transpose(
                lot_deltas(table, snapshot, rows, index_nano / NANO, span, weight_p)
            )
        values = values.keeping(lot.fits_i() & np.asarray(fits(delta_if).all(axis=1)))
        lot.keep(values.priced_i)
        delta_if[~values.priced_i] = 0.0
        return risk_arrays(
            self,
            groups,
            values,
            LotRisk(
                pnl_is=units_down(lot.pnl_is),
                features_i=_features(periods(table), units_nearest(delta_if)),
                minimum_i=units_up(lot.minimum_i),
                own={
                    name: DatedCoin.of(dated_commodity(name, each, table, snapshot))
                    for name, each in self.parameters.underlyings.items()
                },
            ),
        )

    def group_margin(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> CoinMargin:
        """Parts of the requirement of one underlying. [SCC-25, SCC-28]"""
        return coin_margin(totals, holds)

    def requirements(self, margins: Margins) -> list[Requirement]:
        """One requirement an underlying, credits for offsets with others off. [SCC-26, SCC-27]"""
        credit_by_name = self._credits(margins)
        return [
            self._requirement(number, margin, credit_by_name.get(margin.underlying, 0))
            for number, margin in margins.items()
        ]

    def maintenance(self, margins: Margins) -> int:
        """The type of account's part of each risk, rounded up. [SCC-27]"""
        credit_by_name = self._credits(margins)
        return sum(
            ceil(self._maintenance * _risk(margin, credit_by_name.get(margin.underlying, 0)))
            for margin in margins.values()
        )

    def _credits(self, margins: Margins) -> dict[str, int]:
        """Credit by underlying, 1e-6 USD, rounded down; none where orders are linked. [SCC-26]"""
        on_order = {margin.underlying for margin in margins.values() if margin.has_orders}
        touched = linked(self._spreads, on_order)
        free = {
            each.underlying: each for each in margins.values() if each.underlying not in touched
        }
        found = delta_credits(
            [spread for spread in self._spreads if spread.codes <= free.keys()],
            {name: each.left for name, each in free.items()},
            {name: each.price_risk for name, each in free.items()},
        )
        return {name: floor(each) for name, each in found.items()}

    def _requirement(self, number: int, margin: CoinMargin, credit: int) -> Requirement:
        risk = _risk(margin, credit)
        total = ceil(self._initial * risk)
        charges = (
            (Charge.SCAN_RISK, margin.scan),
            (Charge.CALENDAR_CHARGE, margin.calendar),
            (Charge.DELIVERY_CHARGE, margin.delivery),
            (Charge.INTER_COMMODITY_CREDIT, -credit),
            (Charge.SHORT_OPTION_MINIMUM, margin.minimum),
            (Charge.ACCOUNT_RATIO, total - risk),
        )
        is_minimum = margin.minimum > margin.scan + margin.calendar + margin.delivery - credit
        binds = charges[4:5] if is_minimum else charges[:3]
        return Requirement(
            subject=margin.underlying,
            total=total,
            charges=charges,
            binding=max(binds, key=lambda charge: charge[1]),
            scenario=NOT_A_SCENARIO if is_minimum else margin.scenario,
            words=MINIMUM_WORDS if is_minimum else margin.words,
            groups=(number,),
            is_exact=not margin.has_orders,
        )

    def size_kinks(self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals) -> None:
        """None: charges and credits turn where any deltas run out, in any spread. [DEC-06]"""
        del before, filled, hold


def _risk(margin: CoinMargin, credit: int) -> int:
    """The gross requirement of an underlying, 1e-6 USD. [SCC-10]"""
    return max(margin.scan + margin.calendar + margin.delivery - credit, margin.minimum)


def _features(period_i: IntArray, delta_if: IntArray) -> list[tuple[tuple[int, int], ...]]:
    """Deltas of a lot by period: its own, and that of coins. [SCC-23]"""
    return [
        ((period, own), (COIN_PERIOD, coins)) if coins else ((period, own),)
        for period, (own, coins) in zip(period_i.tolist(), delta_if.tolist(), strict=True)
    ]


def _group_arrays(
    name: str, index_nano: int, parameters: SpanParameters, scenarios: ScenarioSet
) -> GroupArrays:
    weighted_move_s = np.rint(scenarios.weight_s * scenarios.move_s * PICO).astype(np.int64)
    return GroupArrays(
        underlying=name,
        descriptions=scenarios.descriptions,
        index_nano=index_nano,
        coin_factor_s=tuple(index_nano * int(move) for move in weighted_move_s),
        # A coin is a delta of its whole value. [SCC-23]
        coin_feature_ppm=PPM,
        haircut_ppm=int(parameters.collateral_haircut * PPM),
    )
