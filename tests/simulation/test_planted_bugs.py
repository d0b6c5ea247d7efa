"""The simulation finds the bugs that it is there to find."""

import sys
from itertools import count

import pytest

from tests.simulation.planted import PLANTS
from tests.simulation.run import Failure, run_seed

SEEDS_MAX = 100


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_a_planted_bug_is_found_within_a_hundred_seeds(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    PLANTS[name](monkeypatch)
    failure = first_failure()
    assert failure is not None, f"{name} survived {SEEDS_MAX} seeds"
    monkeypatch.undo()
    assert run_seed(failure.seed).failure is None, "the seed fails without the bug, too"
    with capsys.disabled():
        found = f"seed {failure.seed}, step {failure.step}, {failure.invariant}"
        sys.stdout.write(f"\n{name}: {found}\n")


def first_failure() -> Failure | None:
    for seed in count(1):
        failure = run_seed(seed).failure
        if failure is not None or seed == SEEDS_MAX:
            return failure
    raise AssertionError
