"""The largest order under every model, against trying the sizes. [DEC-06]"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check import max_size
from margingate_engine.check.decide import decide
from margingate_engine.check.max_size import max_order_size, with_lots
from margingate_engine.check.question import Gates, Policy, Question
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.account_risk import AccountRisk
from tests.property.books import books
from tests.property.model_worlds import model_world
from tests.property.orders import ask, in_trouble, requested_legs
from tests.property.test_every_model import MODEL_NAMES, tries
from tests.property.test_max_order_size import is_accepted, shrink

LARGEST_POSITION, SLOW_LARGEST = 40, 5
SAMPLES, SLOW_SAMPLES = 60, 6
SLOW_RUNS_MAX = 12


@st.composite
def questions(draw: st.DrawFn, name: str) -> Question:
    """One leg of an account that is rich, on the edge or in trouble, sometimes reduce-only."""
    book = draw(books(orders_max=2, world=model_world(name)))
    largest = SLOW_LARGEST if name == "strategy" else LARGEST_POSITION
    shrink(book.portfolio, largest)
    policy = Policy(
        allowance_ppm=draw(st.sampled_from((1_000, 1_000, 0, 50_000))),
        may_hedges_grow=draw(st.booleans()),
        borrow_limit_by_asset=(("USD", 10**13), ("BTC", 10**14), ("ETH", 10**15)),
    )
    gates = Gates(is_reduce_only=draw(st.integers(0, 3)) == 0)
    asked = ask(book, draw(requested_legs(book)), policy=policy, gates=gates)
    trouble = draw(st.none() | st.integers(-100, 1_000))
    if trouble is not None:
        in_trouble(asked, trouble)
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    return replace(asked.question, account=account)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_largest_size_and_every_smaller_one_are_accepted_and_the_next_is_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or, where each size was tried, there were no more runs to look at."""
    samples = SLOW_SAMPLES if name == "strategy" else SAMPLES
    if name == "strategy":
        monkeypatch.setattr(max_size, "RUNS_MAX", SLOW_RUNS_MAX)

    @tries(name, 24)
    @given(questions(name))
    def look(question: Question) -> None:
        largest, reason = max_order_size(question)
        assert decide(with_lots(question, largest + 1)).reason is reason
        assert reason is not RejectReason.NONE or largest >= max_size.RUNS_MAX
        spread = {1 + (largest - 1) * number // samples for number in range(samples)}
        near = range(max(1, largest - samples // 3), largest + 1)
        for lots in sorted({*spread, *range(1, samples // 3), *near}):
            if 1 <= lots <= largest:
                assert is_accepted(question, lots), lots

    look()
