"""The average price at which a position of futures was entered."""

from random import Random

from margingate_engine.portfolio.holdings import Position
from margingate_server.rpc.account_codec import entry_price_nano
from tests.unit.engine.small_market import INSTRUMENTS

NEAR = next(each for each in INSTRUMENTS if each.name == "NEAR")
INVERSE = next(each for each in INSTRUMENTS if each.is_inverse_future)


def test_it_is_the_nearest_and_not_what_a_float_makes_of_it() -> None:
    source = Random(7)
    for _ in range(20_000):
        lots, entry = source.randrange(1, 5_000), -source.randrange(10**9, 10**12)
        size_nano = lots * NEAR.size_nano
        nano = entry_price_nano(NEAR, Position(lots, entry))
        assert 2 * abs(nano * size_nano + entry * 10**12) <= size_nano
        nano = entry_price_nano(INVERSE, Position(-lots, entry))
        size_nano = lots * INVERSE.size_nano
        assert 2 * abs(-nano * entry - size_nano * 10**12) <= -entry


def test_a_position_without_an_entry_has_none() -> None:
    assert entry_price_nano(INVERSE, Position(1, 0)) == 0
