"""The quick search finds what looking at every fill finds."""

import random

import pytest

from margingate_engine.models.strategy.model import StrategyModel
from tests.worst_fills.books import book
from tests.worst_fills.lazily import Programs
from tests.worst_fills.trial import fills_of, least_of_all, world_of

SEEDS = (1, 3, 9, 17, 22, 27, 34, 275, 288, 347)
"""One to five orders; of the last three the first fill that is solved is not the worst."""


@pytest.mark.parametrize("seed", SEEDS)
def test_the_worst_of_lazily_solved_fills_is_that_of_all(seed: int) -> None:
    world = world_of("strategy")
    assert isinstance(world.model, StrategyModel)
    portfolio = book(world, seed)
    programs = Programs(world.model)
    fills = fills_of(world, portfolio, random.Random(~seed))
    quickly = programs.least_headroom(fills)
    fills = fills_of(world, portfolio, random.Random(~seed))
    assert quickly == least_of_all(fills)


def test_no_program_requires_more_than_is_said_of_it_at_most() -> None:
    world = world_of("strategy")
    assert isinstance(world.model, StrategyModel)
    programs = Programs(world.model)
    slack = [
        programs.at_most(*each) - programs.required(*each)
        for seed in SEEDS[:4]
        for account, _ in fills_of(world, book(world, seed), random.Random(~seed))
        for each in programs.books(account)
    ]
    assert min(slack) >= 0
    assert max(slack) > 0
