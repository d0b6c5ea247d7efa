"""`market ...` and `models`."""

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer


def option(symbol: str, expiry: datetime) -> market.InstrumentState:
    time = Timestamp()
    time.FromDatetime(expiry)
    return market.InstrumentState(
        instrument=types.Instrument(
            instrument=symbol,
            kind=types.INSTRUMENT_KIND_OPTION,
            settlement=types.SETTLEMENT_INVERSE,
            lot_size="0.1",
            tick_size="0.0001",
            expiry_time=time,
        ),
        mark_price=0.0345,
        mark_vol=0.655,
        forward_price=96000.5,
        priced=True,
        age_seconds=1.25,
    )


MARKET = market.GetMarketResponse(
    market_version=42,
    market_time=answers.AT,
    underlyings=[
        market.UnderlyingState(underlying="BTC", index_price=95000.5, age_seconds=11.0, stale=True)
    ],
    instruments=[
        option("BTC-5DEC26-90000-P", datetime(2026, 12, 5, 8, tzinfo=UTC)),
        option("BTC-27DEC26-100000-C", datetime(2026, 12, 27, 8, tzinfo=UTC)),
        market.InstrumentState(
            instrument=types.Instrument(
                instrument="BTC-PERPETUAL",
                kind=types.INSTRUMENT_KIND_PERPETUAL,
                halted=True,
                settlement=types.SETTLEMENT_INVERSE,
            )
        ),
        market.InstrumentState(instrument=types.Instrument(instrument="ETH")),
    ],
)


def symbols(run: Run, *words: str) -> list[str]:
    shown = run("market", "show", *words, "--json").json
    return [each["instrument"]["instrument"] for each in shown["instruments"]]


def test_the_market_shows_underlyings_and_instruments(run: Run, server: FakeServer) -> None:
    server.answers("GetMarket", MARKET)
    ran = run("market", "show")
    assert ran.row("BTC ") == ["BTC", "95,000.50", "11.0", "stale"]
    assert ran.row("BTC-27DEC26") == [
        "BTC-27DEC26-100000-C", "inverse", "option", "0.0345", "65.50%", "96,000.50", "0.1",
        "0.0001", "1.2",
    ]  # fmt: skip
    assert ran.row("BTC-PERPETUAL") == ["BTC-PERPETUAL", "inverse", "perpetual", "–", "halted"]
    assert ran.row("ETH")[-2:] == ["no", "price"]


def test_the_market_shows_what_no_order_may_rest_on_and_what_costs_more(
    run: Run, server: FakeServer
) -> None:
    shown = market.GetMarketResponse()
    shown.CopyFrom(MARKET)
    shown.underlyings[0].stale = False
    shown.underlyings[0].doubt = market.PRICE_DOUBT_INDEX_JUMP
    shown.instruments[0].doubt = market.PRICE_DOUBT_PARITY
    shown.instruments[1].surcharge_rate = "0.0125"
    server.answers("GetMarket", shown)
    ran = run("market", "show")
    assert ran.row("BTC ")[-2:] == ["index", "jump"]
    assert ran.row("BTC-5DEC26")[-2:] == ["1.2", "parity"]
    assert ran.row("BTC-27DEC26")[-2:] == ["1.2", "+1.25%"]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (("--expiry", "5dec26"), ["BTC-5DEC26-90000-P"]),
        (("--expiry", "2026-12-27"), ["BTC-27DEC26-100000-C"]),
        (("--match", "-p"), ["BTC-5DEC26-90000-P", "BTC-PERPETUAL"]),
        (("--match", "-p", "--expiry", "5DEC26"), ["BTC-5DEC26-90000-P"]),
        (("--expiry", "27DEC27"), []),
    ],
)
def test_instruments_are_filtered_by_expiry_and_text(
    run: Run, server: FakeServer, words: tuple[str, ...], kept: list[str]
) -> None:
    server.answers("GetMarket", MARKET)
    assert symbols(run, *words) == kept


def test_the_underlying_is_filtered_by_the_server(run: Run, server: FakeServer) -> None:
    server.answers("GetMarket", MARKET)
    run("market", "show", "--underlying", "btc")
    assert server.asked("GetMarket")[0].underlying == "BTC"


def test_a_risk_array_marks_the_worst_of_long_and_short(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetRiskArray",
        market.GetRiskArrayResponse(
            descriptions=["still", "up", "down"],
            pnl_per_lot=[0.0, 12.5, -7.25],
            lot_size="0.1",
            forward_delta_per_lot=5000.0,
            short_option_minimum_per_lot=1.5,
            market_version=42,
            parameters_digest="abcdef0123456789",
        ),
    )
    ran = run("market", "array", "BTC-27DEC26-100000-C")
    assert server.asked("GetRiskArray")[0].instrument == "BTC-27DEC26-100000-C"
    assert ran.row("1 ") == ["1", "still", "0.000000"]
    assert ran.row("2 ") == ["2", "up", "12.500000", "worst", "short"]
    assert ran.row("3 ") == ["3", "down", "-7.250000", "worst", "long"]


