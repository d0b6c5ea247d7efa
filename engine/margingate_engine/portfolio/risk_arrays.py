"""What one lot of every instrument does in every scenario, and its other risk features.

Everything a check needs of the market, computed once per market version for the whole table.
Vectors are int64 arrays; scalars per instrument are lists of Python integers, which a check reads
one at a time.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO, PICO, PPM, ceil_div
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.floors import FLOAT_ERROR, FLOAT_WHOLE_MAX
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.margin_model import MarginModel

COIN_ROW_DIVISOR = PICO * NANO * PICO // MICRO
"""1e-12 coins x 1e-9 USD x 1e-12 weighted move, in 1e-6 USD."""

COIN_VALUE_DIVISOR = PICO * NANO * PPM // MICRO
"""1e-12 coins x 1e-9 USD x 1e-6 ratio, in 1e-6 USD."""

FEW_SCENARIOS = 50
"""Up to so many, whole numbers take no longer than arrays of floats."""

SPOT_KEY = 0
"""Key of the feature that coins have; those of instruments have keys of the model's choice."""


def lots_key(row: int) -> int:
    """Key, below zero, of the feature that counts the lots of one instrument."""
    return -1 - row


def lots_row(key: int) -> int:
    """The instrument's row of a key that `lots_key` made."""
    return -1 - key


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupArrays:
    """One underlying: its scenarios and how a coin of it behaves. Ratios in 1e-6.

    descriptions: of the scenarios. coin_factor_s: index in 1e-9 USD times the weighted move in
    1e-12, per scenario. coin_feature_ppm: of a coin's value, what it has as a keyed feature.
    haircut_ppm: of coins owned; debt_haircut_ppm: on coins owed, the same when None. owned_nano,
    owed_nano: prices that these count at, 1e-9 USD, the index when None. cap: most that coins owned
    count, 1e-6 USD. is_collateral_only: of no model, no derivative has it as its underlying.
    owned_rate, owed_rate: what a coin owned adds to equity and a coin owed takes from it, 1e-15
    USD.
    """

    underlying: str
    descriptions: tuple[str, ...]
    index_nano: int
    coin_factor_s: tuple[int, ...]
    coin_feature_ppm: int
    haircut_ppm: int
    debt_haircut_ppm: int | None = None
    owned_nano: int | None = None
    owed_nano: int | None = None
    cap: int | None = None
    is_depegged: bool = False
    is_collateral_only: bool = False
    owned_rate: int = field(init=False)
    owed_rate: int = field(init=False)
    _float_factor_s: FloatArray = field(init=False, repr=False, compare=False)
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what every row and value is made of."""
        owed_ppm = self.haircut_ppm if self.debt_haircut_ppm is None else self.debt_haircut_ppm
        owned_nano = self.index_nano if self.owned_nano is None else self.owned_nano
        owed_nano = self.index_nano if self.owed_nano is None else self.owed_nano
        object.__setattr__(self, "owned_rate", owned_nano * (PPM - self.haircut_ppm))
        object.__setattr__(self, "owed_rate", owed_nano * (PPM + owed_ppm))
        factor_s = self.coin_factor_s
        floats = np.array([factor / COIN_ROW_DIVISOR for factor in factor_s], dtype=np.float64)
        object.__setattr__(self, "_float_factor_s", floats)
        object.__setattr__(self, "_ends", (min(factor_s, default=0), max(factor_s, default=0)))

    def coin_rows(self, coin_pico: int) -> list[int]:
        """Weighted P&L of a coin balance per scenario, 1e-6 USD, rounded down. [SPAN-05]"""
        factor_s = self.coin_factor_s
        if len(factor_s) <= FEW_SCENARIOS or self.coin_gross(coin_pico) >= FLOAT_WHOLE_MAX:
            return [coin_pico * factor // COIN_ROW_DIVISOR for factor in factor_s]
        near_s = float(coin_pico) * self._float_factor_s
        in_doubt_s = np.abs(near_s - np.rint(near_s)) < FLOAT_ERROR * np.abs(near_s)
        rows: list[int] = np.floor(near_s).astype(np.int64).tolist()
        for place in np.flatnonzero(in_doubt_s).tolist():
            rows[place] = coin_pico * factor_s[place] // COIN_ROW_DIVISOR
        return rows

    def coin_gross(self, coin_pico: int) -> int:
        """Largest |row| of a coin balance, 1e-6 USD: of one of the farthest moves. [SPAN-04]"""
        return max(abs(coin_pico * factor // COIN_ROW_DIVISOR) for factor in self._ends)

    def coin_value(self, coin_pico: int) -> int:
        """Value of a coin balance, 1e-6 USD, rounded down, haircut applied, no cap. [SPAN-08]"""
        rate = self.owned_rate if coin_pico > 0 else self.owed_rate
        return coin_pico * rate // COIN_VALUE_DIVISOR

    def owned_value(self, coin_pico: int) -> int:
        """What coins add to the value of a balance that stays above zero, rounded down. [COL-01]"""
        return coin_pico * self.owned_rate // COIN_VALUE_DIVISOR

    def counted(self, coin_pico: int) -> int:
        """What a coin balance counts in equity, 1e-6 USD: its value up to the cap. [COL-04]"""
        value = self.coin_value(coin_pico)
        return value if self.cap is None else min(value, self.cap)

    def price_of(self, coin_pico: int) -> int:
        """Coins at the index, 1e-6 USD, rounded up."""
        return ceil_div(coin_pico * self.index_nano * PPM, COIN_VALUE_DIVISOR)

    def beyond_cap(self, coin_pico: int) -> int:
        """What of the value of a coin balance does not count, 1e-6 USD, >= 0. [COL-04]"""
        return self.coin_value(coin_pico) - self.counted(coin_pico)

    def coins_to_cap(self, coin_pico: int) -> int | None:
        """Coins (1e-12, signed) that bring a balance to its cap, rounded down; None without one."""
        if self.cap is None:
            return None
        return self.cap * COIN_VALUE_DIVISOR // self.owned_rate - coin_pico

    def coin_feature(self, coin_pico: int) -> int:
        """Feature of a coin balance under SPOT_KEY, 1e-6 USD, rounded down. [SPAN-10]"""
        return coin_pico * self.index_nano * self.coin_feature_ppm // COIN_VALUE_DIVISOR

    def coin_feature_up(self, coin_pico: int) -> int:
        """The same rounded up: the other end of what a fill can add. [SPAN-14]"""
        return -self.coin_feature(-coin_pico)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskArrays:
    """Features of one lot, per instrument (axis I); 1e-6 USD unless named pico (1e-12 coins).

    pnl_ir: rows (axis R): the scenarios and a null row of zero. gross_i: largest |row|. group_i:
    number in `groups`. notional_i: of a lot, >= 0. mark_nano_i: 1e-9 of the quote currency.
    value_long_i, value_short_i: what a lot held long counts in equity, what a lot held short takes
    from it. coin_long_pico_i, coin_short_pico_i: the same in coins for inverse futures and expired
    inverse options. features_i: (key, amount) pairs that add up by key. minimum_i: what a short lot
    requires at least; minimum_credit_i: how much of the price of a lot sold counts against it, its
    mark where the minimum has the mark in it. priced_i: False where something is missing or out of
    range; the features are then zero and must not be used. own: what the model alone reads. groups:
    None without an index price or without parameters; unmodelled: underlyings without parameters.
    surcharge_i: what a lot held or on order puts up on top while its price is in doubt. [COL-06]
    collateral_only: numbers of the groups that no model has. has_own_charges: whether an account
    may require anything beside what its model does.
    """

    table: InstrumentTable
    snapshot: MarketSnapshot
    model: MarginModel
    groups: tuple[GroupArrays | None, ...]
    unmodelled: frozenset[str]
    group_i: list[int]
    pnl_ir: IntArray
    gross_i: list[int]
    value_long_i: list[int]
    value_short_i: list[int]
    coin_long_pico_i: list[int]
    coin_short_pico_i: list[int]
    features_i: list[tuple[tuple[int, int], ...]]
    minimum_i: list[int]
    minimum_credit_i: list[int]
    notional_i: list[int]
    priced_i: list[bool]
    mark_nano_i: list[int]
    surcharge_i: list[int]
    own: Any = None
    collateral_only: frozenset[int] = field(init=False)
    has_own_charges: bool = field(init=False)
    effects: dict[Hashable, Any] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )
    """What lots on order do, as worked out so far: for `effect.leg_effect` alone."""

    def __post_init__(self) -> None:
        """Know whether there is anything to charge beside the model."""
        groups = [(n, each) for n, each in enumerate(self.groups) if each is not None]
        only = frozenset(n for n, each in groups if each.is_collateral_only)
        is_capped = any(each.cap is not None for _, each in groups)
        object.__setattr__(self, "collateral_only", only)
        object.__setattr__(
            self, "has_own_charges", bool(only) or is_capped or any(self.surcharge_i)
        )

    def has_terms(self, row: int) -> bool:
        """False where the model has no parameters for the row and it is no mere collateral."""
        instrument = self.table.instruments[row]
        if self.group_i[row] in self.collateral_only:
            return instrument.kind is InstrumentKind.SPOT
        return instrument.underlying not in self.unmodelled

    def position_value(self, row: int, lots: int) -> int:
        """Mark value of a position in 1e-6 USD, rounded against the account. [SPAN-06, SPAN-07]"""
        return lots * (self.value_long_i[row] if lots > 0 else self.value_short_i[row])

    def minimum_change(self, row: int, side: int, gain: int) -> int:
        """Headroom of a fill of one lot of a side (1, -1) where the minimum binds, 1e-6 USD.

        gain: what the fill adds to equity. Of a buy a loss alone counts, of a sale what it brings
        as well, up to the mark that the minimum has in it.
        """
        credit = 0 if side > 0 else self.minimum_credit_i[row]
        return min(gain, credit) + side * self.minimum_i[row]

    def position_coin(self, row: int, lots: int) -> int:
        """Mark value of what is worth coins, 1e-12, rounded against the account. [SPAN-06]"""
        return lots * (self.coin_long_pico_i[row] if lots > 0 else self.coin_short_pico_i[row])
