"""The checker itself, on histories written by hand in a market small enough to know by heart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.history.calls import (
    Adjust,
    Adjusted,
    Answer,
    Books,
    Call,
    Check,
    Decided,
    Fill,
    Filled,
    Listed,
    Operation,
    ReadAccount,
    ReadDecision,
    ReadOrders,
    Refused,
    Release,
    Released,
    id_of,
)
from tests.history.model import OPENED, Model
from tests.history.search import order_found
from tests.history.witness import problems_with
from tests.reference.orders import Leg, Order
from tests.reference.small_world import USD, small_oracle

STEP_NS = 100


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(small_oracle())


def future(order_id: str, lots: int, side: int = 1) -> Order:
    """An order for a tenth of a coin per lot at the mark; ten lots need about 15,000 USD."""
    leg = Leg(symbol="NEAR", side=side, quantity=lots * Fraction("0.1"), price=Fraction(101_000))
    return Order(order_id=order_id, legs=(leg,))


def fill(fill_id: str, order_id: str, lots: int) -> Fill:
    return Fill(
        fill_id=fill_id, order_id=order_id, symbol="NEAR", side=1, lots=lots, price="101000", fee=0
    )


FUND = Adjust("fund", "USD", 20_000 * USD)
SCRIPT: tuple[Call, ...] = (
    FUND,
    Check("r-1", future("o-1", 10)),
    ReadOrders(),
    Check("r-2", future("o-2", 10)),
    Release("x-1", "o-1"),
    ReadAccount(),
    Check("r-3", future("o-3", 10)),
    fill("f-1", "o-3", 4),
    Check("r-3", future("o-3", 10)),
    fill("f-1", "o-3", 4),
    Release("x-2", "o-1"),
    Adjust("a-1", "USD", -19_000 * USD),
    Adjust("a-2", "USD", -1_000 * USD),
    ReadDecision("r-2"),
    ReadDecision("r-9"),
    ReadAccount(),
)


def sequential(model: Model, calls: Sequence[Call]) -> list[Operation]:
    """The calls one after the other, each over before the next, answered as they must be."""
    state, operations = OPENED, []
    for number, call in enumerate(calls):
        state, answer = model.step(state, call)
        operations.append(at(call, number, number, answer))
    return operations


def at(call: Call, first: int, last: int | None, answer: Answer | None) -> Operation:
    """A call from the beginning of step `first` to the end of step `last`."""
    returned_ns = None if last is None else (last + 1) * STEP_NS
    return Operation(
        client=0,
        call=call,
        invoked_ns=first * STEP_NS + 1,
        returned_ns=returned_ns,
        answer=answer,
    )


def events_of(model: Model, calls: Sequence[Call]) -> list[str]:
    """The ids of the calls that make an event, in order."""
    state, ids = OPENED, []
    for call in calls:
        before, (state, _) = state, model.step(state, call)
        if state.version != before.version:
            ids.append(str(id_of(call)))
    return ids


def is_explained(model: Model, operations: list[Operation], ids: Sequence[str]) -> bool:
    """What both checkers say; the search knows nothing of the ids, and finds what they witness."""
    found = order_found(operations, model) is not None
    witnessed = not problems_with(operations, ids, model)
    assert found or not witnessed
    return witnessed


def changed(
    operations: list[Operation], number: int, change: Callable[[Operation], Operation]
) -> list[Operation]:
    return [change(each) if n == number else each for n, each in enumerate(operations)]


def answered(operations: list[Operation], number: int, **fields: object) -> list[Operation]:
    """One answer with other fields."""

    def change(operation: Operation) -> Operation:
        assert operation.answer is not None
        return replace(operation, answer=replace(operation.answer, **fields))  # type: ignore[arg-type]

    return changed(operations, number, change)


def test_the_script_shows_every_kind_of_answer(model: Model) -> None:
    answers = [each.answer for each in sequential(model, SCRIPT)]
    kinds = {type(each) for each in answers}
    assert kinds == {Decided, Released, Filled, Adjusted, Refused, Books, Listed}
    reasons = [each.reason for each in answers if isinstance(each, Decided)]
    assert reasons == ["", "INSUFFICIENT_INITIAL_MARGIN", "", "", "INSUFFICIENT_INITIAL_MARGIN"]


def test_calls_one_after_the_other_are_explained(model: Model) -> None:
    assert is_explained(model, sequential(model, SCRIPT), events_of(model, SCRIPT))


def test_calls_at_the_same_time_may_come_in_any_order(model: Model) -> None:
    """Both orders of two checks with room for one are explained, whatever was invoked first."""
    for calls in ((SCRIPT[1], SCRIPT[3]), (SCRIPT[3], SCRIPT[1])):
        script = (FUND, *calls, ReadOrders())
        operations = sequential(model, script)
        overlapping = [
            replace(each, invoked_ns=STEP_NS + 10 - n, returned_ns=4 * STEP_NS)
            if isinstance(each.call, Check)
            else each
            for n, each in enumerate(operations)
        ]
        last = replace(overlapping[-1], invoked_ns=4 * STEP_NS + 1, returned_ns=5 * STEP_NS)
        assert is_explained(model, [*overlapping[:-1], last], events_of(model, script))


def test_a_call_without_an_answer_may_have_happened_or_not(model: Model) -> None:
    for script in ((FUND, SCRIPT[1], ReadOrders()), (FUND, ReadOrders())):
        operations = [
            each for each in sequential(model, script) if not isinstance(each.call, Check)
        ]
        operations.append(at(SCRIPT[1], 1, None, None))
        assert is_explained(model, operations, events_of(model, script))


def test_a_double_spend_is_found(model: Model) -> None:
    """Headroom for one order, both accepted."""
    script = SCRIPT[:4]
    operations = sequential(model, script)
    first = operations[1].answer
    assert isinstance(first, Decided)
    operations = answered(
        operations, 3, reason="", before=first.before, after=first.after, version=first.version
    )
    both_at_once = [replace(each, invoked_ns=1, returned_ns=9 * STEP_NS) for each in operations[1:]]
    history = [operations[0], *both_at_once]
    assert not is_explained(model, history, events_of(model, script))
    assert order_found(history, model) is None


def test_a_lost_update_is_found(model: Model) -> None:
    """A deposit that was acknowledged and that a later balance does not contain."""
    script = (FUND, Adjust("a-1", "USD", 500 * USD), Adjust("a-2", "USD", 7 * USD), ReadAccount())
    without = (FUND, script[2], script[3])
    operations = sequential(model, script)
    lost = sequential(model, without)
    history = [
        *operations[:2],
        *(replace(each, invoked_ns=250, returned_ns=260) for each in lost[1:]),
    ]
    assert order_found(history, model) is None
    assert problems_with(history, events_of(model, script), model)
    assert problems_with(history, events_of(model, without), model)


def test_a_stale_read_is_found_and_an_early_one_of_a_call_under_way_is_not(model: Model) -> None:
    script = (FUND, ReadAccount(), SCRIPT[1], ReadAccount())
    operations = sequential(model, script)
    ids = events_of(model, script)
    stale = changed(operations, 3, lambda each: replace(each, answer=operations[1].answer))
    assert order_found(stale, model) is None
    assert problems_with(stale, ids, model)
    under_way = changed(stale, 2, lambda each: replace(each, returned_ns=9 * STEP_NS))
    assert is_explained(model, under_way, ids)


def test_reads_that_go_back_are_found(model: Model) -> None:
    """While a check is under way one read sees it, and a later one does not."""
    script = (FUND, SCRIPT[1], ReadOrders())
    operations = sequential(model, script)
    seen = operations[2].answer
    unseen = model.step(model.step(OPENED, FUND)[0], ReadOrders())[1]
    check = replace(operations[1], returned_ns=9 * STEP_NS)
    back = [operations[0], check, at(ReadOrders(), 2, 2, seen), at(ReadOrders(), 3, 3, unseen)]
    assert order_found(back, model) is None
    assert problems_with(back, events_of(model, script), model)
    forth = [operations[0], check, at(ReadOrders(), 2, 2, unseen), at(ReadOrders(), 3, 3, seen)]
    assert is_explained(model, forth, events_of(model, script))


def test_a_reordered_pair_is_found(model: Model) -> None:
    """A withdrawal granted that only the release after it made possible."""
    script = (FUND, SCRIPT[1], Release("x", "o-1"), Adjust("a", "USD", -19_000 * USD))
    operations = sequential(model, script)
    times = [(each.invoked_ns, each.returned_ns) for each in operations]
    swapped = [
        replace(each, invoked_ns=times[place][0], returned_ns=times[place][1])
        for each, place in zip(operations, (0, 1, 3, 2), strict=True)
    ]
    assert order_found(swapped, model) is None
    assert problems_with(swapped, events_of(model, script), model)


@pytest.mark.parametrize(
    ("number", "fields"),
    [
        (1, {"version": 1}),
        (1, {"is_replayed": True}),
        (3, {"reason": ""}),
        (4, {"was_held": False}),
        (5, {"open_orders": 1}),
        (7, {"position": 5}),
        (7, {"open_lots": 7}),
        (8, {"is_replayed": False}),
        (9, {"is_replayed": False}),
        (10, {"flag": "UNKNOWN_ORDER"}),
        (12, {"balance": 1}),
        (14, {"reason": "INSUFFICIENT_INITIAL_MARGIN"}),
        (15, {"cash": ()}),
    ],
)
def test_one_wrong_word_of_an_answer_is_found(
    model: Model, number: int, fields: dict[str, object]
) -> None:
    history = answered(sequential(model, SCRIPT), number, **fields)
    assert order_found(history, model) is None
    assert problems_with(history, events_of(model, SCRIPT), model)


def test_one_millionth_of_a_dollar_is_found(model: Model) -> None:
    operations = sequential(model, SCRIPT)
    for number, each in enumerate(operations):
        margin = getattr(each.answer, "margin", None) or getattr(each.answer, "after", None)
        if margin is None:
            continue
        field = "margin" if hasattr(each.answer, "margin") else "after"
        history = answered(operations, number, **{field: replace(margin, equity=margin.equity + 1)})
        assert order_found(history, model) is None
        assert problems_with(history, events_of(model, SCRIPT), model)


def test_an_event_too_many_or_too_few_is_found(model: Model) -> None:
    operations, ids = sequential(model, SCRIPT), events_of(model, SCRIPT)
    assert any("nobody" in each for each in problems_with(operations, [*ids, "ghost"], model))
    for number in range(len(ids)):
        assert problems_with(operations, [*ids[:number], *ids[number + 1 :]], model)
        assert problems_with(operations, [*ids[: number + 1], *ids[number:]], model)
