"""What one lot is worth at its mark: the part of risk arrays that all models share. [SPAN-06]"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO, PICO, PPM, ceil_div
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray, read_only
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.margin_model import EquityBasis, MarginModel
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from margingate_engine.scenarios.rounding import fits, units_down, units_up


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkValues:
    """Values of one lot as float64 in their final units (1e-6 USD; coin in 1e-12), axis I.

    priced_i: has every price, an index and parameters; zero elsewhere. reserve_i: 1 where a short
    lot owes the rounding reserve. [SPAN-07]
    """

    table: InstrumentTable
    snapshot: MarketSnapshot
    priced_i: BoolArray
    value_i: FloatArray
    coin_pico_i: FloatArray
    notional_i: FloatArray
    reserve_i: IntArray

    def with_spot_of(self, groups: Iterable[GroupArrays]) -> "MarkValues":
        """The same with spot of what is collateral alone, worth its index; it owes no reserve."""
        names = {each.underlying for each in groups if each.is_collateral_only}
        if not names:
            return self
        table, snapshot = self.table, self.snapshot
        is_named_u = np.array([name in names for name in table.underlyings])
        priced_i = is_named_u[table.underlying_i] & table.is_spot_i & snapshot.priced_i(table)
        index_i = (snapshot.index_nano_u / NANO)[table.underlying_i]
        notional_i = np.where(priced_i, MICRO * table.size_i * index_i, self.notional_i)
        added = replace(self, priced_i=self.priced_i | priced_i, notional_i=notional_i)
        return added.keeping(np.ones(len(table), dtype=np.bool_))

    def keeping(self, fits_i: BoolArray) -> "MarkValues":
        """The same with the other rows unpriced: one absurd lot must not stop the table."""
        worth_if = np.stack((self.value_i, self.coin_pico_i, self.notional_i), axis=1)
        kept_i = fits_i & fits(worth_if).all(axis=1)
        return MarkValues(
            table=self.table,
            snapshot=self.snapshot,
            priced_i=self.priced_i & kept_i,
            value_i=np.where(kept_i, self.value_i, 0.0),
            coin_pico_i=np.where(kept_i, self.coin_pico_i, 0.0),
            notional_i=np.where(kept_i, self.notional_i, 0.0),
            reserve_i=np.where(kept_i, self.reserve_i, 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRisk:
    """What a model adds to the mark values, by row; zero where a row is unpriced.

    pnl_is: whole 1e-6 USD per scenario. The others as in RiskArrays; no minimum when None.
    """

    pnl_is: IntArray
    features_i: list[tuple[tuple[int, int], ...]]
    minimum_i: IntArray | None = None
    own: Any = None


def mark_values(
    table: InstrumentTable, snapshot: MarketSnapshot, modelled: Collection[str]
) -> MarkValues:
    """Values of the instruments whose underlyings are `modelled`."""
    count = len(table)
    index_i = (snapshot.index_nano_u / NANO)[table.underlying_i] if count else np.zeros(0)
    is_modelled_u = np.array([name in modelled for name in table.underlyings], dtype=np.bool_)
    is_modelled_i = is_modelled_u[table.underlying_i] if count else np.zeros(0, dtype=np.bool_)
    priced_i = snapshot.priced_i(table) & is_modelled_i & (index_i > 0)
    value_i, coin_pico_i, notional_i = np.zeros(count), np.zeros(count), np.zeros(count)
    spot = np.flatnonzero(priced_i & table.is_spot_i)
    notional_i[spot] = MICRO * table.size_i[spot] * index_i[spot]
    options = np.flatnonzero(priced_i & table.is_option_i)
    size_i, is_inverse_i = table.size_i[options], table.is_inverse_i[options]
    mark_i = snapshot.mark_nano_i[options] / NANO
    usd_per_quote_i = np.where(is_inverse_i, index_i[options], 1.0)
    is_coins_i = is_inverse_i & snapshot.has_expired_i(table)[options]
    value_i[options] = np.where(is_coins_i, 0.0, MICRO * size_i * mark_i * usd_per_quote_i)
    coin_pico_i[options] = np.where(is_coins_i, PICO * size_i * mark_i, 0.0)
    notional_i[options] = MICRO * size_i * index_i[options]
    futures = np.flatnonzero(priced_i & table.is_future_i)
    size_i, is_inverse_i = table.size_i[futures], table.is_inverse_i[futures]
    mark_i = snapshot.mark_nano_i[futures] / NANO
    value_i[futures] = np.where(is_inverse_i, 0.0, MICRO * size_i * mark_i)
    coin_pico_i[futures] = np.where(is_inverse_i, -PICO * size_i / mark_i, 0.0)
    notional_i[futures] = MICRO * size_i * np.where(is_inverse_i, 1.0, mark_i)
    return MarkValues(
        table=table,
        snapshot=snapshot,
        priced_i=priced_i,
        value_i=value_i,
        coin_pico_i=coin_pico_i,
        notional_i=notional_i,
        reserve_i=(priced_i & ~table.is_spot_i).astype(np.int64),
    )


def risk_arrays(
    model: MarginModel, groups: Mapping[str, GroupArrays | None], values: MarkValues, lot: LotRisk
) -> RiskArrays:
    """The arrays of a model from its mark values and what it adds to them.

    groups: by underlying; those that are not named have no parameters. Without option value in
    equity [0.2] a long option is worth nothing and the minimum of a short one has its mark in it.
    Coins count by the model's terms of collateral, also those that it has no parameters for.
    """
    table, index_nano_u = values.table, values.snapshot.index_nano_u.tolist()
    collateral, scenario_count = model.collateral, lot.pnl_is.shape[1]
    valued = {
        name: collateral.group(name, index_nano, groups.get(name), scenario_count)
        for name, index_nano in zip(table.underlyings, index_nano_u, strict=True)
    }
    values = values.with_spot_of([each for each in valued.values() if each is not None])
    count_r = lot.pnl_is.shape[1] + 1
    pnl_ir = np.zeros((len(table), count_r), dtype=np.int64)
    pnl_ir[:, :-1] = lot.pnl_is
    long_i = units_down(values.value_i)
    short_i = units_up(values.value_i) + values.reserve_i
    minimum_i = np.zeros(len(table), dtype=np.int64) if lot.minimum_i is None else lot.minimum_i
    coin_long_i, coin_short_i = units_down(values.coin_pico_i), units_up(values.coin_pico_i)
    credit_i = np.zeros(len(table), dtype=np.int64)
    if model.equity_basis is EquityBasis.WITHOUT_OPTION_VALUE:
        credit_i = np.where(table.is_option_i, short_i, 0)
        long_i, short_i, coin_long_i, coin_short_i = (
            np.where(table.is_option_i, 0, each_i)
            for each_i in (long_i, short_i, coin_long_i, coin_short_i)
        )
    return RiskArrays(
        table=table,
        snapshot=values.snapshot,
        model=model,
        groups=tuple(valued.values()),
        unmodelled=frozenset(table.underlyings) - groups.keys() - collateral.assets.keys(),
        group_i=table.underlying_i.tolist(),
        pnl_ir=read_only(pnl_ir),
        gross_i=np.abs(pnl_ir).max(axis=1, initial=0).tolist(),
        value_long_i=long_i.tolist(),
        value_short_i=short_i.tolist(),
        coin_long_pico_i=coin_long_i.tolist(),
        coin_short_pico_i=coin_short_i.tolist(),
        features_i=lot.features_i,
        minimum_i=minimum_i.tolist(),
        minimum_credit_i=credit_i.tolist(),
        notional_i=units_down(values.notional_i).tolist(),
        priced_i=values.priced_i.tolist(),
        mark_nano_i=values.snapshot.mark_nano_i.tolist(),
        surcharge_i=surcharges(values),
        own=lot.own,
    )


def surcharges(values: MarkValues) -> list[int]:
    """What a lot of each row puts up on top of its margin, 1e-6 USD, rounded up. [COL-06]"""
    surcharge_i, ppm_i = [0] * len(values.table), values.snapshot.surcharge_ppm_i
    for row in np.flatnonzero((ppm_i > 0) & values.priced_i).tolist():
        notional = int(units_up(values.notional_i[row : row + 1])[0])
        surcharge_i[row] = ceil_div(notional * int(ppm_i[row]), PPM)
    return surcharge_i
