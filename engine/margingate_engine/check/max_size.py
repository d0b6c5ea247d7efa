"""The largest order that would be accepted now. [DEC-06]

The answer is the largest n for which every order of 1..n lots is accepted. Two facts make it exact
without trying every size. Headroom with the order never rises with n, because every feature of an
order is a whole number per lot. And where the risk-reducing rule decides, requirement and headroom
are, between sizes that the model names, convex or concave in n, so the accepted sizes between two
such kinks are one run from its start. A model that can name none has each size tried, and no more
than RUNS_MAX of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import Question
from margingate_engine.check.risk_reducing import fill_at_mark, lots_to_flat
from margingate_engine.check.sizing import LOTS_MAX, sized_legs
from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import hold_of
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.portfolio.own_charges import own_kinks

RUNS_MAX = 200
"""Runs of accepted sizes that are looked at, beyond what is margined."""


def max_order_size(question: Question) -> tuple[int, RejectReason]:
    """(lots, the reason that refuses one lot more) for the single leg, whatever its quantity.

    Where the search ends at RUNS_MAX nothing may refuse one lot more, and more would be accepted.
    """

    def outcome(lots: int) -> Outcome:
        return decide(with_lots(question, lots))

    def accepted_as_margined(lots: int) -> bool:
        answer = outcome(lots)
        return answer.is_accepted and not answer.is_risk_reducing

    # Where only reducing orders pass, every size is left to that rule.
    largest = 0
    if not question.gates.is_for_reducing:
        largest = _last_true(accepted_as_margined, 0, LOTS_MAX)
    for _ in range(RUNS_MAX):
        if largest >= LOTS_MAX - 1 or not outcome(largest + 1).is_accepted:
            break
        end = _end_of_run(question, largest + 1)
        largest = _last_true(lambda lots: outcome(lots).is_accepted, largest + 1, end + 1)
        if largest < end:
            break
    return largest, outcome(largest + 1).reason


def with_lots(question: Question, lots: int) -> Question:
    """The same question about an order of that many lots."""
    (leg,) = question.order.legs
    lot_nano = question.table.instruments[leg.row].lot_nano
    sized = replace(leg, quantity=whole(lots * lot_nano, NANO))
    return replace(question, order=replace(question.order, legs=(sized,)))


def _last_true(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Largest n in [low, high) that holds; low holds (or is 0) and holding never comes back."""
    step = 1
    while low + step < high and holds(low + step):
        low += step
        step *= 2
    high = min(high, low + step)
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _end_of_run(question: Question, start: int) -> int:
    """Last size before the first kink beyond `start`."""
    account = question.account
    assert account is not None, "an accepted order has a margin"
    one = with_lots(question, 1)
    (leg,) = sized_legs(one.order, one.arrays, one.limits.collar_ppm)
    kinks = _kinks(question, account, leg)
    if kinks is None:
        return start
    return min((kink for kink in kinks if kink >= start), default=LOTS_MAX - 1)


def _kinks(question: Question, account: AccountRisk, leg: OpenLeg) -> Iterable[int] | None:
    """Sizes at which a requirement may turn; None where each has to be tried."""
    totals = account.peek(account.arrays.group_i[leg.row])
    filled = totals.positions_copy()
    fill_at_mark(account.arrays, filled, leg)
    (hold,) = hold_of(account.arrays, question.portfolio.fees, (leg,)).by_group.values()
    instrument = question.table.instruments[leg.row]
    room = int(lots_to_flat(question.portfolio, instrument, leg.row, leg.side))
    closing = (abs(totals.lots.get(leg.row, 0)), max(0, room))
    own = tuple(own_kinks(totals, filled, hold, closing))
    if totals.group.is_collateral_only:
        return own
    kinks = account.arrays.model.size_kinks(totals, filled, hold)
    return kinks if kinks is None else (*kinks, *own)
