"""Marks between tickers take the forward of now, and no single ticker's word for it."""

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument
from margingate_engine.core.symbols import parse_symbol
from margingate_server.feeds.deribit.forwards import FORWARD_LAG_NS_MAX, Forwards
from margingate_server.feeds.standard_terms import standard_instrument

NAMES = [f"BTC-22FEB26-{strike}-C" for strike in (80_000, 85_000, 90_000, 95_000, 100_000)]
LINEAR, LATER = "BTC_USDC-22FEB26-90000-C", "BTC-1MAR26-90000-C"


def listed(name: str) -> Instrument:
    found = standard_instrument(name)
    assert found is not None, parse_symbol(name)
    return found


OPTIONS = [listed(name) for name in NAMES]


def test_a_mark_takes_the_forward_that_others_of_its_expiry_ticked_with_since() -> None:
    forwards = Forwards()
    for second, option in enumerate(OPTIONS, start=1):
        forwards.put(option, second * NANO, 90_000.0 - 300 * second)
    assert forwards.at(OPTIONS[0], 5 * NANO + 1) == 90_000 - 300 * 4, "the middle of three"


def test_the_mark_of_a_ticker_keeps_its_own_forward() -> None:
    forwards = Forwards()
    for second, option in enumerate(OPTIONS, start=1):
        forwards.put(option, second * NANO, 90_000.0 - 300 * second)
    assert forwards.at(OPTIONS[0], NANO) == 90_000 - 300


def test_one_wrong_ticker_carries_no_other_option_off() -> None:
    forwards = Forwards()
    for place, option in enumerate(OPTIONS):
        forwards.put(option, NANO + place, 900_000.0 if place == 4 else 90_000.0)
    assert forwards.at(OPTIONS[0], 2 * NANO) == 90_000.0
    assert forwards.at(OPTIONS[4], NANO + 4) == 900_000.0, "for the filter to judge"


def test_of_fewer_than_three_options_the_newest_forward_counts() -> None:
    forwards = Forwards()
    assert forwards.at(OPTIONS[0], NANO) is None
    for second in (1, 3, 5):
        forwards.put(OPTIONS[0], second * NANO, 90_000.0 - second)
    assert forwards.at(OPTIONS[1], 6 * NANO) == 89_995
    forwards.put(OPTIONS[1], 6 * NANO, 89_994.0)
    assert forwards.at(OPTIONS[0], 7 * NANO) == 89_994


def test_another_expiry_and_another_settlement_have_forwards_of_their_own() -> None:
    forwards = Forwards()
    forwards.put(OPTIONS[0], NANO, 90_000.0)
    assert forwards.at(listed(LINEAR), NANO) is None
    assert forwards.at(listed(LATER), NANO) is None


def test_what_is_older_by_more_than_it_may_be_is_no_forward() -> None:
    forwards = Forwards()
    for place, option in enumerate(OPTIONS[:3]):
        forwards.put(option, NANO * (1 + place), 90_000.0 + place)
    assert forwards.at(OPTIONS[3], NANO + FORWARD_LAG_NS_MAX) == 90_001
    assert forwards.at(OPTIONS[3], NANO + FORWARD_LAG_NS_MAX + 1) == 90_002
    assert forwards.at(OPTIONS[3], 3 * NANO + FORWARD_LAG_NS_MAX + 1) is None


def test_a_ticker_from_before_the_last_of_its_option_changes_nothing() -> None:
    forwards = Forwards()
    forwards.put(OPTIONS[0], 2 * NANO, 90_000.0)
    forwards.put(OPTIONS[0], NANO, 80_000.0)
    assert forwards.at(OPTIONS[0], 3 * NANO) == 90_000


def test_what_left_the_listing_says_nothing_any_more() -> None:
    forwards = Forwards()
    for option in OPTIONS[:2]:
        forwards.put(option, NANO, 90_000.0)
    forwards.keep({NAMES[1]: OPTIONS[1]})
    assert forwards.at(OPTIONS[0], 2 * NANO) == 90_000.0
    forwards.keep({})
    assert forwards.at(OPTIONS[0], 2 * NANO) is None
