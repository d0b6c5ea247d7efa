"""A few instruments of a market as a market of their own."""

from dataclasses import replace

import numpy as np

from margingate_engine.market.part import market_part
from tests.unit.engine.small_market import small_market

MARKET = small_market()
TABLE = MARKET.table
SNAPSHOT = replace(
    MARKET.arrays.snapshot,
    surcharge_ppm_i=np.arange(len(TABLE)),
    doubt_u=np.array([3, 4], dtype=np.int8),
    doubt_i=np.arange(len(TABLE), dtype=np.int8),
)


def test_the_part_has_the_instruments_asked_for_at_the_prices_that_they_had() -> None:
    names = ("FAR", "CALL", "SOL-PERPETUAL")
    part, snapshot = market_part(TABLE, SNAPSHOT, [TABLE.row_by_name[name] for name in names])
    assert [each.name for each in part.instruments] == ["CALL", "FAR", "SOL-PERPETUAL"]
    for row, each in enumerate(part.instruments):
        whole = TABLE.row_by_name[each.name]
        for prices in (
            *("mark_nano_i", "vol_nano_i", "forward_nano_i", "observed_ns_i"),
            *("surcharge_ppm_i", "doubt_i"),
        ):
            assert getattr(snapshot, prices)[row] == getattr(SNAPSHOT, prices)[whole]
    assert part.underlyings == ("BTC", "SOL")
    assert snapshot.doubt_u.tolist() == [3, 4]
    assert snapshot.index_nano_u.tolist() == [100_000 * 10**9, 150 * 10**9]
    assert (snapshot.version, snapshot.market_time_ns) == (
        SNAPSHOT.version,
        SNAPSHOT.market_time_ns,
    )


def test_a_coin_brings_an_instrument_along_for_its_index_and_only_where_there_is_none() -> None:
    sol = TABLE.row_by_name["SOL-PERPETUAL"]
    part, snapshot = market_part(TABLE, SNAPSHOT, [sol], ["BTC", "SOL", "DOGE"])
    assert [each.name for each in part.instruments] == [TABLE.instruments[0].name, "SOL-PERPETUAL"]
    assert snapshot.index_nano_u.tolist() == [100_000 * 10**9, 150 * 10**9]


def test_a_coin_whose_instrument_is_there_brings_none_along() -> None:
    part, _ = market_part(TABLE, SNAPSHOT, [TABLE.row_by_name["NEAR"]], ["BTC"])
    assert [each.name for each in part.instruments] == ["NEAR"]


def test_a_part_of_nothing_is_a_market_of_nothing() -> None:
    part, snapshot = market_part(TABLE, SNAPSHOT, [])
    assert (len(part), part.underlyings, len(snapshot.mark_nano_i)) == (0, (), 0)


def test_a_lot_does_the_same_in_every_scenario_in_the_part_as_in_the_whole() -> None:
    rows = [TABLE.row_by_name[name] for name in ("COIN-CALL", "PERPETUAL")]
    arrays = MARKET.arrays.model.risk_arrays(*market_part(TABLE, SNAPSHOT, rows))
    assert np.array_equal(arrays.pnl_ir, MARKET.arrays.pnl_ir[sorted(rows)])
