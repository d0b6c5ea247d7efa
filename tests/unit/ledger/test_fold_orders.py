"""What changes, fills and endings do to open orders when their events are folded."""

import pytest

from margingate_engine.core.orders import Side
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_server.ledger import events as e
from margingate_server.ledger import numbers as n
from margingate_server.ledger.fold import REQUEST_SPACE
from tests.unit.ledger.test_fold import DECISION, NANO, Log, accepted, filled, row

CONFIRMED = e.AmendConfirmed(account="a", order_id="o")
WITHDRAWN = e.AmendWithdrawn(account="a", order_id="o")


def legs_of(*legs: tuple[str, int, int], ratio: int = 0) -> tuple[n.LegNumbers, ...]:
    return tuple(n.LegNumbers(name, side, lots, 2 * NANO, ratio=ratio) for name, side, lots in legs)


def amended(
    totals: tuple[int, ...], *legs: tuple[str, int, int], order_id: str = "o"
) -> e.AmendAccepted:
    """A change of an order to (instrument, side, lots) open of it, at a limit of 2."""
    order = n.OrderNumbers(order_id=order_id, legs=legs_of(*legs))
    return e.AmendAccepted(account="a", order=order, totals=totals, decision=DECISION)


def shapes(log: Log) -> tuple[list[tuple[int, int]], list[tuple[int, int]] | None]:
    """(leg number, lots) of o as it is, and as it is to become; None when nothing is pending."""
    portfolio = log.portfolio
    pending = portfolio.amendments.get("o")
    return (
        [(leg.number, leg.lots) for leg in portfolio.legs["o"]],
        None if pending is None else [(leg.number, leg.lots) for leg in pending],
    )


def test_an_accepted_change_is_pending_beside_the_order() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)), amended((7,), ("NEAR", 1, 7)))
    assert shapes(log) == ([(0, 5)], [(0, 7)])
    assert log.portfolio.amendments["o"] == (
        OpenLeg(row=row("NEAR"), side=Side.BUY, lots=7, price_nano=2 * NANO),
    )
    memo = log.state.accounts["a"].orders["o"]
    assert (memo.totals, memo.amend_totals, memo.request_id) == ((5,), (7,), "r-o")
    assert log.state.open_order_count == 1


def test_a_refused_change_changes_nothing() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)))
    order = n.OrderNumbers(order_id="o", legs=legs_of(("NEAR", 1, 7)))
    log.put(e.AmendRejected(account="a", order=order, totals=(7,), decision=DECISION))
    assert shapes(log) == ([(0, 5)], None)
    assert log.state.accounts["a"].orders["o"].amend_totals is None
    assert log.state.accounts["a"].version == 3


def test_a_confirmed_change_is_the_order() -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)), amended((7,), ("NEAR", 1, 7)), CONFIRMED)
    assert shapes(log) == ([(0, 7)], None)
    assert log.portfolio.legs["o"][0].price_nano == 2 * NANO
    memo = log.state.accounts["a"].orders["o"]
    assert (memo.totals, memo.amend_totals) == ((7,), None)


def test_a_withdrawn_change_leaves_the_order_as_if_it_had_never_been() -> None:
    order = accepted("o", ("NEAR", 1, 5))
    log, plain = Log(order, amended((7,), ("NEAR", 1, 7)), WITHDRAWN), Log(order)
    assert log.portfolio == plain.portfolio
    assert log.state.accounts["a"].orders == {
        "o": plain.state.accounts["a"].orders["o"],
    }


@pytest.mark.parametrize("answer", [CONFIRMED, WITHDRAWN])
def test_an_answer_without_a_pending_change_is_no_log_of_ours(answer: e.AnyEvent) -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)))
    with pytest.raises((AssertionError, KeyError)):
        log.put(answer)


@pytest.mark.parametrize("kind", [e.AmendConfirmed, e.AmendWithdrawn])
def test_an_answer_that_was_flagged_is_remembered_and_changes_nothing(
    kind: type[e.AmendConfirmed] | type[e.AmendWithdrawn],
) -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)), amended((7,), ("NEAR", 1, 7)))
    for order_id in ("o", "unheard"):
        log.put(kind(account="a", request_id=f"r-{order_id}", order_id=order_id, flag="late"))
        assert log.state.requests.find(REQUEST_SPACE, "a", f"r-{order_id}") is not None
    assert shapes(log) == ([(0, 5)], [(0, 7)])


