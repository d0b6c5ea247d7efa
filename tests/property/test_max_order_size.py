"""The largest order against trying every size. [DEC-06]"""

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.decide import decide
from margingate_engine.check.max_size import max_order_size, with_lots
from margingate_engine.check.question import Gates, Policy, Question
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.property.books import books
from tests.property.effort import examples
from tests.property.orders import Asked, ask, in_trouble, requested_legs

EVERY_SIZE_TO = 150
SAMPLES = 60


@st.composite
def questions(draw: st.DrawFn, *, largest_position: int | None = None) -> Asked:
    """One leg of an account that is rich, on the edge or in trouble, sometimes reduce-only."""
    book = draw(books(orders_max=3))
    if largest_position is not None:
        shrink(book.portfolio, largest_position)
    policy = Policy(
        allowance_ppm=draw(st.sampled_from((1_000, 1_000, 0, 50_000))),
        may_hedges_grow=draw(st.booleans()),
        borrow_limit_by_asset=(("USD", 10**13), ("BTC", 10**14), ("ETH", 10**15)),
    )
    gates = Gates(is_reduce_only=draw(st.integers(0, 3)) == 0)
    asked = ask(book, draw(requested_legs(book)), policy=policy, gates=gates)
    trouble = draw(st.none() | st.integers(-20_000, 200_000))
    if trouble is not None:
        in_trouble(asked, trouble if largest_position is None else trouble // 500)
    return asked


def shrink(portfolio: Portfolio, largest: int) -> None:
    """Cut every position to at most `largest` lots."""
    for row, held in list(portfolio.positions.items()):
        lots = max(-largest, min(largest, held.lots))
        portfolio.positions[row] = Position(lots, held.entry * lots // held.lots)


def is_accepted(question: Question, lots: int) -> bool:
    return decide(with_lots(question, lots)).is_accepted


def assert_largest(question: Question) -> int:
    largest, reason = max_order_size(question)
    refused = decide(with_lots(question, largest + 1))
    assert not refused.is_accepted
    assert reason is refused.reason
    if largest <= EVERY_SIZE_TO:
        sizes = list(range(1, largest + 1))
    else:
        spread = [1 + (largest - 1) * number // SAMPLES for number in range(SAMPLES)]
        sizes = [*range(1, 20), *spread, *range(largest - 20, largest + 1)]
    for lots in sizes:
        assert is_accepted(question, lots), lots
    return largest


@examples(120)
@given(questions())
def test_the_largest_size_and_every_smaller_one_are_accepted_and_the_next_is_not(
    asked: Asked,
) -> None:
    assert_largest(asked.question)


@examples(120)
@given(questions(largest_position=40))
def test_small_positions_leave_no_size_untried(asked: Asked) -> None:
    """Kinks of basis and minimum lie within the sizes that are all tried."""
    assert_largest(asked.question)
