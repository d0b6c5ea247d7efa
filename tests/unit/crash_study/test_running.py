"""A study of a made-up crash: no order rests on old prices, and what a gap does is counted."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.reasons import RejectReason
from margingate_engine.monitoring.states import Bounds, MarginState
from margingate_server.crash_study.course import Course
from margingate_server.crash_study.decided import Answered
from margingate_server.crash_study.findings import coverage, lead, reached
from margingate_server.crash_study.findings_of_orders import OrderFindings, order_findings
from margingate_server.crash_study.order_flow import AT_ONCE_SECONDS
from margingate_server.crash_study.running import Plan, Study, study_of
from margingate_server.crash_study.saving import ACCOUNTS, COURSE, FINDINGS, ORDERS, save
from margingate_server.feeds.replay.accounts import read_accounts
from margingate_server.feeds.replay.orders import read_orders
from tests.unit.crash_study.small_series import HOUR_NS, LIMITS, START_NS, small_series, terms

BOUNDS = Bounds(ratio_ppm=800_000, headroom_ppm=100_000)
GAP_NS = frozenset({START_NS + 18 * HOUR_NS})


def plan() -> Plan:
    return Plan(
        series=small_series(),
        coins=("BTC", "ETH"),
        account_count=40,
        orders_per_snapshot=60,
        seed=3,
        models=("span", "cross"),
        withheld_ns=GAP_NS,
        age_limits=LIMITS,
    )


@cache
def study() -> Study:
    return study_of(plan(), terms(), lambda _done, _total: None)


@cache
def orders() -> OrderFindings:
    return order_findings(plan(), study(), "span", BOUNDS)


def test_no_order_is_accepted_on_prices_that_are_too_old() -> None:
    late = [each for each in study().answers if each.age_seconds > 10]
    assert len(late) > 20
    assert {each.reason for each in late} == {RejectReason.MARKET_DATA_STALE}
    assert orders().stale_accepted == 0


def test_the_same_orders_are_accepted_where_old_prices_are_trusted() -> None:
    """Else the test above could not fail."""
    assert orders().stale_accepted_unguarded > 10


def test_in_a_gap_of_the_feed_nothing_is_accepted() -> None:
    gap = orders().gap
    assert gap.asked > 20
    assert gap.accepted == 0
    assert gap.accepted_unguarded > 10
    assert gap.accepted_unguarded >= gap.wrong_unguarded > 0


def test_outside_of_the_gap_the_answers_are_the_same_with_it() -> None:
    before = [each for each in study().answers if each.order.time_ns < min(GAP_NS)]
    assert [*study().with_gap[: len(before)]] == before
    assert len(before) > 100


def test_accounts_in_trouble_are_accepted_only_what_reduces_risk() -> None:
    by_state = orders().by_state
    assert by_state[MarginState.HEALTHY].accepted_other > 50
    for state in (MarginState.MARGIN_CALL, MarginState.LIQUIDATION):
        assert by_state[state].accepted_other == 0
    assert by_state[MarginState.LIQUIDATION].accepted_reducing > 0


def test_orders_that_come_with_a_snapshot_come_at_once_and_on_tick() -> None:
    answers = study().answers
    assert {each.reason for each in answers} & {RejectReason.OFF_TICK, RejectReason.OFF_LOT} == (
        set()
    )
    at_once = [each for each in answers if each.age_seconds <= AT_ONCE_SECONDS]
    assert 0.6 < len(at_once) / len(answers) < 0.9


def test_nothing_but_prices_and_settlement_changes_what_accounts_are_worth() -> None:
    """Orders are released at once: the books of the end are those of the start but for expiry."""
    course = study().course
    assert course.worth_ta.shape == (5, 40)
    calm = study_of(replace(plan(), series=small_series((1.0, 1.0))), terms(), lambda _d, _t: None)
    moved = np.abs(calm.course.loss_ta(1))
    assert (moved < 0.02 * np.maximum(calm.course.worth_ta[0], 10**9)).all(), "time value alone"


def test_a_crash_calls_some_accounts_and_its_findings_add_up() -> None:
    course = study().course
    for model in ("span", "cross"):
        rows = reached(course, model, BOUNDS)
        assert rows[-1].accounts == 40
        assert rows[-1].called == sum(each.called for each in rows[:-1]) > 3
        assert rows[-1].warned >= rows[-1].called >= rows[-1].liquidatable
        assert len(lead(course, model, BOUNDS).hours) == rows[-1].liquidatable
        covered = coverage(course, model, 1)
        assert covered[-1].steps == sum(each.steps for each in covered[:-1]) == 160


def test_the_same_seed_gives_the_same_study() -> None:
    again = study_of(plan(), terms(), lambda _done, _total: None)
    assert again.answers == study().answers
    assert np.array_equal(again.course.worth_ta, study().course.worth_ta)


def test_progress_is_told_for_every_snapshot_of_the_three_runs() -> None:
    told: list[tuple[int, int]] = []
    small = replace(plan(), account_count=10, orders_per_snapshot=1)
    study_of(small, terms(), lambda done, total: told.append((done, total)))
    assert told == [(number, 15) for number in range(1, 16)]


def test_a_study_on_disk_has_its_findings_and_its_courses(tmp_path: Path) -> None:
    course: Course = study().course
    found = [*reached(course, "span", BOUNDS), lead(course, "span", BOUNDS)]
    save(tmp_path / "new" / "folder", study(), BOUNDS, found, orders())
    document = json.loads((tmp_path / "new" / "folder" / FINDINGS).read_text())
    assert [each["finding"] for each in document["findings"]] == ["reached"] * 11 + ["lead"]
    assert document["orders"]["gap"]["accepted"] == 0
    with np.load(tmp_path / "new" / "folder" / COURSE) as file:
        assert np.array_equal(file["worth"], course.worth_ta)
        assert file["span.state"].shape == (5, 40)
        assert file["kind"].tolist() == [*course.kinds]


def test_the_accounts_and_orders_on_disk_are_those_of_the_study(tmp_path: Path) -> None:
    save(tmp_path, study(), BOUNDS, [], orders())
    assert read_accounts(tmp_path / ACCOUNTS) == study().accounts
    read = read_orders(tmp_path / ORDERS)
    sent = [each.order for each in study().answers]
    assert len(read) == len(sent) > 200
    for one, other in zip(read, sent, strict=True):
        micros_ns = other.time_ns // 1_000 * 1_000
        assert one == replace(other, order_id=one.order_id, time_ns=micros_ns)


def test_the_age_of_an_answer_is_that_of_the_last_prices_given() -> None:
    answer: Answered = study().with_gap[-1]
    assert answer.age_seconds == (answer.order.time_ns - answer.published_ns) / NANO
