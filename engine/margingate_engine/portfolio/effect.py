"""What one lot of an order does to an account when it fills: e, d and the rest. [SPAN-13]"""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX, USD
from margingate_engine.core.arrays import IntArray
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.fees import FeeTier, held_fee
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.risk_arrays import SPOT_KEY, GroupArrays, RiskArrays

COIN_ROUNDING_PICO = 3
"""More coins than these a lot never brings: flow, fee and mark value are rounded one by one."""

EFFECTS_MAX = 20_000
"""So many are kept of one market; each takes about a kilobyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEffect:
    """Features of one lot on order, 1e-6 USD unless named otherwise.

    pnl_r: d per row (axis R). gain: what its fill adds to equity, signed. worst_r: min(0, e + d)
    per row, with e = min(0, gain), the entry. features: (key, lowest, highest) change of each keyed
    feature, apart by rounding alone. minimum: min(0, e + sign x k), the change where the minimum of
    shorts binds; where k has the mark in it, what a sale brings counts up to the mark. cash: what a
    fill moves of each asset, signed in its units; futures are settled through their entry and move
    none. gross: bound of any row's size; where it is beyond the integers the leg must not be held,
    and pnl_r is zero. coin_up: most coins (1e-12) that a fill brings where these have a cap, >= 0.
    surcharge: what a lot puts up on top while its price is in doubt. Of mere collateral:
    owned_entry: e where the coins that are sold are owned, <= 0; coin_down: how many these are.
    """

    row: int
    side: Side
    group: int
    pnl_r: IntArray
    worst_r: IntArray
    gain: int
    entry: int
    features: tuple[tuple[int, int, int], ...]
    minimum: int
    cash: tuple[tuple[str, int], ...]
    gross: int
    coin_up: int = 0
    surcharge: int = 0
    owned_entry: int = 0
    coin_down: int = 0


def leg_effect(
    arrays: RiskArrays, fees: FeeTier, row: int, side: Side, price_nano: int
) -> LegEffect:
    """Features of one lot at a limit price; the instrument must be priced.

    An order is asked about several times: what it does is kept with the arrays.
    """
    key = (row, side, price_nano, id(fees))
    kept: tuple[FeeTier, LegEffect] | None = arrays.effects.get(key)
    if kept is not None:
        return kept[1]
    effect = _leg_effect(arrays, fees, row, side, price_nano)
    if len(arrays.effects) >= EFFECTS_MAX:
        arrays.effects.clear()
    arrays.effects[key] = (fees, effect)  # the tier is kept alive, so that its id stays its own
    return effect


def _leg_effect(
    arrays: RiskArrays, fees: FeeTier, row: int, side: Side, price_nano: int
) -> LegEffect:
    instrument = arrays.table.instruments[row]
    group = _group(arrays, row)
    flow = fill_flow(instrument, int(side), price_nano) - held_fee(
        fees, instrument, 1, price_nano, group.index_nano
    )
    coins = spot_coins(instrument, int(side))
    is_usd_paid = instrument.settlement_asset == USD
    usd = (flow if is_usd_paid else 0) + arrays.position_value(row, int(side))
    coin_pico = (coins if is_usd_paid else flow) + arrays.position_coin(row, int(side))
    gain = usd + group.coin_value(coin_pico)
    entry = min(0, gain)
    gross = arrays.gross_i[row] - entry + group.coin_gross(coin_pico)
    pnl_r = np.zeros_like(arrays.pnl_ir[row])
    if gross < AMOUNT_UNITS_MAX:
        pnl_r = arrays.pnl_ir[row] if side > 0 else -arrays.pnl_ir[row]
        if coin_pico:
            pnl_r = pnl_r + np.array([*group.coin_rows(coin_pico), 0], dtype=np.int64)
    cash: tuple[tuple[str, int], ...] = ((instrument.settlement_asset, flow),)
    if instrument.is_future:
        cash = ()
    elif instrument.kind is InstrumentKind.SPOT:
        cash = (*cash, (instrument.underlying, coins))
    is_in_range = gross < AMOUNT_UNITS_MAX
    return LegEffect(
        row=row,
        side=side,
        group=arrays.group_i[row],
        pnl_r=pnl_r,
        worst_r=np.minimum(pnl_r + entry, 0) if is_in_range else pnl_r,
        gain=gain,
        entry=entry,
        features=_features(arrays, group, row, int(side), coin_pico),
        minimum=min(0, arrays.minimum_change(row, int(side), gain)),
        cash=cash,
        gross=gross,
        coin_up=0 if group.cap is None else max(0, coin_pico + COIN_ROUNDING_PICO),
        surcharge=arrays.surcharge_i[row],
        owned_entry=min(0, usd + group.owned_value(coin_pico)) if group.is_collateral_only else 0,
        coin_down=max(0, -coin_pico) if group.is_collateral_only else 0,
    )


def _features(
    arrays: RiskArrays, group: GroupArrays, row: int, side: int, coin_pico: int
) -> tuple[tuple[int, int, int], ...]:
    lowest = {key: side * amount for key, amount in arrays.features_i[row]}
    highest = dict(lowest)
    lowest[SPOT_KEY] = lowest.get(SPOT_KEY, 0) + group.coin_feature(coin_pico)
    highest[SPOT_KEY] = highest.get(SPOT_KEY, 0) + group.coin_feature_up(coin_pico)
    return tuple((key, lowest[key], highest[key]) for key in lowest)


def _group(arrays: RiskArrays, row: int) -> GroupArrays:
    group = arrays.groups[arrays.group_i[row]]
    assert group is not None, "an unpriced instrument reached the margin calculation"
    return group
