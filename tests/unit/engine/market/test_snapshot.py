import math
from dataclasses import replace

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from tests.unit.engine.small_market import INSTRUMENTS, NANO

TABLE = InstrumentTable(INSTRUMENTS)
EMPTY = MarketSnapshot.empty(TABLE)


def quotes(
    name: str,
    *,
    mark: float = 1.0,
    vol: float = 0.5,
    forward: float = 1.0,
    index: float | None = 100_000.0,
) -> Quotes:
    return Quotes(
        index_by_underlying={} if index is None else {"BTC": index},
        rows=np.array([TABLE.row_by_name[name]], dtype=np.int64),
        mark_price_i=np.array([mark]),
        mark_vol_i=np.array([vol]),
        forward_price_i=np.array([forward]),
    )


def after(taken: Quotes, *, at_ns: int = 5) -> MarketSnapshot:
    return EMPTY.with_quotes(TABLE, taken, market_time_ns=at_ns, observed_ns=7)


def is_priced(snapshot: MarketSnapshot, name: str) -> bool:
    return bool(snapshot.priced_i(TABLE)[TABLE.row_by_name[name]])


def test_prices_are_taken_to_the_nearest_billionth_once() -> None:
    taken = after(quotes("CALL", mark=0.1 + 0.2, vol=1e-9, forward=1 / 3))
    row = TABLE.row_by_name["CALL"]
    assert taken.mark_nano_i[row] == 300_000_000
    assert taken.vol_nano_i[row] == 1
    assert taken.forward_nano_i[row] == 333_333_333
    assert taken.index_nano_u[0] == 100_000 * NANO


def test_a_new_version_leaves_the_old_one_alone_and_counts_up() -> None:
    taken = after(quotes("CALL"))
    assert (EMPTY.version, taken.version) == (0, 1)
    assert not EMPTY.mark_nano_i.any()
    assert taken.observed_ns_i[TABLE.row_by_name["CALL"]] == 7
    assert taken.observed_ns_i[TABLE.row_by_name["PUT"]] < 0
    with pytest.raises(ValueError, match="read-only"):
        taken.mark_nano_i[0] = 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mark": math.nan}, "mark_prices"),
        ({"mark": math.inf}, "mark_prices"),
        ({"mark": -1e-9}, "mark_prices"),
        ({"mark": 1e9}, "mark_prices"),
        ({"vol": 101.0}, "mark_vols"),
        ({"vol": math.nan}, "mark_vols"),
        ({"forward": -1.0}, "forward_prices"),
        ({"index": 0.0}, "indices"),
        ({"index": math.nan}, "indices"),
        ({"index": 1e9}, "indices"),
    ],
)
def test_a_price_that_cannot_be_is_refused_by_field(changes: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        after(quotes("CALL", **changes))
    assert wrong.value.field == field


def test_an_index_of_an_unlisted_coin_is_refused() -> None:
    with pytest.raises(InvalidInput, match="DOGE"):
        after(replace(quotes("CALL"), index_by_underlying={"DOGE": 1.0}))


def test_market_time_does_not_go_back_but_may_stand_still() -> None:
    taken = after(quotes("CALL"))
    again = taken.with_quotes(TABLE, quotes("PUT"), market_time_ns=5, observed_ns=8)
    assert again.version == 2
    with pytest.raises(InvalidInput) as wrong:
        taken.with_quotes(TABLE, quotes("PUT"), market_time_ns=4, observed_ns=8)
    assert wrong.value.field == "market_time"


def test_what_a_valuation_needs_must_be_there() -> None:
    assert is_priced(after(quotes("CALL")), "CALL")
    assert is_priced(after(quotes("CALL", mark=0.0)), "CALL")  # worthless, but known
    assert not is_priced(after(quotes("CALL", vol=0.0)), "CALL")
    assert not is_priced(after(quotes("CALL", forward=0.0)), "CALL")
    assert not is_priced(after(quotes("CALL", index=None)), "CALL")
    assert is_priced(after(quotes("NEAR", vol=0.0, forward=0.0)), "NEAR")
    assert not is_priced(after(quotes("NEAR", mark=0.0)), "NEAR")
    assert is_priced(after(quotes("NEAR")), "BTC")
    assert not is_priced(EMPTY, "BTC")
    assert not is_priced(after(quotes("NEAR")), "FAR")


def test_a_longer_table_keeps_prices_and_leaves_the_new_rows_unobserved() -> None:
    larger = TABLE.with_instruments([replace(INSTRUMENTS[0], name="NEW", underlying="ETH")])
    taken = after(quotes("CALL"))
    extended = taken.extended_to(larger)
    assert extended.version == taken.version + 1
    assert extended.mark_nano_i[TABLE.row_by_name["CALL"]] == NANO
    assert not extended.priced_i(larger)[-1]
    assert len(extended.index_nano_u) == 3
    assert taken.extended_to(TABLE) is taken


def doubted(taken: MarketSnapshot) -> MarketSnapshot:
    """The same with every price in doubt, and each instrument's surcharge its own."""
    return replace(
        taken,
        doubt_u=np.ones(len(taken.doubt_u), dtype=np.int8),
        doubt_i=np.ones(len(taken.doubt_i), dtype=np.int8),
        surcharge_ppm_i=np.arange(1, len(taken.doubt_i) + 1),
    )


def test_what_is_taken_is_in_no_doubt_and_the_rest_stays_as_it_was() -> None:
    taken = doubted(EMPTY).with_quotes(TABLE, quotes("CALL"), market_time_ns=5, observed_ns=7)
    row = TABLE.row_by_name["CALL"]
    assert (taken.doubt_i[row], taken.surcharge_ppm_i[row]) == (0, 0)
    assert taken.doubt_i.sum() == len(TABLE) - 1
    assert taken.surcharge_ppm_i[row + 1] == row + 2
    assert taken.doubt_u.tolist() == [0, 1]
    assert (taken.doubt_i.dtype, taken.surcharge_ppm_i.dtype) == (np.int8, np.int64)


def test_without_an_index_in_the_quotes_its_doubt_stays() -> None:
    only_call = quotes("CALL", index=None)
    taken = doubted(EMPTY).with_quotes(TABLE, only_call, market_time_ns=5, observed_ns=7)
    assert taken.doubt_u.tolist() == [1, 1]


def test_a_longer_table_keeps_doubts_and_surcharges() -> None:
    larger = TABLE.with_instruments([replace(INSTRUMENTS[0], name="NEW", underlying="ETH")])
    extended = doubted(EMPTY).extended_to(larger)
    assert extended.doubt_u.tolist() == [1, 1, 0]
    assert extended.doubt_i.tolist() == [1] * len(TABLE) + [0]
    assert extended.surcharge_ppm_i.tolist() == [*range(1, len(TABLE) + 1), 0]
