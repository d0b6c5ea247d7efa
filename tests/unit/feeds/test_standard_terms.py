"""Deribit's usual contract terms."""

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.standard_terms import STANDARD_TERMS, standard_instrument
from tests.reference.symbols import print_symbol

NANO = 10**9


@pytest.mark.parametrize(
    ("name", "lot_nano", "tick_nano"),
    [
        ("BTC-27MAR26-100000-C", NANO // 10, 100_000),
        ("ETH-27MAR26-3000-P", NANO, 100_000),
        ("BTC-27MAR26", 10 * NANO, 2_500_000_000),
        ("ETH-27MAR26", NANO, 50_000_000),
        ("BTC-PERPETUAL", 10 * NANO, 500_000_000),
        ("ETH-PERPETUAL", NANO, 50_000_000),
        ("BTC_USDC-27MAR26-100000-C", NANO // 100, 5 * NANO),
        ("BTC_USDC-PERPETUAL", NANO // 10_000, NANO // 10),
        ("BTC", NANO // 10_000, NANO // 100),
        ("ETH", NANO // 10_000, NANO // 100),
    ],
)
def test_a_symbol_gets_the_lot_and_tick_of_the_table(
    name: str, lot_nano: int, tick_nano: int
) -> None:
    instrument = standard_instrument(name)
    assert instrument is not None
    assert (instrument.name, instrument.lot_nano, instrument.tick_nano) == (
        name,
        lot_nano,
        tick_nano,
    )
    assert instrument.contract_nano == NANO
    assert print_symbol(instrument) == name


def test_the_tick_of_an_inverse_option_widens_above_half_a_percent() -> None:
    option = standard_instrument("BTC-27MAR26-100000-C")
    assert option is not None
    assert option.tick_nano_at(5_000_000) == 100_000
    assert option.tick_nano_at(5_000_001) == 500_000


def test_what_the_table_does_not_have_has_no_terms() -> None:
    assert standard_instrument("SOL-PERPETUAL") is None


def test_a_text_that_is_no_symbol_is_refused() -> None:
    with pytest.raises(InvalidInput):
        standard_instrument("BTC-27MAR26-100000-X")


def test_every_row_of_the_table_makes_whole_lots_of_the_engine() -> None:
    for terms in STANDARD_TERMS.values():
        assert terms.lot * NANO == int(terms.lot * NANO)
        assert terms.tick * NANO == int(terms.tick * NANO)