def test_models_show_their_parameters_by_underlying(run: Run, server: FakeServer) -> None:
    model = market.MarginModel(
        model="span",
        parameters_digest="abcdef0123456789",
        parameters=[
            market.ModelParameter(underlying="BTC", name="price_scan_range", value="0.15"),
            market.ModelParameter(underlying="ETH", name="price_scan_range", value="0.2"),
            market.ModelParameter(underlying="ETH", name="basis_rate", value="0.01"),
        ],
        scenario_descriptions=["price 0, vol up"],
    )
    server.answers("ListModels", market.ListModelsResponse(models=[model]))
    ran = run("models")
    assert ran.row("price scan range") == ["price", "scan", "range", "0.15", "0.2"]
    assert ran.row("basis rate") == ["basis", "rate", "–", "0.01"]
    assert ran.row("1 ")[1:] == ["price", "0,", "vol", "up"]


def test_parameters_of_tables_within_tables_are_listed_one_below_the_other(
    run: Run, server: FakeServer
) -> None:
    model = market.MarginModel(
        model="span_cc",
        parameters=[
            market.ModelParameter(underlying="", name="account_type", value="customer"),
            market.ModelParameter(underlying="underlyings.BTC", name="delivery_days", value="1"),
            market.ModelParameter(underlying="underlyings.BTC", name="look_ahead_days", value="0"),
        ],
    )
    server.answers("ListModels", market.ListModelsResponse(models=[model]))
    ran = run("models")
    assert ran.row("account type") == ["account", "type", "customer"]
    assert ran.row("underlyings.BTC") == ["underlyings.BTC", "delivery", "days", "1"]
    assert ran.row("look ahead days") == ["look", "ahead", "days", "0"]


def test_positions_of_an_expiry_are_settled_at_the_time_the_instruments_name(
    run: Run, server: FakeServer
) -> None:
    """[SPAN-18]"""
    settled = market.PublishSettlementPricesResponse(
        instrument_count=12, position_count=3, account_count=2
    )
    server.answers("GetMarket", *[MARKET] * 3)
    nothing = market.PublishSettlementPricesResponse()
    server.answers("PublishSettlementPrices", settled, settled, nothing)
    ran = run("market", "settle", "btc", "27dec26", "95,012.34")
    assert ran.out.strip() == (
        "12 instruments settled: 3 positions are cash now; accounts that changed: 2"
    )
    assert run("market", "settle", "BTC", "2026-12-05", "1", "--inverse", "--json").json == {
        "instrument_count": 12, "position_count": 3, "account_count": 2
    }  # fmt: skip
    ran = run("market", "settle", "BTC", "27DEC26", "1", "--linear")
    assert ran.out.strip() == "had settled at that price before; nothing changed"
    prices = [each.prices[0] for each in server.asked("PublishSettlementPrices")]
    days = [each.expiry_time.ToDatetime() for each in prices]
    assert days == [datetime(2026, 12, day, 8) for day in (27, 5, 27)]  # noqa: DTZ001
    assert [(each.underlying, each.price) for each in prices] == [
        ("BTC", "95012.34"), ("BTC", "1"), ("BTC", "1")
    ]  # fmt: skip
    assert [each.settlement for each in prices] == [
        types.SETTLEMENT_UNSPECIFIED, types.SETTLEMENT_INVERSE, types.SETTLEMENT_LINEAR
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("BTC", "28DEC26", "1"), "nothing that is listed"),
        (("BTC", "5DEC26", "1"), "several times of the day"),
        (("BTC", "27DEC26", "0"), "not above 0"),
    ],
)
def test_an_expiry_that_is_not_one_settles_nothing(
    run: Run, server: FakeServer, words: tuple[str, ...], problem: str
) -> None:
    twice = option("BTC-5DEC26-1-P", datetime(2026, 12, 5, 9, tzinfo=UTC))
    server.answers("GetMarket", market.GetMarketResponse(instruments=[*MARKET.instruments, twice]))
    ran = run("market", "settle", *words)
    assert ran.code == 2
    assert problem in " ".join(ran.err.replace("│", " ").split())
    assert server.asked("PublishSettlementPrices") == []


def test_one_model_is_shown_by_name_and_an_unknown_one_is_a_usage_error(
    run: Run, server: FakeServer
) -> None:
    long = market.ModelParameter(underlying="BTC", name="returns", value="0.01 " * 500)
    models = [
        market.MarginModel(model="span"),
        market.MarginModel(
            model="var", parameters=[long], scenario_descriptions=[f"world {n}" for n in range(500)]
        ),
    ]
    server.answers("ListModels", market.ListModelsResponse(models=models))
    out = run("models", "var").out
    assert "500 numbers" in out
    assert "the first 20 of" in out
    assert "span" not in out
    assert run("models", "vra").code == 2
