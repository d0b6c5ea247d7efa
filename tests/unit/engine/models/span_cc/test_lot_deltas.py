"""Composite deltas of a whole chain against the slope of its revaluation. [SCC-23]"""

import numpy as np
import pytest

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.models.span_cc.coin_parameters import CoinParameters
from margingate_engine.models.span_cc.lot_deltas import lot_deltas
from margingate_engine.pricing.revalue import OptionPoint, OptionShocks, option_pnl
from tests.property.chain import DAY_NS, INDEX, chain
from tests.property.span_cc_tables import TABLES

PARAMETERS = CoinParameters.from_mapping(TABLES)
STEP = 1e-5


@pytest.mark.parametrize("coin", sorted(INDEX))
def test_an_option_has_the_mean_slope_of_its_value_over_the_delta_points(coin: str) -> None:
    """[SCC-23] Slopes between two prices close to each point; the look-ahead of BTC is a day."""
    table, snapshot = chain()
    number = table.underlyings.index(coin)
    rows = np.flatnonzero(table.is_option_i & (table.underlying_i == number))
    span, weight_p = PARAMETERS.underlyings[coin].scan.span, PARAMETERS.delta_weights.weight_p
    move_p = np.array([0, 1, -1, 2, -2, 3, -3]) / 3 * float(span.price_scan_range)
    days_i = (table.expiry_ns_i[rows] - snapshot.market_time_ns) / DAY_NS
    vol_i = snapshot.vol_nano_i[rows] / NANO
    point = OptionPoint(
        index=INDEX[coin],
        forward_i=snapshot.forward_nano_i[rows] / NANO,
        vol_i=vol_i,
        tau_years_i=days_i / 365,
    )
    up_ip, down_ip = (
        option_pnl(
            table,
            rows,
            point,
            OptionShocks(
                move_s=move_p + step,
                vol_is=np.repeat(vol_i[:, None], len(move_p), axis=1),
                tau_years_i=np.maximum(days_i - float(span.look_ahead_days), 0) / 365,
            ),
        )
        for step in (STEP, -STEP)
    )
    slope_i = MICRO * ((up_ip - down_ip) / (2 * STEP) @ weight_p)
    own_i, coins_i = lot_deltas(table, snapshot, rows, INDEX[coin], span, weight_p)
    # Without time left a slope is a step: the days that remain after the look-ahead are looked at.
    lives_i = days_i > float(span.look_ahead_days)
    assert lives_i.sum() >= 42
    size_i = MICRO * table.size_i[rows] * INDEX[coin]
    assert np.abs((own_i + coins_i - slope_i) / size_i)[lives_i].max() < 2e-6
    is_inverse_i = table.is_inverse_i[rows]
    assert (coins_i[is_inverse_i] >= 0).all()
    assert (coins_i[~is_inverse_i] == 0).all()
