"""Whole decisions, rich and poor, against the reference. [DEC-01 to DEC-04, DEC-08 to DEC-10]"""

from collections import Counter
from copy import deepcopy
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import Gates
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness
from margingate_engine.portfolio.account_risk import AccountRisk
from tests.property.books import books
from tests.property.bridge import (
    reference_book,
    reference_leg,
    reference_of,
    reference_order,
)
from tests.property.effort import examples
from tests.property.open_orders import open_orders
from tests.property.orders import (
    Asked,
    ask,
    changes,
    closing_legs,
    in_trouble,
    requested_legs,
)
from tests.reference.contracts import Limits
from tests.reference.decision import Answer, Decider, Switches
from tests.reference.orders import Leg, OpenOrder, Order


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    """A book and an order; often the account lacks margin, or nearly so."""
    book = draw(books(several=True))
    legs = draw(st.lists(requested_legs(book), min_size=1, max_size=3))
    gates = Gates(is_reduce_only=draw(st.integers(0, 9)) == 0)
    asked = ask(book, *legs, gates=gates, is_combo=draw(st.booleans()))
    trouble = draw(st.none() | st.integers(-20_000, 20_000))
    if trouble is not None:
        in_trouble(asked, trouble)
    return asked


@st.composite
def closing_questions(draw: st.DrawFn) -> Asked:
    """An under-margined account that has cash, and an order that closes."""
    book = draw(books(several=True, orders_max=2).filter(lambda each: each.portfolio.positions))
    for asset, units in (("USD", 10**13), ("BTC", 10**14), ("ETH", 10**15)):
        book.portfolio.cash[asset] = units
    legs = draw(st.lists(closing_legs(book), min_size=1, max_size=2))
    asked = ask(book, *legs, gates=Gates(is_reduce_only=draw(st.booleans())))
    in_trouble(asked, draw(st.integers(1, 20_000)))
    return asked


@st.composite
def reduce_only_questions(draw: st.DrawFn) -> Asked:
    """A reduce-only order, mostly against positions, in good and bad accounts. [DEC-10]"""
    book = draw(books(several=True, orders_max=2).filter(lambda each: each.portfolio.positions))
    legs = draw(st.lists(closing_legs(book), min_size=1, max_size=3))
    if draw(st.integers(0, 5)) == 0:
        legs.append(draw(requested_legs(book)))
    asked = ask(
        book,
        *legs,
        gates=Gates(is_reduce_only=draw(st.integers(0, 5)) == 0),
        is_combo=draw(st.booleans()),
        is_reduce_only=True,
    )
    trouble = draw(st.none() | st.integers(-5_000, 20_000))
    if trouble is not None:
        in_trouble(asked, trouble)
    return asked


@st.composite
def change_questions(draw: st.DrawFn) -> Asked:
    """A change of an open order, in good and bad accounts. [DEC-09]"""
    book = draw(books(several=True, orders_max=4))
    order = draw(open_orders(book.world).filter(lambda each: each.legs))
    book.portfolio.legs["o"] = order.legs
    asked = draw(changes(book, order))
    trouble = draw(st.none() | st.integers(-20_000, 20_000))
    if trouble is not None:
        in_trouble(asked, trouble)
    return asked


def reference_answer(asked: Asked) -> Answer:
    book, question = asked.book, asked.question
    names = book.world.table.instruments
    legs = tuple(
        Leg(
            symbol=names[leg.row].name,
            side=int(leg.side),
            quantity=Fraction(leg.quantity),
            price=None if leg.limit is None else Fraction(leg.limit),
        )
        for leg in question.order.legs
    )
    order = Order(
        order_id="o",
        legs=legs,
        combo=question.order.execution.value == "atomic_combo",
        reduce_only=question.order.is_reduce_only,
    )
    account = reference_of(book.world, book.portfolio)
    account.known_order_ids.clear()
    switches = Switches(reduce_only=question.gates.is_reduce_only)
    decider = Decider(reference_book(book.world))
    if question.amends is None:
        return decider.decide(account, order, Limits(), switches)
    account.orders["o"] = changing_order(asked)
    return decider.decide_change(account, order, Limits(), switches)


def changing_order(asked: Asked) -> OpenOrder:
    """The order that is to be changed, as the reference keeps it."""
    question = asked.question
    assert question.amends is not None
    order = reference_order(
        asked.book.world, "o", question.amends.legs, None, leg_count=len(question.order.legs)
    )
    order.filled = list(question.amends.filled_lots)
    order.combo = question.order.execution.value == "atomic_combo"
    order.reduce_only = question.order.is_reduce_only
    return order


