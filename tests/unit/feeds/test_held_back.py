"""Prices that wait until they moved by enough or waited for long enough."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.held_back import HeldBack, Waiting

SECOND = 10**9
WAITING = Waiting(move=0.001, seconds=2.0)
FUTURE, OPTION = "BTC-PERPETUAL", "BTC-1JAN27-100000-C"


class Told:
    """A feed of the updates that a test puts in; it counts its stops."""

    interval_seconds = 0.25

    def __init__(self) -> None:
        self.next: list[MarketUpdate] = []
        self.stops = 0

    def instruments(self) -> tuple[Instrument, ...]:
        return ()

    def update(self, now_ns: int) -> MarketUpdate:
        del now_ns
        return self.next.pop(0)

    def stop(self) -> None:
        self.stops += 1


class Run:
    """Updates one after another through what holds them back."""

    def __init__(self) -> None:
        self.told = Told()
        self.feed = HeldBack(self.told, WAITING)
        self.now_ns = 1_000 * SECOND

    def send(
        self,
        prices: Mapping[str, tuple[float, float, float]] | None = None,
        index: float | None = None,
        seconds: float = 0.25,
    ) -> MarketUpdate:
        self.now_ns += round(seconds * SECOND)
        columns = np.array([*(prices or {}).values()], dtype=np.float64).reshape(-1, 3)
        update = MarketUpdate(
            market_time_ns=self.now_ns,
            index_by_underlying={} if index is None else {"BTC": index},
            names=tuple(prices or {}),
            mark_price_i=columns[:, 0],
            mark_vol_i=columns[:, 1],
            forward_price_i=columns[:, 2],
        )
        self.told.next.append(update)
        return self.feed.update(self.now_ns)


def is_empty(update: MarketUpdate) -> bool:
    return not (update.names or update.index_by_underlying)


@pytest.fixture
def run() -> Run:
    """A feed that published once: index, a future and an option."""
    made = Run()
    first = made.send({FUTURE: (100_000, 0, 0), OPTION: (0.05, 0.5, 101_000)}, 100_000)
    assert first.names == (FUTURE, OPTION)
    assert first.index_by_underlying == {"BTC": 100_000}
    return made


def test_small_moves_wait_and_go_out_together_with_a_large_one(run: Run) -> None:
    assert is_empty(run.send({FUTURE: (100_050, 0, 0)}))
    assert is_empty(run.send(index=100_090))
    out = run.send({OPTION: (0.0512, 0.5, 101_000)})
    assert dict(zip(out.names, out.mark_price_i.tolist(), strict=True)) == {
        FUTURE: 100_050,
        OPTION: 0.0512,
    }
    assert out.index_by_underlying == {"BTC": 100_090}


@pytest.mark.parametrize(
    ("prices", "index", "goes_out"),
    [
        ({}, 100_100, False),
        ({}, 100_101, True),
        ({FUTURE: (99_900, 0, 0)}, None, False),
        ({FUTURE: (99_899, 0, 0)}, None, True),
        ({OPTION: (0.051, 0.5, 101_000)}, None, False),
        ({OPTION: (0.0511, 0.5, 101_000)}, None, True),
        ({OPTION: (0.05, 0.5099, 101_000)}, None, False),
        ({OPTION: (0.05, 0.5101, 101_000)}, None, True),
        ({OPTION: (0.05, 0.5, 101_101)}, None, False),
        ({OPTION: (0.05, 0.5, 101_102)}, None, True),
        ({"NEW": (1.0, 0, 0)}, None, True),
    ],
)
def test_a_move_beyond_the_share_does_not_wait(
    run: Run,
    prices: Mapping[str, tuple[float, float, float]],
    index: float | None,
    goes_out: bool,
) -> None:
    assert is_empty(run.send(prices, index)) is not goes_out


def test_nothing_waits_longer_than_it_may(run: Run) -> None:
    assert is_empty(run.send({FUTURE: (100_001, 0, 0)}, seconds=1.0))
    assert is_empty(run.send(seconds=0.99))
    assert run.send(seconds=0.01).names == (FUTURE,)
    assert is_empty(run.send(seconds=2.5))


def test_moves_count_from_what_was_published_not_from_the_last_update(run: Run) -> None:
    for price in (100_040, 100_080):
        assert is_empty(run.send({FUTURE: (price, 0, 0)}))
    assert not is_empty(run.send({FUTURE: (100_120, 0, 0)}))


def test_a_clock_that_steps_back_holds_nothing(run: Run) -> None:
    assert not is_empty(run.send({FUTURE: (100_001, 0, 0)}, seconds=-100))


@given(
    st.lists(st.tuples(st.floats(99_000, 101_000), st.floats(0.1, 1.0)), min_size=1, max_size=30)
)
def test_what_is_published_is_never_off_by_more_than_the_share_nor_older_than_allowed(
    course: list[tuple[float, float]],
) -> None:
    run, shown, shown_ns = Run(), 0.0, 0
    for index, seconds in course:
        out = run.send(index=index, seconds=seconds)
        if not is_empty(out):
            shown, shown_ns = out.index_by_underlying["BTC"], run.now_ns
        assert abs(shown - index) <= WAITING.move * shown
        assert run.now_ns - shown_ns < WAITING.seconds * SECOND


def test_absurd_settings_are_refused_by_name() -> None:
    for move, seconds, field in ((0.0, 1.0, "move"), (0.02, 1.0, "move"), (0.001, 6.0, "seconds")):
        with pytest.raises(InvalidInput, match=f"revalue_{field}"):
            Waiting(move=move, seconds=seconds)


def test_stopping_reaches_the_feed(run: Run) -> None:
    run.feed.stop()
    assert run.told.stops == 1
    assert run.feed.interval_seconds == 0.25
