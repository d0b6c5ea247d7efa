"""Try what open orders hold against their fills: `make worst-fills BOOKS=10000 [MODEL=tims]`.

The last three columns are what is held over what the worst fills need: of all books together, the
median, and the 95th percentile.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from functools import partial
from multiprocessing import Pool

import numpy as np

from tests.property.model_worlds import PARAMETERS
from tests.worst_fills.trial import Trial, trial

SHOWN_MAX = 5


def main() -> int:
    """0 when no book holds less than the worst of its fills, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=int, default=200, help="how many of each model")
    parser.add_argument("--start", type=int, default=1, help="seed of the first")
    parser.add_argument("--model", action="append", help="these models alone")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    seeds = range(asked.start, asked.start + asked.books)
    below = 0
    _tell(f"{'model':<12}{'books':>8}{'below':>7}{'exact':>8}{'sum':>9}{'median':>9}{'p95':>9}")
    for model in asked.model or ["span", *PARAMETERS]:
        with Pool(asked.processes) as pool:
            found = list(_followed(pool.imap_unordered(partial(trial, model), seeds, 20), model))
        below += _told(model, found)
    return 1 if below else 0


def _followed(trials: Iterable[Trial], model: str) -> Iterable[Trial]:
    started = time.monotonic()
    for done, each in enumerate(trials, 1):
        if done % 500 == 0:
            rate = done / (time.monotonic() - started)
            sys.stderr.write(f"{model}: {done} books, {rate:.1f} a second\n")
        yield each


def _told(model: str, found: list[Trial]) -> int:
    """Print the line of a model; how many of its books hold too little."""
    below = sorted((each for each in found if each.is_below), key=lambda each: each.seed)
    ratios = np.array([each.ratio for each in found])
    exact = sum(each.is_exact for each in found) / len(found)
    whole = sum(each.held for each in found) / sum(each.worst for each in found)
    told = "".join(f"{each:>9.4f}" for each in (whole, *np.quantile(ratios, (0.5, 0.95))))
    _tell(f"{model:<12}{len(found):>8}{len(below):>7}{exact:>8.1%}{told}")
    for each in below[:SHOWN_MAX]:
        _tell(f"  seed {each.seed}: held {each.held}, worst {each.worst}, {each.orders} orders")
    wrong = [each.seed for each in found if each.is_called_exact and not each.is_exact]
    if wrong:
        _tell(f"  called exact, and more is held than any fills need: {len(wrong)}: {wrong[:3]}")
    return len(below)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
