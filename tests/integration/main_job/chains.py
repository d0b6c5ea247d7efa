"""The chains that the main job runs on, and how often their instruments are traded."""

import csv
import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.integration.main_job.population import moneyness_weights
from tests.reference.book import Book

REAL_CHAIN = "chains/nolic_znmahbub_btc_eth_20260123T092319Z.csv.gz"
FUTURE_SHARE, SPOT_SHARE = 25, 10
IS_FULL = os.environ.get("MAIN_JOB") == "full"
"""True for `make main-job`; every test run has a quarter of the accounts and fewer orders."""

ACCOUNTS = 1_000 if IS_FULL else 250


@dataclass(frozen=True, slots=True)
class Chain:
    """A market feed, with the orders sent on it.

    csv: where open interest is, if there is any.
    """

    feed: tuple[str, ...]
    order_count: int
    csv: Path | None = None

    def weights(self, book: Book) -> Mapping[str, float]:
        """How often each instrument that has margin parameters is drawn."""
        drawn = self._weights(book)
        return {s: w for s, w in drawn.items() if book.instruments[s].underlying in book.parameters}

    def _weights(self, book: Book) -> Mapping[str, float]:
        if self.csv is None:
            return moneyness_weights(book)
        interest = open_interest(self.csv)
        usual = median(value for value in interest.values() if value > 0)
        weights = {s: interest.get(s, 0.0) for s in book.instruments}
        for symbol, instrument in book.instruments.items():
            if not instrument.is_option:
                share = SPOT_SHARE if instrument.is_spot else FUTURE_SHARE
                weights[symbol] = share * usual
        return {s: w for s, w in weights.items() if w > 0}


def open_interest(path: Path) -> dict[str, float]:
    """Open interest in coins by symbol."""
    with gzip.open(path, "rt", newline="") as lines:
        return {
            row["instrument_name"]: float(row["open_interest"]) for row in csv.DictReader(lines)
        }


def simulated_chain() -> Chain:
    """The built-in market, held still."""
    return Chain(
        feed=("--feed", "simulated", "--seed", "7", "--freeze"),
        order_count=2_800 if IS_FULL else 2_000,
    )


def real_chain() -> Chain:
    """A recorded chain; skips the test where there is none."""
    folder = os.environ.get("MARGINGATE_DATA")
    if not folder:
        pytest.skip("MARGINGATE_DATA names no folder with recorded chains")
    path = Path(folder) / REAL_CHAIN
    order_count = 20_000 if IS_FULL else 3_200
    return Chain(feed=("--feed", f"file:{path}"), order_count=order_count, csv=path)
