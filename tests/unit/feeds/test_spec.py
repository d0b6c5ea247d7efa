"""The text that names a feed."""

from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.feed import Feed
from margingate_server.feeds.file.feed import FileFeed
from margingate_server.feeds.simulated.feed import SimulatedFeed
from margingate_server.feeds.spec import FROZEN_NS, open_feed
from tests.unit.feeds.market_files import answer, ticker, write_json

START_NS = 1_769_160_199_721_198_000


def test_a_path_opens_the_market_in_the_file(tmp_path: Path) -> None:
    path = write_json(tmp_path / "market.json", answer([ticker()]))
    feed: Feed = open_feed(f"file:{path}", seed=1, start_ns=START_NS)
    assert isinstance(feed, FileFeed)
    assert feed.update(START_NS).names == ("BTC", "BTC-27MAR26-100000-C")


def test_a_simulated_market_moves_and_a_frozen_one_does_not() -> None:
    later_ns = START_NS + 60 * 10**9
    moving = open_feed("simulated", seed=1, start_ns=START_NS)
    frozen = open_feed("simulated:frozen", seed=1, start_ns=START_NS)
    assert isinstance(moving, SimulatedFeed)
    assert moving.update(later_ns).market_time_ns == later_ns
    assert frozen.update(later_ns).market_time_ns == FROZEN_NS
    moved = moving.update(later_ns).index_by_underlying
    assert moved != frozen.update(later_ns).index_by_underlying


@pytest.mark.parametrize("spec", ["", "file", "file:", "simulated:", "Simulated", "deribit"])
def test_any_other_text_is_refused(spec: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_feed(spec, seed=1, start_ns=START_NS)
    assert refused.value.field == "feed"
