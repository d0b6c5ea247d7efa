"""MarketService, from message to message; and the codec of instruments both ways."""

import math
from dataclasses import replace

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import market_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument
from margingate_server.rpc.market_codec import instrument_message, parse_instrument
from tests.unit.engine.small_market import INSTRUMENTS, NANO
from tests.unit.rpc.gate import Gate, leg, order

Code = grpc.StatusCode
YEAR_2000_NS = 946_684_800 * NANO
DATED = [
    replace(each, expiry_ns=None if each.expiry_ns is None else YEAR_2000_NS + each.expiry_ns)
    for each in INSTRUMENTS
]


def lasting_gate() -> Gate:
    """The small market, listed and priced, of which nothing has expired when clocks begin."""
    gate = Gate(is_listed=False)
    gate.publisher.list_instruments(
        [
            replace(
                each, expiry_ns=None if each.expiry_ns is None else each.expiry_ns + gate.clock.ns
            )
            for each in INSTRUMENTS
        ]
    )
    gate.quote()
    return gate


def quotes(**changes: object) -> pb.PublishQuotesRequest:
    usual: dict[str, object] = {
        "market_time": Timestamp(seconds=1_700_000_005),
        "indices": [pb.IndexQuote(underlying="BTC", price=100_000.0)],
        "instruments": ["NEAR", "PUT"],
        "mark_prices": [101_000.0, 100.0],
        "mark_vols": [0.0, 0.5],
        "forward_prices": [0.0, 100_000.0],
    }
    return pb.PublishQuotesRequest(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("instrument", DATED, ids=lambda each: each.name)
def test_an_instrument_comes_back_from_the_wire_as_it_went(instrument: Instrument) -> None:
    assert parse_instrument(instrument_message(instrument), "i") == instrument
    halted = replace(instrument, is_halted=True)
    assert parse_instrument(instrument_message(halted), "i") == halted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("instrument", "a b"),
        ("kind", 0),
        ("kind", 99),
        ("underlying", "btc"),
        ("settlement", 0),
        ("contract_size", "0"),
        ("contract_size", ""),
        ("lot_size", "0.0000000001"),
        ("lot_size", "1000000000"),
        ("tick_size", "-1"),
        ("strike", ""),
        ("right", 0),
        ("right", 9),
    ],
)
def test_a_malformed_instrument_names_its_field(name: str, value: object) -> None:
    message = instrument_message(DATED[0])
    setattr(message, name, value)
    with pytest.raises(InvalidInput) as refused:
        parse_instrument(message, "instruments[3]")
    assert refused.value.field == f"instruments[3].{name}"


def test_wrong_ticks_and_expiries_are_named() -> None:
    message = instrument_message(DATED[0])
    message.ClearField("expiry_time")
    with pytest.raises(InvalidInput) as refused:
        parse_instrument(message, "i")
    assert refused.value.field == "i.expiry_time"
    message = instrument_message(DATED[0])
    message.tick_steps.extend([types.TickStep(above_price="1", tick_size="1")] * 17)
    with pytest.raises(InvalidInput) as refused:
        parse_instrument(message, "i")
    assert refused.value.field == "i.tick_steps"
    del message.tick_steps[2:]
    with pytest.raises(InvalidInput) as refused:
        parse_instrument(message, "i")
    assert refused.value.field == "i.tick_steps"
    message.tick_steps[1].tick_size = "0"
    with pytest.raises(InvalidInput) as refused:
        parse_instrument(message, "i")
    assert "tick_steps[1].tick_size" in refused.value.field


def test_instruments_are_listed_durably_and_once() -> None:
    gate = Gate(is_listed=False)
    request = pb.PublishInstrumentsRequest(instruments=[instrument_message(i) for i in DATED])
    first = gate.ok("PublishInstruments", request)
    assert (first.changed_count, first.listed_count) == (13, 13)
    assert gate.store.head.seq == 2
    again = gate.ok("PublishInstruments", request)
    assert (again.changed_count, again.listed_count) == (0, 13)
    assert gate.store.head.seq == 2


def test_a_listed_contract_cannot_become_another() -> None:
    gate = Gate()
    other = instrument_message(replace(INSTRUMENTS[6], lot_nano=NANO, expiry_ns=YEAR_2000_NS))
    refused = gate.answer("PublishInstruments", pb.PublishInstrumentsRequest(instruments=[other]))
    assert (refused.code, refused.fields) == (Code.INVALID_ARGUMENT, ("instruments",))
    assert gate.store.head.seq == 2
    none = gate.answer("PublishInstruments", pb.PublishInstrumentsRequest())
    assert none.fields == ("instruments",)


