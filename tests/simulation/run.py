"""Seeds run to their end, and what is told of one that does not get there."""

import multiprocessing
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.simulation.violation import Violation
from tests.simulation.world import World

STEPS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A seed that broke an invariant ("error" for an exception that nobody foresaw), and where.

    script: what happened just before, a line each.
    """

    seed: int
    step: int
    invariant: str
    detail: str
    script: tuple[str, ...]

    def told(self) -> str:
        """Everything that is known of it, and how to see it again."""
        return "\n".join(
            (
                *(f"  {line}" for line in self.script),
                f"seed {self.seed}, step {self.step}: {self.invariant}: {self.detail}",
                f"again: make sim SEED={self.seed}",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a seed. counts: how often what happened."""

    seed: int
    counts: dict[str, int]
    failure: Failure | None


def run_seed(seed: int, steps: int = STEPS) -> Outcome:
    """The whole life of one world."""
    world = World(seed)
    failure = None
    try:
        world.run(steps)
    except Violation as violation:
        failure = _failure(world, seed, violation.invariant, violation.detail)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is a finding too
        last = "".join(traceback.format_exception(error, limit=-4))
        failure = _failure(world, seed, "error", last)
    return Outcome(seed=seed, counts=dict(world.script.counts), failure=failure)


def run_seeds(seeds: Iterable[int], processes: int) -> Iterator[Outcome]:
    """The outcomes of many seeds, as they come."""
    if processes == 1:
        yield from map(run_seed, seeds)
        return
    with multiprocessing.get_context("forkserver").Pool(processes) as pool:
        yield from pool.imap_unordered(run_seed, seeds, chunksize=4)


def _failure(world: World, seed: int, invariant: str, detail: str) -> Failure:
    return Failure(
        seed=seed,
        step=world.script.step,
        invariant=invariant,
        detail=detail,
        script=tuple(world.script.lines()),
    )
