"""Whole decisions, rich and poor, against the slow reference. [DEC-01 to DEC-04, DEC-08]"""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import Gates
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness
from tests.property.books import books
from tests.property.bridge import reference_book, reference_of
from tests.property.effort import examples
from tests.property.orders import Asked, ask, closing_legs, in_trouble, requested_legs
from tests.reference.contracts import Limits
from tests.reference.decision import Answer, Decider, Switches
from tests.reference.orders import Leg, Order


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    """A book and an order; often the account lacks margin, or nearly so."""
    book = draw(books(combos=True))
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
    book = draw(books(combos=True, orders_max=2).filter(lambda each: each.portfolio.positions))
    for asset, units in (("USD", 10**13), ("BTC", 10**14), ("ETH", 10**15)):
        book.portfolio.cash[asset] = units
    legs = draw(st.lists(closing_legs(book), min_size=1, max_size=2))
    asked = ask(book, *legs, gates=Gates(is_reduce_only=draw(st.booleans())))
    in_trouble(asked, draw(st.integers(1, 20_000)))
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
    combo = question.order.execution.value == "atomic_combo"
    order = Order(order_id="o", legs=legs, combo=combo)
    account = reference_of(book.world, book.portfolio)
    account.known_order_ids.clear()
    switches = Switches(reduce_only=question.gates.is_reduce_only)
    return Decider(reference_book(book.world)).decide(account, order, Limits(), switches)


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


@examples(200)
@given(questions())
def test_every_decision_is_the_references(asked: Asked) -> None:
    assert_same(decide(asked.question), reference_answer(asked))


@examples(150)
@given(closing_questions())
def test_every_close_in_trouble_is_decided_as_the_reference_does(asked: Asked) -> None:
    assert_same(decide(asked.question), reference_answer(asked))


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
    ],
)
def test_the_questions_reach_every_kind_of_answer(
    strategy: st.SearchStrategy[Asked], least: dict[tuple[RejectReason, bool], int]
) -> None:
    seen: Counter[tuple[RejectReason, bool]] = Counter()

    @settings(max_examples=200, database=None)
    @given(strategy)
    def look(asked: Asked) -> None:
        outcome = decide(asked.question)
        seen[outcome.reason, outcome.is_risk_reducing] += 1

    look()
    assert all(seen[answer] >= count for answer, count in least.items()), seen
