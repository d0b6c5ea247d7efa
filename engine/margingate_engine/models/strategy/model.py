"""The model `strategy`: rules-based margin by optimal pairing. docs/methodology/strategy.md"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.charges import Charge
from margingate_engine.core.explanation import Component
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.mark_values import LotRisk, mark_values, risk_arrays
from margingate_engine.models.strategy.account_book import Listed, book_of
from margingate_engine.models.strategy.legs import Book
from margingate_engine.models.strategy.margin import (
    StrategyMargin,
    ongoing_margin,
    upper_requirement,
)
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.models.strategy.terms import Phase
from margingate_engine.models.table_model import TableModel, group_without_scenarios
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import (
    NOT_A_SCENARIO,
    EquityBasis,
    Regime,
    Requirement,
)
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import RiskArrays, lots_key, lots_row
from margingate_engine.scenarios.rounding import units_up

ROUNDING_RESERVE = 2
"""Of every unit on order, 1e-6 USD: what rounding up may come to when it fills. [STR-18]"""

_BOOKS_KEPT = 2_000
_ongoing = lru_cache(_BOOKS_KEPT)(ongoing_margin)
_upper = lru_cache(_BOOKS_KEPT)(upper_requirement)
"""A pairing takes milliseconds, and a check asks for those of the same books again: it is kept."""


@dataclass(frozen=True, slots=True)
class GroupStrategies:
    """One underlying. margin: of its positions, or of what its orders may make of them.

    entry: what fills pay and lose against the mark, >= 0, 1e-6 USD. book: of positions alone.
    is_exact: the margin is, and some fills lose all of the entry and require it.
    """

    underlying: str
    margin: StrategyMargin
    entry: int
    book: Book = field(repr=False)
    is_exact: bool


class StrategyModel(TableModel[StrategyParameters]):
    """Each underlying cut into strategies so that they require least; no option value in equity."""

    name = "strategy"
    regime = Regime.STRATEGY
    equity_basis = EquityBasis.WITHOUT_OPTION_VALUE
    worst_fill = Exactness.BOUND
    has_wallets = False
    PARAMETERS = StrategyParameters

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """Marks and lots: requirements are made of positions, not of scenarios. [STR-08, STR-15]

        The minimum of a short is its mark: what a fill of a buy that closes it need not pay twice.
        """
        values = mark_values(table, snapshot, self.parameters)
        values = values.keeping(values.priced_i)
        is_counted_i = (values.priced_i & ~table.is_spot_i).tolist()
        mark_i = units_up(np.where(table.is_option_i, values.value_i, 0.0))
        lot = LotRisk(
            pnl_is=np.zeros((len(table), 0), dtype=np.int64),
            features_i=[
                ((lots_key(row), 1),) if each else () for row, each in enumerate(is_counted_i)
            ],
            minimum_i=mark_i,
            own=Listed.of(table, units_up(values.notional_i).tolist()),
        )
        groups = {
            name: group_without_scenarios(table, snapshot, name, haircut_ppm=0)
            for name in self.parameters
        }
        return risk_arrays(self, groups, values, lot)

    def group_margin(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> GroupStrategies:
        """The pairing of an underlying, over what its orders may make of it. [STR-08, STR-15]"""
        name = totals.group.underlying
        book = book_of(totals, holds)
        if not holds:
            margin = _ongoing(book, self.parameters[name], Phase.INITIAL)
            return GroupStrategies(name, margin, 0, book, margin.is_exact)
        margin = _upper(book, self.parameters[name])
        entry = -int(totals.worst_rows(holds)[-1]) + _short_of_marks(totals, holds)
        entry += ROUNDING_RESERVE * _units_on_order(totals, holds)
        is_exact = margin.is_exact and _are_ends_reached(totals, holds)
        return GroupStrategies(name, margin, entry, book, is_exact)

    def requirements(self, margins: Mapping[int, GroupStrategies]) -> list[Requirement]:
        """One requirement an underlying."""
        return [_requirement(number, each) for number, each in margins.items()]

    def maintenance(self, margins: Mapping[int, GroupStrategies]) -> int:
        """The pairing that requires least maintenance, an underlying at a time. [STR-09]"""
        return sum(
            _ongoing(
                each.book, self.parameters[each.underlying], Phase.MAINTENANCE
            ).requirement_micro
            for each in margins.values()
        )

    def size_kinks(self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals) -> None:
        """No sizes can be named: pairings change where they like."""
        del before, filled, hold


def _short_of_marks(totals: GroupTotals, holds: Sequence[OrderTotals]) -> int:
    """What limits and fees fall short of the marks that shorts on order are credited, 1e-6 USD.

    Of sells, what they bring in below the mark; of buys that close shorts, what they pay below it.
    Sums alone are known: with buys and sells of one option on order it is an upper bound. [STR-18]
    """
    short = 0
    keys = {key for hold in holds for key in (*hold.up, *hold.down) if key < 0}
    for row in map(lots_row, keys):
        if not totals.arrays.table.is_option_i[row]:
            continue
        bought = sum(hold.up.get(lots_key(row), 0) for hold in holds)
        entry = sum(hold.floors.get(row, (0, 0))[0] for hold in holds)
        minimum = sum(hold.floors.get(row, (0, 0))[1] for hold in holds)
        if any(hold.down.get(lots_key(row)) for hold in holds):
            short -= minimum
        if bought and totals.lots.get(row, 0) < 0:
            short += max(0, bought * totals.arrays.minimum_i[row] + entry - minimum)
    return short


def _units_on_order(totals: GroupTotals, holds: Sequence[OrderTotals]) -> int:
    """Units of options on order, as many again where fills move coins, and lots of all else."""
    listed: Listed = totals.arrays.own
    table, unit_nano = totals.arrays.table, listed.unit_nano[totals.group.underlying]
    units = 0
    for hold in holds:
        units += hold.lots
        for key in {*hold.up, *hold.down}:
            row = lots_row(key)
            if key < 0 and table.is_option_i[row]:
                per_lot = table.instruments[row].size_nano // unit_nano
                per_lot *= 2 if table.is_inverse_i[row] else 1
                units += (hold.up.get(key, 0) - hold.down.get(key, 0)) * (per_lot - 1)
    return units


def _are_ends_reached(totals: GroupTotals, holds: Sequence[OrderTotals]) -> bool:
    """True when the same fills lose what is charged at entry and leave what is margined. [STR-15]

    Of orders in futures alone: those that lose at entry lead to the larger position.
    """
    highest, lowest = totals.extreme_features(holds)
    for key in {key for hold in holds for key in (*hold.up, *hold.down)}:
        row = lots_row(key)
        if key >= 0 or totals.arrays.table.is_option_i[row]:
            return False
        is_long = highest[key] >= -lowest[key]
        other_side = [hold.down if is_long else hold.up for hold in holds]
        if any(key in each for each in other_side) and any(row in hold.floors for hold in holds):
            return False
    return True


def _requirement(number: int, each: GroupStrategies) -> Requirement:
    required = each.margin.requirement_micro
    parts = tuple(
        Component(
            name=component.strategy.value,
            subject=", ".join(f"{coins / NANO:+g} {symbol}" for symbol, coins in component.legs),
            amount=component.requirement_micro,
        )
        for component in each.margin.components
    )
    largest = max(parts, key=lambda part: part.amount, default=None)
    return Requirement(
        subject=each.underlying,
        total=max(0, required + each.entry),
        charges=((Charge.STRATEGY_MARGIN, required), (Charge.ENTRY_LOSSES, each.entry)),
        binding=(Charge.STRATEGY_MARGIN, required),
        scenario=NOT_A_SCENARIO,
        words="nothing held" if largest is None else f"{largest.name}: {largest.subject}"[:120],
        groups=(number,),
        is_exact=each.is_exact,
        parts=parts,
    )