def test_a_fill_shrinks_both_shapes_leg_by_leg() -> None:
    log = Log(
        accepted("o", ("NEAR", 1, 5), ("CALL", -1, 2)),
        amended((3, 6), ("NEAR", 1, 3), ("CALL", -1, 6)),
        filled("NEAR", 4, 1),
        filled("CALL", -1, 1),
    )
    assert shapes(log) == ([(0, 1), (1, 1)], [(1, 5)])
    log.put(filled("NEAR", 1, 1), filled("CALL", -1, 1))
    assert shapes(log) == ([], [(1, 4)])
    log.put(CONFIRMED)
    assert shapes(log) == ([(1, 4)], None)
    assert log.state.accounts["a"].orders["o"].totals == (3, 6)


@pytest.mark.parametrize(
    ("lots", "answer", "is_closed"),
    [(5, CONFIRMED, False), (5, WITHDRAWN, True), (7, None, True), (9, None, True)],
)
def test_an_order_ends_when_neither_shape_has_anything_open(
    lots: int, answer: e.AnyEvent | None, is_closed: bool
) -> None:
    log = Log(accepted("o", ("NEAR", 1, 5)), amended((7,), ("NEAR", 1, 7)), filled("NEAR", lots, 1))
    if answer is not None:
        assert "o" in log.portfolio.legs
        log.put(answer)
    assert log.state.accounts["a"].is_closed("o") is is_closed
    assert log.state.open_order_count == (0 if is_closed else 1)
    assert log.portfolio.amendments == {}
    assert log.portfolio.positions[row("NEAR")].lots == lots


def test_a_change_to_nothing_ends_the_order_with_its_confirmation() -> None:
    pending = (accepted("o", ("NEAR", 1, 5)), filled("NEAR", 3, 1), amended((3,)))
    assert shapes(Log(*pending)) == ([(0, 2)], [])
    assert Log(*pending, CONFIRMED).state.accounts["a"].is_closed("o")
    assert shapes(Log(*pending, WITHDRAWN)) == ([(0, 2)], None)
    assert Log(*pending, filled("NEAR", 2, 1)).state.accounts["a"].is_closed("o")


@pytest.mark.parametrize("kind", [e.OrdersReleased, e.OrdersExpired])
def test_an_order_that_ends_takes_its_pending_change_and_deadline_along(
    kind: type[e.OrdersReleased] | type[e.OrdersExpired],
) -> None:
    ending = accepted("o", ("NEAR", 1, 5))
    timed = e.OrderAccepted(
        account="a",
        order=n.OrderNumbers(order_id="o", legs=ending.order.legs, hold_ns=30),
        decision=DECISION,
    )
    log = Log(timed, accepted("p", ("NEAR", 1, 5)), amended((7,), ("NEAR", 1, 7)))
    assert log.state.expiring == {("a", "o"): 30}
    log.put(kind(account="a", order_ids=("o",)))
    assert log.state.expiring == {}
    assert log.portfolio.amendments == {}
    assert list(log.portfolio.legs) == ["p"]
    assert log.state.accounts["a"].is_closed("o")
    assert log.state.open_order_count == 1


def test_an_order_filled_in_full_has_no_deadline_any_more() -> None:
    order = n.OrderNumbers(order_id="o", legs=legs_of(("NEAR", 1, 5)), hold_ns=30)
    log = Log(e.OrderAccepted(account="a", order=order, decision=DECISION), filled("NEAR", 5, 1))
    assert log.state.expiring == {}


def test_the_ratio_of_a_combo_outlives_fills_and_the_end_of_other_legs() -> None:
    log = Log(accepted("o", ("NEAR", 1, 4), ("CALL", -1, 6), combo=True), filled("NEAR", 1, 1))
    assert [(leg.lots, leg.ratio) for leg in log.portfolio.legs["o"]] == [(3, 4), (6, 6)]
    log.put(filled("NEAR", 3, 1))
    assert [(leg.number, leg.lots, leg.ratio) for leg in log.portfolio.legs["o"]] == [(1, 6, 6)]


def test_what_is_left_of_a_combo_when_a_leg_settles_may_fill_alone() -> None:
    log = Log(accepted("o", ("NEAR", 1, 4), ("CALL", -1, 6), combo=True))
    log.put(e.PositionsSettled(account="a", positions=(), instruments=("NEAR",)))
    assert [(leg.number, leg.lots, leg.ratio) for leg in log.portfolio.legs["o"]] == [(1, 6, 0)]


def test_an_order_of_what_settles_ends_with_its_pending_change() -> None:
    log = Log(accepted("o", ("NEAR", 1, 4)), amended((7,), ("NEAR", 1, 7)))
    log.put(e.PositionsSettled(account="a", positions=(), instruments=("NEAR",)))
    assert log.state.accounts["a"].is_closed("o")
    assert log.portfolio.amendments == {}
    assert log.state.open_order_count == 0
