"""Run seeded worlds: `make sim SEEDS=200`, or one of them: `make sim SEED=17`."""

import argparse
import os
import sys
import time
from collections import Counter

from tests.simulation.run import Failure, run_seeds

SHOWN_MAX = 5


def main() -> int:
    """0 when every seed keeps every invariant, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--start", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    seeds = range(asked.start, asked.start + asked.seeds)
    if asked.seed is not None:
        seeds = range(asked.seed, asked.seed + 1)
    failures, counts, seconds = _run(seeds, min(asked.processes, len(seeds)))
    for failure in sorted(failures, key=lambda each: each.seed)[:SHOWN_MAX]:
        _tell(failure.told())
    _tell(", ".join(f"{what} {count:,}" for what, count in counts.most_common()))
    failing = sorted(each.seed for each in failures)
    _tell(f"{len(seeds)} seeds in {seconds:.0f} s, {len(failing)} failed {failing[:20] or ''}")
    return 1 if failing else 0


def _run(seeds: range, processes: int) -> tuple[list[Failure], Counter[str], float]:
    started = time.monotonic()
    failures, counts = [], Counter[str]()
    for done, outcome in enumerate(run_seeds(seeds, processes), 1):
        counts.update(outcome.counts)
        if outcome.failure is not None:
            failures.append(outcome.failure)
            sys.stderr.write(f"seed {outcome.seed}: {outcome.failure.invariant}\n")
        if sys.stderr.isatty() or done % 100 == 0:
            rate = done / (time.monotonic() - started)
            line = f"{done}/{len(seeds)} seeds, {len(failures)} failed, {rate:.1f} a second"
            sys.stderr.write(line + ("\r" if sys.stderr.isatty() else "\n"))
    return failures, counts, time.monotonic() - started


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
