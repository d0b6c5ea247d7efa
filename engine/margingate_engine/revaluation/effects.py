"""What one lot on order does when it fills, of many orders at once. [SPAN-13]

The same integers as portfolio/effect.py. Orders of one instrument, side, limit and fee tier do the
same: they share an effect.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.amounts import USD
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.floors import WHOLE_MAX, floor_products
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.effect import COIN_ROUNDING_PICO
from margingate_engine.portfolio.fees import (
    INDEX_FEE_DIVISOR,
    FeeTier,
    held_fee,
    index_rate,
    premium_cap,
)
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.portfolio.risk_arrays import (
    COIN_VALUE_DIVISOR,
    GroupArrays,
    RiskArrays,
)
from margingate_engine.revaluation.coins import coin_rows_cs, coin_values
from margingate_engine.revaluation.keyed import SPOT_COLUMN, KeyedColumns
from margingate_engine.revaluation.sizes import sizes

_SINGLE = ("owned_entry", "coin_down", "coin_up", "surcharge", "unpriced")
"""Columns after the rows and the keyed features."""


class Known(NamedTuple):
    """What an effect has whatever the market is.

    flow: settlement asset's units of a lot, less the fee unless that follows the index. fee_rate:
    that of such a fee, fee_cap its most. coins: what a lot of spot moves.
    """

    row: int
    side: int
    flow: int
    is_usd_paid: int
    fee_rate: int
    fee_cap: int
    coins: int


class Effects:
    """Effects by number, 0 being that of unused entries, which does nothing.

    Nobody knows here which are still used.
    """

    def __init__(self) -> None:
        self._known: list[Known] = [Known(0, 0, 0, 0, 0, 0, 0)]
        self._number: dict[tuple[int, int, int, int], int] = {}
        self._tiers: dict[int, FeeTier] = {}
        self._known_ek = np.array(self._known, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._known)

    def number(self, table: InstrumentTable, fees: FeeTier, leg: OpenLeg) -> int:
        """Number of what a lot of a leg does."""
        self._tiers.setdefault(id(fees), fees)  # kept alive, so that its id stays its own
        key = (leg.row, int(leg.side), leg.price_nano, id(fees))
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self._known)
            self._known.append(_known(table, fees, leg))
        return number

    def keep(self, used: IntArray) -> NDArray[np.int32]:
        """Give back all but these, ascending, 0 among them; the new number of each of before.

        0 stands for those that were given back.
        """
        number_e = np.zeros(len(self), dtype=np.int32)
        number_e[used] = np.arange(len(used))
        self._known_ek = self.known()[used]
        self._known = [self._known[number] for number in used.tolist()]
        numbers = ((key, int(number_e[number])) for key, number in self._number.items())
        self._number = {key: number for key, number in numbers if number}
        self._tiers = {key[3]: self._tiers[key[3]] for key in self._number}
        return number_e

    def known(self) -> IntArray:
        """Of every effect the fields of Known, (E, 7)."""
        if len(self._known_ek) < len(self._known):
            more = np.array(self._known[len(self._known_ek) :], dtype=np.int64)
            self._known_ek = np.concatenate((self._known_ek, more))
        return self._known_ek


def _known(table: InstrumentTable, fees: FeeTier, leg: OpenLeg) -> Known:
    instrument, side = table.instruments[leg.row], int(leg.side)
    rate = index_rate(fees, instrument)
    flow = fill_flow(instrument, side, leg.price_nano)
    if not rate:
        flow -= held_fee(fees, instrument, 1, leg.price_nano, 0)
    cap = premium_cap(fees, instrument, 1, leg.price_nano)
    return Known(
        row=leg.row,
        side=side,
        flow=flow,
        is_usd_paid=int(instrument.settlement_asset == USD),
        fee_rate=rate,
        fee_cap=WHOLE_MAX if cap is None else cap,
        coins=spot_coins(instrument, side),
    )


@dataclass(frozen=True, slots=True)
class EffectColumns:
    """Effects of a lot at one market (axis E), 1e-6 USD.

    amount_en: side by side the rows min(0, e + d), the null row last, what fills can add to each
    keyed column, what they can take, e and coins of mere collateral that is sold, coins that they
    bring at most, the surcharge, and 1 for what has no price. entry_e, minimum_e: as in
    LegEffect. row_e: the instrument; side_e: 1 or -1. gross_e: bound of any row's size. flow_e:
    settlement asset's units of a lot, the fee taken off.
    """

    amount_en: IntArray
    row_e: IntArray
    side_e: IntArray
    entry_e: IntArray
    minimum_e: IntArray
    gross_e: FloatArray
    flow_e: IntArray
    row_count: int

    def sizes_eb(self) -> FloatArray:
        """Bounds of what a lot adds, as `sizes` has them, (E, 3)."""
        amount_ek = np.column_stack((self.minimum_e, self.amount_en[:, self.row_count :]))
        is_coin_k = np.zeros(amount_ek.shape[1], dtype=np.bool_)
        for name in ("coin_down", "coin_up"):
            is_coin_k[_SINGLE.index(name) - len(_SINGLE)] = True
        return sizes(self.gross_e, amount_ek, is_coin_k)

    def split(self, sum_cn: IntArray) -> "OrderSums":
        """Sums of the amounts over the open lots of cells, under their names."""
        rows, single = self.row_count, sum_cn.shape[1] - len(_SINGLE)
        keys = (single - rows) // 2
        sum_by_name = dict(zip(_SINGLE, sum_cn[:, single:].T, strict=True))
        return OrderSums(
            worst_cr=sum_cn[:, :rows],
            up_ck=sum_cn[:, rows : rows + keys],
            down_ck=sum_cn[:, rows + keys : single],
            owned_entry_c=sum_by_name["owned_entry"],
            coin_down_c=sum_by_name["coin_down"],
            coin_up_c=sum_by_name["coin_up"],
            surcharge_c=sum_by_name["surcharge"],
            unpriced_c=sum_by_name["unpriced"],
        )


class OrderSums(NamedTuple):
    """Sums over the open lots of cells (axis C), as OrderTotals has them."""

    worst_cr: IntArray
    up_ck: IntArray
    down_ck: IntArray
    owned_entry_c: IntArray
    coin_down_c: IntArray
    coin_up_c: IntArray
    surcharge_c: IntArray
    unpriced_c: IntArray


def effect_columns(
    arrays: RiskArrays, known_ek: IntArray, keyed: KeyedColumns, is_usable_i: BoolArray
) -> EffectColumns:
    """What effects do at a market; lots of what is not usable count as without a price.

    known_ek: of every effect the fields of Known, (E, 7).
    """
    known = dict(zip(Known._fields, known_ek.T, strict=True))
    row_e, side_e = known["row"], known["side"]
    pnl_er = side_e[:, None] * arrays.pnl_ir[row_e]
    lowest_ek = side_e[:, None] * keyed.amount_ik[row_e]
    highest_ek = lowest_ek.copy()
    gain_e, coin_up_e, owned_e, down_e, flow_e = np.zeros((5, len(row_e)), dtype=np.int64)
    gross_e = np.array(arrays.gross_i, dtype=np.float64)[row_e]
    group_e = np.array(arrays.group_i, dtype=np.int64)[row_e]
    for number, group in enumerate(arrays.groups):
        chosen = np.flatnonzero(group_e == number)
        if group is None or not len(chosen):
            continue
        part = {name: column[chosen] for name, column in known.items()}
        flow_e[chosen] = _flow_of(group, part)
        usd_e, coin_pico_e = _moved(arrays, part, flow_e[chosen])
        gain_e[chosen] = usd_e + coin_values(group, coin_pico_e)
        if group.cap is not None:
            coin_up_e[chosen] = np.maximum(coin_pico_e + COIN_ROUNDING_PICO, 0)
        if group.is_collateral_only:
            down_e[chosen] = np.maximum(-coin_pico_e, 0)
            owned_e[chosen] = usd_e + floor_products(
                coin_pico_e, group.owned_rate, COIN_VALUE_DIVISOR
            )
        coin_er = coin_rows_cs(group, coin_pico_e)
        pnl_er[chosen, :-1] += coin_er
        gross_e[chosen] += np.abs(coin_er).max(axis=1, initial=0)
        rate = group.index_nano * group.coin_feature_ppm
        lowest_ek[chosen, SPOT_COLUMN] += floor_products(coin_pico_e, rate, COIN_VALUE_DIVISOR)
        highest_ek[chosen, SPOT_COLUMN] -= floor_products(-coin_pico_e, rate, COIN_VALUE_DIVISOR)
    entry_e = np.minimum(gain_e, 0)
    single = {
        "owned_entry": np.minimum(owned_e, 0),
        "coin_down": down_e,
        "coin_up": coin_up_e,
        "surcharge": np.array(arrays.surcharge_i, dtype=np.int64)[row_e],
        "unpriced": np.where(is_usable_i[row_e], 0, 1),
    }
    parts = (
        np.minimum(pnl_er + entry_e[:, None], 0),
        np.maximum(highest_ek, 0),
        np.minimum(lowest_ek, 0),
        *(single[name] for name in _SINGLE),
    )
    return EffectColumns(
        amount_en=np.column_stack(parts),
        row_e=row_e,
        side_e=side_e,
        entry_e=entry_e,
        minimum_e=_minimum_of(arrays, row_e, side_e, gain_e),
        gross_e=gross_e - entry_e,
        flow_e=flow_e,
        row_count=pnl_er.shape[1],
    )


def _minimum_of(
    arrays: RiskArrays, row_e: IntArray, side_e: IntArray, gain_e: IntArray
) -> IntArray:
    """As min(0, RiskArrays.minimum_change)."""
    credit_i, minimum_i = np.array([arrays.minimum_credit_i, arrays.minimum_i], dtype=np.int64)
    credit_e = np.where(side_e > 0, 0, credit_i[row_e])
    change_e = np.minimum(gain_e, credit_e) + side_e * minimum_i[row_e]
    return np.asarray(np.minimum(0, change_e))


def _flow_of(group: GroupArrays, known: dict[str, IntArray]) -> IntArray:
    """What a fill of a lot pays or brings, the fee taken off."""
    fee_e = -floor_products(-known["fee_rate"], group.index_nano, INDEX_FEE_DIVISOR)
    return np.asarray(known["flow"] - np.minimum(fee_e, known["fee_cap"]))


def _moved(
    arrays: RiskArrays, known: dict[str, IntArray], flow_e: IntArray
) -> tuple[IntArray, IntArray]:
    """(1e-6 USD, 1e-12 coins) that a fill of a lot brings, its mark value counted."""
    row_e, side_e, is_usd_e = known["row"], known["side"], known["is_usd_paid"] > 0
    value_e, held_coin_e = (
        side_e * np.where(side_e > 0, np.array(long_i)[row_e], np.array(short_i)[row_e])
        for long_i, short_i in (
            (arrays.value_long_i, arrays.value_short_i),
            (arrays.coin_long_pico_i, arrays.coin_short_pico_i),
        )
    )
    usd_e = np.where(is_usd_e, flow_e, 0) + value_e
    coin_pico_e = np.where(is_usd_e, known["coins"], flow_e) + held_coin_e
    return usd_e, coin_pico_e
