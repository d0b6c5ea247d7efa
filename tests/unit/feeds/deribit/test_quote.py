"""Which tickers and marks are taken."""

from typing import Any

import pytest

from margingate_engine.core.symbols import parse_symbol
from margingate_server.feeds.deribit.payloads import MarkPayload, TickerPayload
from margingate_server.feeds.deribit.quote import (
    Mark,
    index_problem,
    mark_of_ticker,
    mark_problem,
    ticker_problem,
)
from margingate_server.feeds.standard_terms import standard_instrument

OPTION, PERPETUAL = "BTC-27MAR26-100000-C", "BTC-PERPETUAL"
SOUND = {
    "mark_price": 0.0246,
    "mark_iv": 38.5,
    "underlying_price": 89_635.44,
    "best_bid_price": 0.0245,
    "best_ask_price": 0.0247,
}


def problem(name: str, **changes: Any) -> str:
    instrument = standard_instrument(name)
    assert instrument is not None
    assert instrument.kind is parse_symbol(name).kind
    ticker = TickerPayload(instrument_name=name, timestamp=1, **(SOUND | changes))
    return ticker_problem(ticker, instrument)


def test_a_sound_ticker_has_no_problem_and_its_vol_is_a_fraction() -> None:
    assert problem(OPTION) == ""
    assert problem(PERPETUAL, mark_price=89_000.0, mark_iv=None, underlying_price=None) == ""
    ticker = TickerPayload(instrument_name=OPTION, timestamp=1, **SOUND)
    assert mark_of_ticker(ticker, 5) == Mark(5, 0.0246, 0.385)


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        *((0.0247, 0.0245, "crossed"), (0.0246, 0.0246, "")),
        *((None, 0.0245, ""), (0.0247, None, ""), (0.0, 0.0245, ""), (0.0247, 0.0, "")),
        (None, None, ""),
    ],
)
def test_a_bid_above_the_ask_is_crossed_and_a_missing_side_is_not(
    bid: float | None, ask: float | None, expected: str
) -> None:
    assert problem(OPTION, best_bid_price=bid, best_ask_price=ask) == expected


@pytest.mark.parametrize("field", ["mark_price", "mark_iv", "underlying_price"])
def test_an_option_needs_mark_and_forward_and_no_absurd_vol(field: str) -> None:
    assert problem(OPTION, **{field: None}) == ("" if field == "mark_iv" else "missing")
    assert problem(OPTION, **{field: -0.1}) == "absurd"
    assert problem(OPTION, **{field: 1e12}) == "absurd"
    assert problem(OPTION, **{field: float("nan")}) == "absurd"
    assert problem(OPTION, **{field: float("inf")}) == "absurd"


def test_an_option_may_be_worth_nothing_and_a_future_may_not() -> None:
    assert problem(OPTION, mark_price=0.0) == ""
    assert problem(OPTION, mark_price=1e-12) == ""
    assert problem(OPTION, mark_iv=0.0) == ""
    assert problem(PERPETUAL, mark_price=0.0) == "missing"
    assert problem(PERPETUAL, mark_price=None) == "missing"


@pytest.mark.parametrize(
    ("price", "iv", "expected"),
    [
        *((0.02, 0.5, ""), (0.0, 0.5, ""), (None, 0.5, "missing"), (0.02, None, "missing")),
        *((0.02, 0.0, "missing"), (0.02, 101.0, "absurd"), (-0.02, 0.5, "absurd")),
    ],
)
def test_a_mark_needs_price_and_vol_within_the_bounds_of_a_market(
    price: float | None, iv: float | None, expected: str
) -> None:
    mark = MarkPayload(instrument_name=OPTION, timestamp=1, mark_price=price, iv=iv)
    assert mark_problem(mark) == expected


def test_an_index_is_positive_and_below_the_largest_price() -> None:
    assert index_problem(90_000.0) == ""
    assert index_problem(None) == index_problem(0.0) == "missing"
    assert index_problem(1e-10) == "absurd"  # it would round to none
    assert index_problem(-1.0) == index_problem(9.1e8) == "absurd"
