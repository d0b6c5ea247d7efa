"""Is there any order in which the calls could have happened one after the other?

After Wing and Gong, with Lowe's memory of configurations that led nowhere: a call may come next
when no other call that is still to come had returned before it was invoked.
"""

from collections.abc import Iterable, Iterator, Sequence

from tests.history.calls import (
    Answer,
    Books,
    Call,
    Decided,
    Filled,
    Operation,
    agrees,
    id_of,
)
from tests.history.model import OPENED, Model, State

NEVER = 2**63
CONFIGURATIONS_MAX = 10_000


class Undecided(Exception):  # noqa: N818 - a state of knowledge, not an error
    """More orders are possible than are tried."""


def order_found(
    operations: Sequence[Operation], model: Model, opened: State = OPENED
) -> list[Operation] | None:
    """The calls of one account in an order that explains every answer; None when there is none.

    Calls whose outcome is unknown come in where they help, or never. Raises Undecided.
    """
    return _Search(operations, model).run(opened)


def _told_apart(operations: Sequence[Operation]) -> Iterator[Operation]:
    """By the time of invocation, without calls of unknown outcome that cannot have done anything.

    Calls under one id have one effect only; where an answer says that it was the first, its own.
    """
    idle = {id_of(each.call) for each in operations if _is_first(each)}
    for each in sorted(operations, key=lambda operation: operation.invoked_ns):
        if each.answer is None:
            if id_of(each.call) in idle:
                continue
            idle.add(id_of(each.call))
        yield each


def _is_first(operation: Operation) -> bool:
    """True when the answer itself says that its call is the first under its id."""
    answer = operation.answer
    if id_of(operation.call) is None or not isinstance(answer, Decided | Filled):
        return False
    return not answer.is_replayed


def _version(operation: Operation) -> int:
    """The version of the account that an answer rests on; NEVER when it does not say."""
    answer = operation.answer
    if isinstance(answer, Books) or (isinstance(answer, Decided) and _is_first(operation)):
        return answer.version
    return NEVER


class _Search:
    def __init__(self, operations: Sequence[Operation], model: Model) -> None:
        self._operations = list(_told_apart(operations))
        self._model = model
        self._seen: set[tuple[int, object]] = set()
        self._steps: dict[tuple[object, Call], tuple[State, Answer]] = {}
        self._versions = [_version(each) for each in self._operations]
        self._must = sum(1 << n for n, each in enumerate(self._operations) if each.answer)

    def run(self, state: State) -> list[Operation] | None:
        path: list[int] = []
        stack = [(state, 0, iter(self._next(0, state)))]
        while stack:
            state, done, candidates = stack[-1]
            if done & self._must == self._must:
                return [self._operations[number] for number in path]
            step = self._first_that_fits(state, done, candidates)
            if step is None:
                stack.pop()
                if path:
                    path.pop()
                continue
            number, after = step
            path.append(number)
            stack.append((after, done | 1 << number, iter(self._next(done | 1 << number, after))))
        return None

    def _first_that_fits(
        self, state: State, done: int, candidates: Iterable[int]
    ) -> tuple[int, State] | None:
        key = state.key
        for number in candidates:
            operation = self._operations[number]
            after, expected = self._step(key, state, operation.call)
            if operation.answer is None:
                if after.version == state.version:
                    continue
            elif not agrees(operation.answer, expected):
                continue
            configuration = (done | 1 << number, after.key)
            if configuration not in self._seen:
                self._seen.add(configuration)
                if len(self._seen) > CONFIGURATIONS_MAX:
                    raise Undecided
                return number, after
        return None

    def _step(self, key: object, state: State, call: Call) -> tuple[State, Answer]:
        found = self._steps.get((key, call))
        if found is None:
            found = self._steps[key, call] = self._model.step(state, call)
        return found

    def _next(self, done: int, state: State) -> list[int]:
        """Numbers of the calls that may come next; those with an answer first.

        None when a call is left out that rests on an earlier state of the account.
        """
        waiting = [n for n in range(len(self._operations)) if not done >> n & 1]
        if any(self._versions[n] < state.version for n in waiting):
            return []
        first_return = min(
            (self._operations[n].returned_ns or NEVER for n in waiting), default=NEVER
        )
        may = [n for n in waiting if self._operations[n].invoked_ns <= first_return]
        return sorted(may, key=lambda n: self._operations[n].answer is None)
