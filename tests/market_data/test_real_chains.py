"""The crash of February 2026 gets through, and what is wrong in a real chain does not."""

from datetime import UTC, datetime

import pytest

from margingate_engine.quality.doubt import Doubt
from tests.market_data.hourly import hourly_moves
from tests.market_data.injected import MISTAKES, with_mistake
from tests.market_data.recorded import SIX_HOURLY, Course, data_folder, quotes_of, snapshots


def ns(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 10**9  # type: ignore[arg-type]


FROM_NS, UNTIL_NS = ns(2026, 2, 4), ns(2026, 2, 7)


@pytest.fixture(scope="module")
def crash() -> Course:
    """The market after every snapshot of three days in which bitcoin lost a fifth."""
    course = Course()
    for snapshot in snapshots(data_folder(), SIX_HOURLY, from_ns=FROM_NS, until_ns=UNTIL_NS):
        update = snapshot.update
        course.take(snapshot)
        for number, name in enumerate(course.table.underlyings):
            in_force = course.snapshot.index_nano_u[number] / 1e9
            assert in_force == pytest.approx(update.index_by_underlying[name])
        assert not course.snapshot.doubt_u.any()
    return course


def test_the_crash_of_february_2026_gets_through_snapshot_by_snapshot(crash: Course) -> None:
    assert crash.judged["indices"] >= 20
    assert crash.refused.total() <= crash.judged["instruments"] / 10_000
    assert crash.priced() > 1_500


def test_a_spike_in_the_midst_of_it_does_not(crash: Course) -> None:
    (last,) = list(snapshots(data_folder(), SIX_HOURLY, from_ns=FROM_NS, until_ns=UNTIL_NS))[-1:]
    quotes = quotes_of(crash.table, last.update)
    rows = quotes.rows[crash.table.is_option_i[quotes.rows]]
    place = int((quotes.rows == rows[len(rows) // 2]).argmax())
    seen = {
        mistake.words
        for mistake in MISTAKES
        if crash.judged_as(last.update, with_mistake(quotes, place, mistake)).memory.code_i[
            quotes.rows[place]
        ]
        != Doubt.NONE
    }
    assert {"vol x 10", "vol x 2", "no vol", "forward x 10", "forward + 2 %"} <= seen


def test_no_hour_of_six_years_moved_as_far_as_an_update_after_an_hour_may() -> None:
    moves = hourly_moves(data_folder())
    assert {each.coin for each in moves} == {"BTC", "ETH", "SOL"}
    assert all(each.largest < each.limit for each in moves)
    assert all(each.largest_scaled < 0.05 for each in moves)
