"""The Deribit feed on recorded chains, sent by the venue of loopback as if it were then."""

import time
from pathlib import Path

import pytest

from margingate_server.app import Application
from margingate_server.clock import SystemClock
from margingate_server.config import ServerConfig
from tests.deribit_venue.feeding import Fed, fed_by
from tests.deribit_venue.recorded import RecordedMarket, recorded_crash, recorded_tickers
from tests.deribit_venue.server import Venue
from tests.integration.support.pages import wait_until


class ClockThen(SystemClock):
    """The machine's clock as if it had started at another instant."""

    def __init__(self, then_ms: int) -> None:
        self._shift_ns = then_ms * 10**6 - time.time_ns()

    def now_ns(self) -> int:
        return super().now_ns() + self._shift_ns


def assert_given_as_recorded(fed: Fed, market: RecordedMarket) -> None:
    """Every mark, vol and forward is what the recorded ticker says."""
    given: dict[str, tuple[float, float, float]] = {}

    def has_all() -> bool:
        update = fed.update()
        columns = (update.mark_price_i, update.mark_vol_i, update.forward_price_i)
        given.update(zip(update.names, zip(*columns, strict=True), strict=True))
        return given.keys() >= market.tickers.keys()

    wait_until(has_all, "every recorded option is priced")
    for name, ticker in market.tickers.items():
        said = (ticker["mark_price"], ticker["mark_iv"] / 100, ticker["underlying_price"])
        assert given[name] == pytest.approx(said, rel=1e-12), name


@pytest.mark.parametrize("read", [recorded_tickers, recorded_crash])
def test_a_recorded_chain_is_listed_and_priced_as_it_was(read: type[RecordedMarket]) -> None:
    market = read()
    clock = ClockThen(market.now_ms)
    venue = Venue(market, tick_seconds=2.0, now_ms=lambda: clock.now_ns() // 10**6)
    with venue, fed_by(venue, clock=clock) as fed:
        assert_given_as_recorded(fed, market)
        assert fed.recorder.instrument_count == len(market.tickers) + 2  # dollar coins
        assert set(fed.index) == {name.partition("_")[0].upper() for name in market.index}
        wait_until(lambda: fed.recorder.is_connected, "everything is subscribed")
        chunks = venue.requests["public/subscribe"]
        assert chunks == -(-len(venue.channels() | refused(fed)) // 200)
        assert set(fed.recorder.dropped_by_reason) <= {"refused_channel", "duplicate"}


def refused(fed: Fed) -> set[str]:
    """Recordings have no volatility index, and none in dollar coins."""
    missing = {f"deribit_volatility_index.{coin}" for coin in fed.index}
    missing |= {"deribit_price_index.btc_usdc", "deribit_price_index.btc_usdt"}
    assert fed.dropped("refused_channel") == len(missing)
    return missing


def test_a_server_prices_a_recorded_crash_and_doubts_none_of_it(tmp_path: Path) -> None:
    market = recorded_crash()
    clock = ClockThen(market.now_ms)
    with Venue(market, tick_seconds=2.0, now_ms=lambda: clock.now_ns() // 10**6) as venue:
        config = ServerConfig(
            feed=f"deribit:{venue.url}",
            port=0,
            http_port=0,
            data_dir=tmp_path,
            has_seed_accounts=False,
        )
        application = Application(config, clock)
        application.start()
        try:
            wait_until(lambda: priced(application) == len(market.tickers), "all are priced")
            view = application._health.view()
            assert view is not None
            assert not view.snapshot.doubt_i.any()
            assert not view.snapshot.doubt_u.any()
            assert all(application._health.readiness().values())
        finally:
            application.stop()


def priced(application: Application) -> int:
    """How many options have a usable price."""
    view = application._health.view()
    return 0 if view is None else sum(view.arrays.priced_i)