def assert_same(outcome: Outcome, answer: Answer) -> None:
    assert outcome.reason.name == (answer.reason or "NONE")
    assert outcome.is_risk_reducing == answer.risk_reducing
    if answer.after is None or answer.before is None:
        assert outcome.after is None
        return
    for ours, theirs in ((outcome.before, answer.before), (outcome.after, answer.after)):
        assert ours is not None
        assert (ours.equity, ours.initial, ours.maintenance) == (
            theirs.equity,
            theirs.initial,
            theirs.maintenance,
        )
    assert (outcome.exactness is Exactness.EXACT) == answer.is_exact


def assert_same_legs(asked: Asked, outcome: Outcome, answer: Answer) -> None:
    """What is held is what the reference holds, leg by leg."""
    if outcome.after is None:
        return
    held = {leg.number: reference_leg(asked.book.world, leg) for leg in outcome.legs}
    assert held == {number: leg for number, leg in enumerate(answer.legs) if leg.lots}


@examples(200)
@given(questions())
def test_every_decision_is_the_references(asked: Asked) -> None:
    assert_same(decide(asked.question), reference_answer(asked))


@examples(150)
@given(closing_questions())
def test_every_close_in_trouble_is_decided_as_the_reference_does(asked: Asked) -> None:
    assert_same(decide(asked.question), reference_answer(asked))


@examples(150)
@given(reduce_only_questions())
def test_every_reduce_only_order_is_decided_as_the_reference_does(asked: Asked) -> None:
    """[DEC-10]"""
    outcome, answer = decide(asked.question), reference_answer(asked)
    assert_same(outcome, answer)
    assert_same_legs(asked, outcome, answer)


@examples(200)
@given(change_questions())
def test_every_change_is_decided_as_the_reference_does(asked: Asked) -> None:
    """[DEC-09, SPAN-17]"""
    outcome, answer = decide(asked.question), reference_answer(asked)
    assert_same(outcome, answer)
    assert_same_legs(asked, outcome, answer)


@examples(200)
@given(change_questions())
def test_an_accepted_change_leaves_the_account_margined_or_not_worse_than_policy_allows(
    asked: Asked,
) -> None:
    """[DEC-09] and neither answer of the venue takes headroom"""
    book, question = asked.book, asked.question
    assert question.account is not None
    outcome = decide(question)
    if not outcome.is_accepted:
        return
    assert outcome.after is not None
    assert outcome.hold is not None
    assert outcome.after.is_margined or outcome.is_risk_reducing
    account = question.account
    account.hold(outcome.hold)
    assert account.risk == outcome.after
    for shape in (question.amends.legs if question.amends else (), outcome.legs):
        settled = deepcopy(book.portfolio)
        settled.legs["o"] = shape
        settled.amendments.pop("o", None)
        assert AccountRisk.of(settled, book.world.arrays).risk.headroom >= account.risk.headroom


@pytest.mark.parametrize(
    ("strategy", "least"),
    [
        (
            questions(),
            {
                (RejectReason.NONE, False): 20,
                (RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY, False): 20,
                (RejectReason.INSUFFICIENT_INITIAL_MARGIN, False): 5,
                (RejectReason.STILL_UNDERMARGINED, False): 5,
            },
        ),
        (
            closing_questions(),
            {
                (RejectReason.NONE, True): 20,
                (RejectReason.STILL_UNDERMARGINED, False): 10,
                (RejectReason.KILL_SWITCH, False): 10,
            },
        ),
        (
            reduce_only_questions(),
            {
                (RejectReason.NONE, False): 10,
                (RejectReason.NONE, True): 3,
                (RejectReason.REDUCE_ONLY_WOULD_INCREASE, False): 20,
                (RejectReason.KILL_SWITCH, False): 3,
            },
        ),
        (
            change_questions(),
            {
                (RejectReason.NONE, False): 20,
                (RejectReason.NONE, True): 5,
                (RejectReason.STILL_UNDERMARGINED, False): 3,
                (RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY, False): 2,
                (RejectReason.KILL_SWITCH, False): 2,
            },
        ),
    ],
)
def test_the_questions_reach_every_kind_of_answer(
    strategy: st.SearchStrategy[Asked], least: dict[tuple[RejectReason, bool], int]
) -> None:
    seen: Counter[tuple[RejectReason, bool]] = Counter()

    @settings(max_examples=300, database=None, derandomize=True)
    @given(strategy)
    def look(asked: Asked) -> None:
        outcome = decide(asked.question)
        seen[outcome.reason, outcome.is_risk_reducing] += 1

    look()
    assert all(seen[answer] >= count for answer, count in least.items()), seen