def test_quotes_make_the_market_that_is_shown() -> None:
    gate = lasting_gate()
    version = gate.ok("PublishQuotes", quotes()).market_version
    gate.clock.ns += 5 * NANO
    market = gate.ok("GetMarket", pb.GetMarketRequest(underlying="BTC", page_size=1000))
    assert market.market_version == version == 3
    assert market.market_time == Timestamp(seconds=1_700_000_005)
    (underlying,) = market.underlyings
    assert (underlying.index_price, underlying.age_seconds, underlying.stale) == (100_000, 5, False)
    shown = {each.instrument.instrument: each for each in market.instruments}
    assert list(shown) == sorted(shown)
    assert "SOL-PERPETUAL" not in shown
    put = shown["PUT"]
    assert (put.mark_price, put.mark_vol, put.forward_price) == (100.0, 0.5, 100_000.0)
    assert (put.priced, put.age_seconds) == (True, 5.0)


def test_the_market_comes_by_pages_and_says_what_is_stale_or_missing() -> None:
    gate = Gate()
    gate.clock.ns += 11 * NANO
    names, token = [], ""
    for _ in range(3):
        page = gate.ok("GetMarket", pb.GetMarketRequest(page_size=5, page_token=token))
        names += [each.instrument.instrument for each in page.instruments]
        token = page.next_page_token
    assert names == sorted(each.name for each in INSTRUMENTS)
    assert token == ""
    btc, sol = page.underlyings
    assert (btc.underlying, btc.stale) == ("BTC", True)
    assert (sol.underlying, sol.stale, math.isinf(sol.age_seconds)) == ("SOL", True, True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"market_time": None}, "market_time"),
        ({"market_time": Timestamp(seconds=1)}, "market_time"),
        ({"market_time": Timestamp(seconds=1_700_000_006)}, "market_time"),
        ({"mark_prices": [1.0]}, "mark_prices"),
        ({"mark_prices": [math.nan, 1.0]}, "mark_prices"),
        ({"mark_vols": [0.0, math.inf]}, "mark_vols"),
        ({"forward_prices": [0.0, -1.0]}, "forward_prices"),
        ({"instruments": ["NEAR", "NEAR"]}, "instruments"),
        ({"instruments": ["NEAR", "X"]}, "instruments[1]"),
        ({"indices": [pb.IndexQuote(underlying="BTC", price=math.nan)]}, "indices"),
        ({"indices": [pb.IndexQuote(underlying="BTC", price=0.0)]}, "indices"),
        ({"indices": [pb.IndexQuote(underlying="btc", price=1.0)]}, "indices[0].underlying"),
        ({"indices": [pb.IndexQuote(underlying="DOGE", price=1.0)]}, "indices"),
        ({"instruments": ["NEAR"] * 10_001}, "instruments"),
        ({"indices": [pb.IndexQuote(underlying="BTC", price=1.0)] * 101}, "indices"),
    ],
)
def test_malformed_quotes_name_their_field_and_change_nothing(
    changes: dict[str, object], field: str
) -> None:
    gate = lasting_gate()
    before = gate.ok("GetMarket", pb.GetMarketRequest())
    answer = gate.answer("PublishQuotes", quotes(**changes))
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (field,))
    assert gate.ok("GetMarket", pb.GetMarketRequest()) == before


def test_the_risk_array_of_one_lot_is_shown_in_usd() -> None:
    gate = Gate()
    array = gate.ok("GetRiskArray", pb.GetRiskArrayRequest(instrument="NEAR"))
    assert array.lot_size == "0.1"
    assert array.pnl_per_lot[10] == 1_515.0
    assert array.pnl_per_lot[12] == -1_515.0
    assert (len(array.descriptions), array.forward_delta_per_lot) == (16, 10_100.0)
    assert array.market_version == 2
    call = gate.ok("GetRiskArray", pb.GetRiskArrayRequest(instrument="CALL"))
    assert call.short_option_minimum_per_lot == 100.0
    missing = gate.answer("GetRiskArray", pb.GetRiskArrayRequest(instrument="SOL-PERPETUAL"))
    assert (missing.code, missing.reason) == (Code.FAILED_PRECONDITION, "MARKET_DATA_MISSING")
    unknown = gate.answer("GetRiskArray", pb.GetRiskArrayRequest(instrument="X"))
    assert unknown.reason == "INSTRUMENT_NOT_FOUND"


def test_the_model_is_shown_with_every_parameter() -> None:
    gate = Gate()
    (model,) = gate.ok("ListModels", pb.ListModelsRequest()).models
    assert (model.model, len(model.scenario_descriptions)) == ("span", 16)
    assert model.parameters_digest == gate.builder.terms.model.parameters_digest
    assert [(p.underlying, p.name, p.value) for p in model.parameters] == (
        gate.builder.terms.model.parameter_items()
    )


def test_while_the_ledger_is_down_no_price_is_taken_and_afterwards_the_old_ones_hold() -> None:
    gate = Gate().open(usd="100000")
    gate.lane.mark_down()
    refused = gate.answer("PublishQuotes", quotes())
    assert (refused.code, refused.retry_seconds) == (Code.UNAVAILABLE, 1)
    gate.recover()
    decision = gate.check(order(leg("CALL", "0.1", "200"))).decision
    assert decision.verdict == types.VERDICT_ACCEPTED
    assert decision.basis.market_version == 2
