"""Wrong prices at a real server, published over the wire: no order rests on them."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.request import urlopen

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from typer import Typer
from typer.testing import CliRunner

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.app import Application
from margingate_server.cli.exit_codes import OK
from margingate_server.cli.replay import replay
from margingate_server.config import ServerConfig
from margingate_server.files.toml_tables import read_tables
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, now, order
from tests.reference.black76 import option_value
from tests.reference.rounding import nano

SPOT, VOL = 100_000.0, 0.6
DAYS = 30
STRIKES = (90_000, 95_000, 100_000, 105_000, 110_000)
COMMON = {"underlying": "BTC", "contract_size": "1", "lot_size": "0.1", "tick_size": "0.5"}


class Venue:
    """A chain of calls and a perpetual, quoted by the second."""

    def __init__(self, wire: Wire, application: Application, expiry_seconds: int) -> None:
        self.wire, self.application = wire, application
        self.expiry = Timestamp(seconds=expiry_seconds)
        listed = [
            types.Instrument(
                instrument=f"C{strike}", kind=types.INSTRUMENT_KIND_OPTION, strike=str(strike),
                right=types.OPTION_RIGHT_CALL, expiry_time=self.expiry,
                settlement=types.SETTLEMENT_LINEAR, **COMMON,
            )
            for strike in STRIKES
        ]  # fmt: skip
        listed.append(
            types.Instrument(
                instrument="PERPETUAL",
                kind=types.INSTRUMENT_KIND_PERPETUAL,
                settlement=types.SETTLEMENT_LINEAR,
                **COMMON,
            )
        )
        wire.market.PublishInstruments(
            market.PublishInstrumentsRequest(instruments=listed), timeout=CALL_SECONDS_MAX
        )
        self.started = now().seconds - 3_600
        self.not_taken: dict[int, int] = {}

    def quote(self, second: int, *, spot: float = SPOT, vols: Mapping[int, float] = {}) -> int:
        """The version after prices of a second; vols of strikes where they are not VOL."""
        time = Timestamp(seconds=self.started + second)
        years = (self.expiry.seconds - time.seconds) / (365 * 86_400)
        marks = [
            float(option_value(nano(spot), nano(strike), VOL * math.sqrt(years), call=True))
            for strike in STRIKES
        ]
        request = market.PublishQuotesRequest(
            market_time=time,
            indices=[market.IndexQuote(underlying="BTC", price=spot)],
            instruments=[*(f"C{strike}" for strike in STRIKES), "PERPETUAL"],
            mark_prices=[*marks, spot],
            mark_vols=[*(vols.get(strike, VOL) for strike in STRIKES), 0.0],
            forward_prices=[*(spot for _ in STRIKES), 0.0],
        )
        answer = self.wire.market.PublishQuotes(request, timeout=CALL_SECONDS_MAX)
        assert all(each.underlying == "BTC" for each in answer.not_taken)
        self.not_taken = {each.doubt: each.count for each in answer.not_taken}
        return int(answer.market_version)

    def open(self) -> None:
        """An account that is short of an option."""
        self.wire.open("a", USD="1000000")
        stated = [types.Position(instrument="C100000", quantity="-2")]
        self.wire.accounts.SetPositions(
            accounts.SetPositionsRequest(request_id="p", account="a", positions=stated),
            timeout=CALL_SECONDS_MAX,
        )

    def reload(self) -> bool:
        """Whether reading the parameters again changed anything."""
        request = admin.ReloadParametersRequest()
        answer = self.wire.admin.ReloadParameters(request, timeout=CALL_SECONDS_MAX)
        return bool(answer.changed)

    def index(self) -> float:
        """The index in force, USD."""
        return self.market().underlyings[0].index_price

    def market(self) -> market.GetMarketResponse:
        """The whole market."""
        return self.wire.market.GetMarket(market.GetMarketRequest(), timeout=CALL_SECONDS_MAX)

    def decide(self, name: str) -> types.Decision:
        """The decision on a small purchase of the perpetual."""
        return self.wire.check(name, order(name, leg("PERPETUAL", "0.1", "100000"))).decision

    def initial(self) -> str:
        asked = accounts.GetMarginRequest(account="a")
        return str(
            self.wire.accounts.GetMargin(asked, timeout=CALL_SECONDS_MAX).risk.initial_margin
        )

    def metric(self, line: str) -> float:
        url = f"http://127.0.0.1:{self.application.http_port}/metrics"
        with urlopen(url, timeout=CALL_SECONDS_MAX) as page:
            lines = page.read().decode().splitlines()
        return float(next(each for each in lines if each.startswith(line)).split()[-1])


@contextmanager
def served(folder: Path, quality: Path | None = None, expiry_seconds: int = 0) -> Iterator[Venue]:
    expiry_seconds = expiry_seconds or now().seconds + DAYS * 86_400
    config = ServerConfig(
        feed="none", port=0, http_port=0, data_dir=folder / "ledger", has_seed_accounts=False,
        quality_path=quality,
    )  # fmt: skip
    application = Application(config)
    application.start()
    try:
        with connected(f"127.0.0.1:{application.grpc_port}") as wire:
            yield Venue(wire, application, expiry_seconds)
    finally:
        application.stop()


def write_quality(folder: Path, **changes: object) -> Path:
    """A file with the built-in limits, changed."""
    path = folder / "quality.toml"
    limits = {**read_tables(None, "quality.toml")["default"], **changes}.items()
    path.write_text("\n".join(["[default]", *(f"{key} = {limit}" for key, limit in limits)]))
    return path


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with served(tmp_path) as venue:
        venue.quote(0)
        venue.open()
        yield venue


def test_a_spike_moves_no_margin_and_refuses_until_the_next_good_price(venue: Venue) -> None:
    margin, version = venue.initial(), venue.quote(0)
    assert venue.quote(0, spot=10 * SPOT) == version
    assert venue.initial() == margin
    refused = venue.decide("during")
    assert refused.reject_reason == types.REJECT_REASON_MARKET_DATA_SUSPECT
    assert refused.detail == ("price of BTC is in doubt: the index jumped and is not confirmed yet")
    found = 'margingate_market_data_findings_total{reason="%s",underlying="BTC"}'
    assert venue.metric(found % "index_jump") == 1
    assert venue.metric(found % "price_jump") == len(STRIKES) + 1
    assert venue.metric('margingate_market_data_uncertain{state="doubted"}') == len(STRIKES) + 2
    jumped = {market.PRICE_DOUBT_INDEX_JUMP: 1, market.PRICE_DOUBT_PRICE_JUMP: len(STRIKES) + 1}
    assert venue.not_taken == jumped
    page = venue.market()
    assert page.underlyings[0].doubt == market.PRICE_DOUBT_INDEX_JUMP
    assert {each.doubt for each in page.instruments} == {market.PRICE_DOUBT_PRICE_JUMP}
    venue.quote(0)
    assert venue.decide("during").verdict == types.VERDICT_ACCEPTED, "it was not remembered"
    assert venue.metric('margingate_market_data_uncertain{state="doubted"}') == 0


def test_a_crash_that_is_confirmed_gets_in_within_the_time_that_is_configured(
    venue: Venue,
) -> None:
    for second in (1, 2):
        version = venue.quote(second, spot=0.85 * SPOT)
        reason = venue.decide(f"at-{second}").reject_reason
        assert reason == types.REJECT_REASON_MARKET_DATA_SUSPECT
    assert venue.quote(3, spot=0.85 * SPOT) > version
    assert venue.decide("after").verdict == types.VERDICT_ACCEPTED
    assert venue.index() == 0.85 * SPOT


def test_a_vol_that_is_wrong_or_missing_once_moves_no_margin(venue: Venue) -> None:
    margin = venue.initial()
    for vol, doubt in (
        (0.0, market.PRICE_DOUBT_VOL_MISSING),
        (3 * VOL, market.PRICE_DOUBT_MARK_GAP),
    ):
        venue.quote(0, vols={100_000: vol})
        assert venue.not_taken == {doubt: 1}
        assert venue.initial() == margin
    assert venue.decide("untroubled").verdict == types.VERDICT_ACCEPTED
    assert venue.metric('margingate_market_data_uncertain{state="surcharged"}') == 0


def test_a_missing_vol_costs_the_surcharge_and_lets_orders_pass(tmp_path: Path) -> None:
    with served(tmp_path, write_quality(tmp_path, trusted_seconds=0)) as venue:
        venue.quote(0)
        venue.open()
        look_at_a_missing_vol(venue)


def look_at_a_missing_vol(venue: Venue) -> None:
    margin = float(venue.initial())
    venue.quote(0, vols={100_000: 0.0})
    more = float(venue.initial()) - margin
    confidence = int(950_000 * (1 - math.log(105 / 95) / 0.35))
    ppm = -(-50_000 * (10**6 - confidence) // 10**6)
    assert more == pytest.approx(2 * SPOT * ppm / 10**6, abs=1.0)
    assert venue.metric('margingate_market_data_uncertain{state="surcharged"}') == 1
    assert venue.not_taken == {market.PRICE_DOUBT_INTERPOLATED: 1}
    states = {each.instrument.instrument: each for each in venue.market().instruments}
    assert int(Decimal(states["C100000"].surcharge_rate) * 10**6) == ppm
    assert {each.surcharge_rate for name, each in states.items() if name != "C100000"} == {"0"}
    assert venue.decide("surcharged").verdict == types.VERDICT_ACCEPTED
    venue.quote(0)
    assert float(venue.initial()) < margin + 1_000


def test_decisions_on_surcharged_prices_are_taken_again_alike(tmp_path: Path) -> None:
    with served(tmp_path, write_quality(tmp_path, trusted_seconds=0)) as venue:
        venue.quote(0)
        venue.open()
        venue.decide("certain")
        for second, strike in ((1, 100_000), (2, 105_000), (3, 105_000)):
            venue.quote(second, vols={strike: 0.0})
            assert venue.decide(f"at-{second}").verdict == types.VERDICT_ACCEPTED
        venue.quote(4, spot=10 * SPOT)
        venue.decide("in-doubt")
        venue.quote(5)
        venue.decide("certain-again")
    app = Typer(add_completion=False)
    app.command()(replay)
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path / "ledger"), "--strict"])
    assert result.exit_code == OK, result.output


def test_limits_are_read_again_with_the_parameters(tmp_path: Path) -> None:
    with served(tmp_path, write_quality(tmp_path)) as venue:
        venue.quote(0)
        assert not venue.reload()
        write_quality(tmp_path, index_jump=10, price_jump=10)
        assert venue.reload()
        venue.quote(0, spot=5 * SPOT)
        assert venue.index() == 5 * SPOT
        write_quality(tmp_path, index_jump=11)
        refused = venue.wire.refusal(venue.reload)
        assert "quality.default.index_jump" in refused.text
        venue.quote(0, spot=SPOT)
        assert venue.index() == SPOT, "the limits before are in force"


def test_the_first_prices_after_a_restart_are_no_jump(tmp_path: Path) -> None:
    with served(tmp_path) as venue:
        venue.quote(0)
        venue.open()
        expiry_seconds = venue.expiry.seconds
    with served(tmp_path, expiry_seconds=expiry_seconds) as venue:
        venue.quote(1, spot=3 * SPOT)
        assert venue.index() == 3 * SPOT
        assert venue.decide("after").verdict == types.VERDICT_ACCEPTED


def test_what_has_expired_moves_no_equity_until_it_settles(tmp_path: Path) -> None:
    """[SPAN-18]"""
    with served(tmp_path, expiry_seconds=now().seconds - 3_600 + 600) as venue:
        venue.quote(29)  # minutes before it, however slowly the server starts
        venue.open()
        margin = venue.wire.account().risk
        for factor in (1.0, 10.0, 0.0):
            request = market.PublishQuotesRequest(
                market_time=venue.expiry,
                indices=[market.IndexQuote(underlying="BTC", price=SPOT)],
                instruments=["C100000", "PERPETUAL"],
                mark_prices=[factor * 100.0, SPOT],
                mark_vols=[VOL, 0.0],
                forward_prices=[SPOT, 0.0],
            )
            answer = venue.wire.market.PublishQuotes(request, timeout=CALL_SECONDS_MAX)
            assert not answer.not_taken
            risk = venue.wire.account().risk
            assert (risk.equity, risk.initial_margin) == (margin.equity, "0")
