"""The risk of an account with many open orders: what they hold is worked out by a few products.

A market maker has thousands of them. One after the other they take 20 to 80 microseconds each, anew
after every change of prices; the sums here are the same integers.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from margingate_engine.core.arrays import BoolArray, IntArray
from margingate_engine.core.errors import MissingData
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import spot_coins
from margingate_engine.portfolio.hold import OrderHold
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.effects import EffectColumns, Effects, OrderSums, effect_columns
from margingate_engine.revaluation.keyed import KeyedColumns

ORDERS_MIN = 40
"""Fewer open orders are worked out one after the other, which is quicker then."""

KEPT_MAX = 100_000
"""So many limits are remembered at most, of all accounts."""

WHOLE_MAX = 2.0**52
"""Sizes below it are whole numbers in float64."""

SUM_MAX = 2.0**61
"""Sums below it, as float64 has them, do not wrap as int64."""


class ManyOrders:
    """Works out accounts, and keeps of their orders what does not follow the market."""

    def __init__(self) -> None:
        self._effects = Effects()
        self._keyed: dict[str, tuple[RiskArrays, KeyedColumns | None]] = {}

    def account_risk(self, portfolio: Portfolio, arrays: RiskArrays) -> AccountRisk:
        """As AccountRisk.of, equal in every total; MissingData names what has no price."""
        keyed = self._keyed_of(arrays) if len(portfolio.legs) >= ORDERS_MIN else None
        if keyed is None:
            return AccountRisk.of(portfolio, arrays)
        apart = _apart(portfolio)
        together = self._hold(portfolio, apart, arrays, keyed)
        if together is None:
            return AccountRisk.of(portfolio, arrays)
        account = AccountRisk.of(replace(portfolio, legs=apart), arrays)
        account.hold(together)
        return account

    def _keyed_of(self, arrays: RiskArrays) -> KeyedColumns | None:
        known, keyed = self._keyed.get(arrays.model.name, (None, None))
        if known is not arrays:
            keyed = KeyedColumns.of(arrays)
            self._keyed[arrays.model.name] = (arrays, keyed)
        return keyed

    def _hold(
        self,
        portfolio: Portfolio,
        apart: Mapping[str, tuple[OpenLeg, ...]],
        arrays: RiskArrays,
        keyed: KeyedColumns,
    ) -> OrderHold | None:
        """What all but some orders hold; None where sums may be beyond what columns hold."""
        if len(self._effects) > KEPT_MAX:
            self._effects = Effects()
        effects, fees, table = self._effects, portfolio.fees, arrays.table
        lots_by_number: dict[int, int] = {}
        for order_id, legs in portfolio.legs.items():
            if order_id in apart:
                continue
            for leg in legs:
                if not arrays.priced_i[leg.row]:
                    raise MissingData(table.instruments[leg.row].name)
                number = effects.number(table, fees, leg)
                lots_by_number[number] = lots_by_number.get(number, 0) + leg.lots
        known_ek = effects.known()[np.array(list(lots_by_number), dtype=np.int64)]
        lots_e = np.array(list(lots_by_number.values()), dtype=np.int64)
        is_priced_i: BoolArray = np.array(arrays.priced_i, dtype=np.bool_)
        found = effect_columns(arrays, known_ek, keyed, is_priced_i)
        return _summed(arrays, keyed, found, lots_e) if _is_within(found, lots_e) else None


def _apart(portfolio: Portfolio) -> dict[str, tuple[OpenLeg, ...]]:
    """Orders that are not sums of their legs: combos, or what is left of one, and changing ones."""
    return {
        order_id: legs
        for order_id, legs in portfolio.legs.items()
        if order_id in portfolio.amendments or any(leg.ratio for leg in legs)
    }


def _is_within(found: EffectColumns, lots_e: IntArray) -> bool:
    """Whether sizes are whole numbers and no sum over these lots can wrap."""
    amounts = (found.amount_en, found.flow_e, found.minimum_e, found.gross_e)
    largest = max(
        float((lots_e @ np.abs(each.astype(np.float64))).max(initial=0.0)) for each in amounts
    )
    return found.gross_e.max(initial=0.0) < WHOLE_MAX and largest < SUM_MAX


def _summed(
    arrays: RiskArrays, keyed: KeyedColumns, found: EffectColumns, lots_e: IntArray
) -> OrderHold:
    hold = OrderHold(gross=int(lots_e @ found.gross_e.astype(np.int64)))
    group_e = np.array(arrays.group_i, dtype=np.int64)[found.row_e]
    for number in np.unique(group_e).tolist():
        chosen = np.flatnonzero(group_e == number)
        sums = found.split((lots_e[chosen] @ found.amount_en[chosen])[None, :])
        totals = hold.group(number, found.row_count)
        totals.lots = int(lots_e[chosen].sum())
        _fill(totals, keyed.column[number], sums)
    rows, place_e = np.unique(found.row_e, return_inverse=True)
    per_row = np.zeros((4, len(rows)), dtype=np.int64)
    sold_e = np.where(found.side_e < 0, 1, 0)
    paid_e = np.minimum(found.flow_e, 0)
    for sum_r, each_e in zip(
        per_row, (found.entry_e, found.minimum_e, paid_e, sold_e), strict=True
    ):
        np.add.at(sum_r, place_e, lots_e * each_e)
    for row, (entry, minimum, paid, sold) in zip(rows.tolist(), per_row.T.tolist(), strict=True):
        if entry or minimum:
            hold.by_group[arrays.group_i[row]].floors[row] = (entry, minimum)
        instrument = arrays.table.instruments[row]
        if not instrument.is_future:
            hold.take([(instrument.settlement_asset, paid)], 1)
            hold.take([(instrument.underlying, spot_coins(instrument, -1))], sold)
    return hold


def _fill(totals: OrderTotals, column: Mapping[int, int], sums: OrderSums) -> None:
    """Put the sums of one group in."""
    totals.worst_r = sums.worst_cr[0].copy()
    for key, place in column.items():
        for total_by_key, sum_k in ((totals.up, sums.up_ck[0]), (totals.down, sums.down_ck[0])):
            if sum_k[place]:
                total_by_key[key] = int(sum_k[place])
    totals.coin_up = int(sums.coin_up_c[0])
    totals.surcharge = int(sums.surcharge_c[0])
    totals.owned_entry = int(sums.owned_entry_c[0])
    totals.coin_down = int(sums.coin_down_c[0])
