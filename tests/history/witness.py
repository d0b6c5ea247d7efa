"""Checks an order that is claimed: the account's events by number, as the ledger has them.

The claim is believed in nothing. It must hold every change that was answered and none that nobody
asked for, must not put a call before one that had returned before it was invoked, and the model
must give every answer again. Reads, retries and refusals, which leave no event, are then placed
between two events each: at the earliest place that time and their answer allow.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tests.history.calls import Operation, agrees, id_of
from tests.history.model import OPENED, Model, State


@dataclass(slots=True)
class Replay:
    """The model led along the claimed order. states[n] is the account after n events."""

    states: list[State] = field(default_factory=list)
    effects: list[Operation] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def problems_with(
    operations: Sequence[Operation], event_ids: Sequence[str], model: Model, opened: State = OPENED
) -> list[str]:
    """Why the order of events is no explanation of the calls; empty when it is one.

    event_ids: the request or fill id of each event of the account, in the order of their numbers.
    """
    calls: defaultdict[str | None, list[Operation]] = defaultdict(list)
    for each in sorted(operations, key=lambda operation: operation.invoked_ns):
        calls[id_of(each.call)].append(each)
    replay = _replayed(event_ids, calls, model, opened)
    if not replay.problems:
        replay.problems += _against_time(replay.effects)
    if replay.problems:
        return replay.problems
    placed = {id(each) for each in replay.effects}
    rest = [each for each in operations if each.answer is not None and id(each) not in placed]
    return _placed(sorted(rest, key=lambda each: each.invoked_ns), replay, model)


def _replayed(
    event_ids: Sequence[str],
    calls: dict[str | None, list[Operation]],
    model: Model,
    opened: State,
) -> Replay:
    replay = Replay(states=[opened])
    for number, event_id in enumerate(event_ids, 1):
        state = replay.states[-1]
        asked = calls.get(event_id, [])
        if not asked:
            replay.problems.append(f"event {number}: nobody asked for {event_id}")
            return replay
        after, expected = model.step(state, asked[0].call)
        effect = _cause(asked)
        if after.version != state.version + 1:
            replay.problems.append(f"event {number}, {event_id}: the model has none: {expected}")
            return replay
        if effect.answer is not None and not agrees(effect.answer, expected):
            replay.problems.append(f"event {number}: {effect}, expected {expected}")
        replay.states.append(after)
        replay.effects.append(effect)
    return replay


def _cause(asked: list[Operation]) -> Operation:
    """Which of the calls under one id made the event: the first answer, or a call before it.

    A call that was never answered may have: then later ones are answered as retries are.
    """
    fresh = [each for each in asked if getattr(each.answer, "is_replayed", None) is False]
    return fresh[0] if fresh else asked[0]


def _against_time(effects: list[Operation]) -> list[str]:
    """Events that stand before one that was over when they were asked for."""
    problems, latest_invoked = [], 0
    for number, each in enumerate(effects, 1):
        if each.returned_ns is not None and each.returned_ns < latest_invoked:
            problems.append(f"event {number} came after one invoked when it was over: {each}")
        latest_invoked = max(latest_invoked, each.invoked_ns)
    return problems


def _placed(reads: list[Operation], replay: Replay, model: Model) -> list[str]:
    """Calls that find no place; they come by the time of their invocation."""
    problems: list[str] = []
    # Sorted, so that what had returned before an invocation, and what was invoked later, are found.
    returned = sorted(
        (each.returned_ns, number)
        for number, each in enumerate(replay.effects, 1)
        if each.returned_ns is not None
    )
    last_number = list(accumulate((number for _, number in returned), max))
    invoked = sorted((each.invoked_ns, number) for number, each in enumerate(replay.effects, 1))
    backwards = accumulate((number for _, number in reversed(invoked)), min)
    first_number = list(backwards)[::-1]
    ended: list[tuple[int, int]] = []  # (returned, greatest place of the reads returned by then)
    for read in reads:
        assert read.returned_ns is not None
        over = bisect_left(returned, (read.invoked_ns,))
        lowest = last_number[over - 1] if over else 0
        later = bisect_left(invoked, (read.returned_ns + 1,))
        highest = first_number[later] - 1 if later < len(invoked) else len(replay.effects)
        lowest = max([lowest, *(place for end, place in ended if end < read.invoked_ns)])
        place = _place(read, range(lowest, highest + 1), replay.states, model)
        if place is None:
            problems.append(f"no place between events {lowest} and {highest + 1} for {read}")
            continue
        ended.append((read.returned_ns, place))
    return problems


def _place(read: Operation, places: range, states: list[State], model: Model) -> int | None:
    for place in places:
        after, expected = model.step(states[place], read.call)
        is_without_event = after.version == states[place].version
        if read.answer is not None and is_without_event and agrees(read.answer, expected):
            return place
    return None
