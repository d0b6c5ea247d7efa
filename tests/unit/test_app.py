"""The root: a server starts whatever its feed does."""

import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from margingate_engine.core.errors import MissingData
from margingate_server.app import Application
from margingate_server.config import ServerConfig
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.simulated.feed import SimulatedFeed


def scraped(application: Application) -> str:
    return generate_latest(application._metrics.registry).decode()


def test_a_first_update_that_fails_leaves_a_server_that_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_feed: SimulatedFeed, _now_ns: int) -> MarketUpdate:
        raise MissingData("index")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedFeed, "update", missing)
        application = Application(ServerConfig(port=0, http_port=0, data_dir=tmp_path))
    try:
        assert application._health.readiness() == {"ledger": True, "market": False, "serving": True}
        application._tell_at_scrapes()
        assert 'margingate_ready{check="market"} 0.0' in scraped(application)
        assert application._feed_loop is not None
        assert application._feed_loop.attempt()
        assert all(application._health.readiness().values())
        text = scraped(application)
        assert 'margingate_ready{check="market"} 1.0' in text
        for underlying in ("BTC", "ETH"):
            labels = f'quantile="1",underlying="{underlying}"'
            (age,) = re.findall(rf"mark_age_seconds{{{labels}}} (.+)", text)
            assert float(age) < 60
        assert "+Inf" not in "".join(re.findall(r"data_age_seconds.*", text))
    finally:
        application._upkeep.start()
        application.stop()


def test_without_a_feed_a_server_starts_and_gives_nobody_coins_that_are_not_listed_yet(
    tmp_path: Path,
) -> None:
    config = ServerConfig(feed="none", port=0, http_port=0, data_dir=tmp_path)
    assert config.has_seed_accounts
    application = Application(config)
    application._upkeep.start()
    assert application.stop()
