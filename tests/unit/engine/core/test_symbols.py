from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_engine.core.symbols import parse_symbol
from tests.reference.symbols import print_symbol

NANO = 10**9
SYMBOLS = (
    "BTC",
    "ETH-PERPETUAL",
    "SOL_USDC-PERPETUAL",
    "BTC-28MAR25",
    "ETH_USDC-1AUG26",
    "BTC-27DEC24-70000-C",
    "SOL_USDC-27DEC24-120-P",
    "XRP_USDC-29FEB28-0d625-C",
)


def listed(text: str) -> Instrument:
    """An instrument with the terms of a symbol."""
    symbol = parse_symbol(text)
    return Instrument(
        name=text,
        kind=symbol.kind,
        underlying=symbol.underlying,
        settlement=symbol.settlement,
        contract_nano=NANO,
        lot_nano=NANO,
        tick_nano=1,
        expiry_ns=symbol.expiry_ns,
        strike_nano=symbol.strike_nano,
        right=symbol.right,
    )


@pytest.mark.parametrize("text", SYMBOLS)
def test_a_symbol_prints_as_it_was_parsed(text: str) -> None:
    assert print_symbol(listed(text)) == text


@given(
    st.sampled_from(["BTC", "ETH", "1INCH"]),
    st.booleans(),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001 - days only
    st.integers(1, 10**18 - 1),
    st.sampled_from(OptionRight),
)
def test_every_option_goes_from_its_symbol_and_back(
    coin: str, is_linear: bool, day: datetime, strike_nano: int, right: OptionRight
) -> None:
    moment = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    instrument = Instrument(
        name="x",
        kind=InstrumentKind.OPTION,
        underlying=coin,
        settlement=Settlement.LINEAR if is_linear else Settlement.INVERSE,
        contract_nano=NANO,
        lot_nano=NANO,
        tick_nano=1,
        expiry_ns=int(moment.timestamp()) * NANO,
        strike_nano=strike_nano,
        right=right,
    )
    symbol = parse_symbol(print_symbol(instrument))
    assert symbol.kind is InstrumentKind.OPTION
    assert symbol.underlying == coin
    assert symbol.settlement is instrument.settlement
    assert symbol.expiry_ns == instrument.expiry_ns
    assert symbol.strike_nano == strike_nano
    assert symbol.right is right


def test_a_dated_symbol_expires_at_eight_utc() -> None:
    moment = datetime(2025, 3, 28, 8, tzinfo=UTC)
    assert parse_symbol("BTC-28MAR25").expiry_ns == int(moment.timestamp()) * NANO


def test_usdt_and_usdc_are_linear_and_a_bare_coin_is_inverse() -> None:
    assert parse_symbol("BTC_USDT-PERPETUAL").settlement is Settlement.LINEAR
    assert parse_symbol("BTC_USDC-PERPETUAL").settlement is Settlement.LINEAR
    assert parse_symbol("BTC-PERPETUAL").settlement is Settlement.INVERSE
    assert parse_symbol("BTC").settlement is Settlement.LINEAR


@pytest.mark.parametrize(
    "text",
    [
        "",
        "B",
        "btc",
        "BTC-",
        "BTC-PERP",
        "BTC-31FEB25",
        "BTC-0MAR25",
        "BTC-28MRZ25",
        "BTC-28MAR2025",
        "BTC-28MAR25-70000",
        "BTC-28MAR25-70000-X",
        "BTC-28MAR25-7e4-C",
        "BTC-28MAR25-70000.5-C",
        "BTC-28MAR25--5-C",
        "BTC_USD-28MAR25",
        "BTC-28MAR25-70000-C\n",
        "BTC-٢٨MAR25",  # digits of another script are no digits of the venue
        "BTC-28MAR25-７0000-C",
    ],
)
def test_what_is_no_symbol_of_the_venue_is_refused_by_field(text: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        parse_symbol(text)
    assert wrong.value.field == "instrument"
