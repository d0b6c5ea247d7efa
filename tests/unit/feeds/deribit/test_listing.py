"""What of the venue's listing becomes an instrument, and which index values it."""

from dataclasses import replace

import msgspec
import pytest

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import InstrumentKind, Settlement, TickStep
from margingate_server.feeds.deribit import listing
from margingate_server.feeds.deribit.listing import ListingReader
from margingate_server.feeds.file.payloads import instrument_of_payload
from tests.deribit_venue.contracts import combo, expiry_in, future, option, spot
from tests.deribit_venue.market import SmallMarket
from tests.unit.feeds.deribit.listings import UNDERLYINGS, listing_of, raw

NOW_MS = 1_769_160_000_000
FAR = expiry_in(30, NOW_MS)


def test_an_inverse_option_has_the_venues_lot_and_tick_steps() -> None:
    (instrument,) = listing_of(option("BTC", FAR, 90_000, "C")).instruments.values()
    assert instrument.name == "BTC-22FEB26-90000-C"
    assert instrument.kind is InstrumentKind.OPTION
    assert instrument.settlement is Settlement.INVERSE
    assert (instrument.lot_nano, instrument.tick_nano) == (NANO // 10, NANO // 10_000)
    assert instrument.tick_steps == (TickStep(above_nano=5 * 10**6, tick_nano=5 * 10**5),)
    assert instrument.expiry_ns == int(FAR.timestamp()) * NANO
    assert not instrument.is_halted


def test_linear_contracts_are_listed_under_their_coin() -> None:
    found = listing_of(future("BTC_USDC", None), option("BTC_USDC", FAR, 90_000, "P"))
    assert {each.underlying for each in found.instruments.values()} == {"BTC"}
    assert {each.settlement for each in found.instruments.values()} == {Settlement.LINEAR}


def test_a_quantity_is_in_coins_or_usd_whatever_the_contract_size() -> None:
    """Lots of the venue's perpetual are 10 USD because min_trade_amount is, not contract_size."""
    (perpetual,) = listing_of(future("BTC", None) | {"contract_size": 10.0}).instruments.values()
    assert (perpetual.contract_nano, perpetual.lot_nano) == (NANO, 10 * NANO)
    assert perpetual.expiry_ns is None


def test_what_the_service_does_not_margin_is_left_out_and_counted_by_reason() -> None:
    strange = future("BTC", FAR)
    found = listing_of(
        combo("BTC-CS-27MAR26-70000_75000"),
        strange | {"instrument_name": "BTC-A", "kind": "perpetual_swap"},
        strange | {"instrument_name": "BTC_USD-1"},
        strange | {"instrument_name": "BTC-1JAN26"},
        strange | {"instrument_name": "BTC-22FEB26", "tick_size": "a quarter"},
        {"instrument_name": "BTC-2FEB26"},
        future("SOL_USDC", None),
        spot("USDE"),
        future("ETH", None) | {"min_trade_amount": -1.0},
        spot("BTC"),
    )
    assert list(found.instruments) == ["BTC"]
    assert found.left_out == {
        "combo": 1,
        "unknown_kind": 1,
        "no_symbol": 1,
        "contradicts_symbol": 1,
        "unreadable": 2,
        "underlying": 1,
        "dollar_coin": 1,
        "invalid": 1,
    }


def test_an_instrument_in_two_answers_is_listed_once() -> None:
    reader = ListingReader(UNDERLYINGS)
    for _ in range(2):
        reader.take(raw([spot("BTC"), combo("BTC-CS-27MAR26-70000_75000")]))
    assert list(reader.listing().instruments) == ["BTC"]
    assert reader.listing().left_out == {"combo": 1}


def test_what_a_former_reader_knows_is_not_read_again_and_what_changed_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = [future("BTC", None), future("ETH", None), combo("BTC-CS-27MAR26-70000_75000")]
    former = ListingReader(UNDERLYINGS)
    former.take(raw(entries))
    read: list[str] = []
    monkeypatch.setattr(
        listing,
        "instrument_of_payload",
        lambda payload: read.append(payload.instrument_name) or instrument_of_payload(payload),
    )
    reader = ListingReader(UNDERLYINGS, (), former.entries)
    reader.take(raw([entries[0] | {"state": "locked"}, *entries[1:], spot("BTC")]))
    assert read == ["BTC-PERPETUAL", "BTC_USDC"]
    instruments = reader.listing().instruments
    assert instruments["BTC-PERPETUAL"].is_halted
    assert instruments["ETH-PERPETUAL"] is former.listing().instruments["ETH-PERPETUAL"]
    assert reader.listing().left_out == {"combo": 1}
    assert len(reader.entries) == 4


@pytest.mark.parametrize("answer", [{}, "BTC-PERPETUAL", None, 3])
def test_an_answer_that_is_no_list_is_refused(answer: object) -> None:
    with pytest.raises(msgspec.DecodeError):
        ListingReader(UNDERLYINGS).take(raw(answer))


def test_of_the_spot_pairs_of_a_coin_the_one_against_usdc_is_listed() -> None:
    dollar = spot("BTC") | {"min_trade_amount": 0.001}
    tether = spot("BTC", "USDT") | {"min_trade_amount": 0.01}
    for order in ((dollar, tether), (tether, dollar)):
        (instrument,) = listing_of(*order).instruments.values()
        assert (instrument.name, instrument.lot_nano) == ("BTC", NANO // 1000)


def test_an_underlying_is_valued_by_its_index_in_usd_before_one_in_a_dollar_coin() -> None:
    linear, inverse = future("BTC_USDC", None), future("BTC", None)
    assert listing_of(linear).index_by_underlying == {"BTC": "btc_usdc"}
    for order in ((linear, inverse), (inverse, linear)):
        assert listing_of(*order).index_by_underlying == {"BTC": "btc_usd"}
    assert listing_of(inverse | {"price_index": ""}).index_by_underlying == {"BTC": "btc_usd"}


def test_dollar_coins_are_listed_where_two_indices_say_what_they_are_worth() -> None:
    coins = ("USDC", "USDT")
    found = listing_of(future("BTC", None), future("ETH", None), dollar_coins=coins)
    assert found.crosses == {"USDC": ("btc_usd", "btc_usdc"), "USDT": ("btc_usd", "btc_usdt")}
    assert {each.kind for name, each in found.instruments.items() if name in coins} == {
        InstrumentKind.SPOT
    }
    assert found.halted_instruments((), {"btc_usdt"})[1].is_halted
    linear_alone = listing_of(future("BTC_USDC", None), dollar_coins=coins)
    assert linear_alone.crosses == {}
    assert set(linear_alone.instruments) == {"BTC_USDC-PERPETUAL"}


def test_marks_are_needed_of_every_index_that_options_follow() -> None:
    found = listing_of(*SmallMarket(NOW_MS).listed.values())
    assert set(found.option_index_names) == {"btc_usd", "eth_usd", "btc_usdc"}


@pytest.mark.parametrize("change", [{"state": "locked"}, {"is_active": False}, {"state": "halted"}])
def test_what_is_not_open_is_listed_halted(change: dict[str, object]) -> None:
    (instrument,) = listing_of(future("BTC", None) | change).instruments.values()
    assert instrument.is_halted


def test_what_vanishes_before_its_expiry_stays_listed_and_is_halted() -> None:
    option_left, future_left = option("BTC", FAR, 90_000, "C"), future("BTC", FAR)
    former = listing_of(option_left, future_left, spot("BTC"))
    expiry_ns = int(FAR.timestamp()) * NANO
    after = listing_of(spot("BTC")).after(former, expiry_ns - 1)
    name = option_left["instrument_name"]
    assert after.instruments[name] == replace(former.instruments[name], is_halted=True)
    assert set(after.instruments) == set(former.instruments)
    assert after.index_by_name == former.index_by_name
    assert set(listing_of(spot("BTC")).after(former, expiry_ns).instruments) == {"BTC"}


def test_closed_instruments_and_those_of_a_locked_index_are_halted() -> None:
    found = listing_of(future("BTC", None), future("ETH", None), future("BTC_USDC", None))
    halted = found.halted_instruments({"ETH-PERPETUAL"}, {"btc_usdc"})
    assert {each.name for each in halted if each.is_halted} == {
        "ETH-PERPETUAL",
        "BTC_USDC-PERPETUAL",
    }
    assert found.halted_instruments((), ()) == tuple(found.instruments.values())
