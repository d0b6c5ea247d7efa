"""The text that names a feed."""

from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.clock import SystemClock
from margingate_server.feeds.deribit.feed import DeribitFeed
from margingate_server.feeds.feed import Feed
from margingate_server.feeds.file.feed import FileFeed
from margingate_server.feeds.replay.feed import ReplayFeed
from margingate_server.feeds.simulated.feed import SimulatedFeed
from margingate_server.feeds.spec import FROZEN_NS, open_feed
from tests.unit.feeds.market_files import answer, ticker, write_json
from tests.unit.feeds.replay_files import FIRST_NS, HOUR_NS, three_snapshots

START_NS = 1_769_160_199_721_198_000


def test_a_path_opens_the_market_in_the_file(tmp_path: Path) -> None:
    path = write_json(tmp_path / "market.json", answer([ticker()]))
    feed: Feed = open_feed(f"file:{path}", seed=1, start_ns=START_NS, clock=SystemClock())
    assert isinstance(feed, FileFeed)
    assert feed.update(START_NS).names == ("BTC", "BTC-27MAR26-100000-C")


def test_a_simulated_market_moves_and_a_frozen_one_does_not() -> None:
    later_ns = START_NS + 60 * 10**9
    moving = open_feed("simulated", seed=1, start_ns=START_NS, clock=SystemClock())
    frozen = open_feed("simulated:frozen", seed=1, start_ns=START_NS, clock=SystemClock())
    assert isinstance(moving, SimulatedFeed)
    assert moving.update(later_ns).market_time_ns == later_ns
    assert frozen.update(later_ns).market_time_ns == FROZEN_NS
    moved = moving.update(later_ns).index_by_underlying
    assert moved != frozen.update(later_ns).index_by_underlying


def test_a_replay_is_opened_at_its_speed(tmp_path: Path) -> None:
    path = three_snapshots(tmp_path / "chains.csv")
    feed = open_feed(
        f"replay:{path}", seed=1, start_ns=START_NS, clock=SystemClock(), speed=6 * 3_600
    )
    assert isinstance(feed, ReplayFeed)
    times = [feed.update(START_NS + late).market_time_ns for late in (0, 10**9)]
    assert times == [FIRST_NS, FIRST_NS + 6 * HOUR_NS]


@pytest.mark.parametrize("more", ["", ":testnet", ":ws://127.0.0.1:1", ":wss://gate.example/ws"])
def test_a_venue_is_named_by_its_net_or_a_url_and_not_called_before_it_is_asked(more: str) -> None:
    feed = open_feed(f"deribit{more}", seed=1, start_ns=START_NS, clock=SystemClock())
    assert isinstance(feed, DeribitFeed)
    assert feed.instruments() == ()
    feed.stop()


@pytest.mark.parametrize(
    "spec",
    [
        *("", "file", "file:", "simulated:", "Simulated", "replay:"),
        *("deribit:", "deribit:mainnet", "deribit:http://x", "deribit:ws://", "deribit:ws://x:no"),
    ],
)
def test_any_other_text_is_refused(spec: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_feed(spec, seed=1, start_ns=START_NS, clock=SystemClock())
    assert refused.value.field == "feed"
