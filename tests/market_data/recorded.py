"""Recorded chains one after another, judged as a server would judge them."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.case import Update
from margingate_engine.quality.doubt import Doubt
from margingate_engine.quality.judge import Judged, judge
from margingate_engine.quality.memory import QualityMemory
from margingate_engine.quality.parameters import QualityParameters
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.replay.chain_rows import read_chains
from margingate_server.feeds.replay.future_marks import read_marks
from margingate_server.feeds.replay.series import Series, Snapshot
from margingate_server.files.quality import parse_quality
from margingate_server.files.toml_tables import read_tables
from margingate_server.service.quotes import quotes_of

SIX_HOURLY = "timeseries/*6hourly*.parquet"
DAILY = "timeseries/*daily*.parquet"
MARKS = "timeseries/*term_futures_marks.csv.gz"


def data_folder() -> Path:
    """Where recorded chains are; skips the test where nobody says."""
    folder = os.environ.get("MARGINGATE_DATA")
    if folder is None:
        pytest.skip("MARGINGATE_DATA names no folder with recorded chains")
    return Path(folder)


def built_in() -> QualityParameters:
    """The limits that come with the program."""
    return parse_quality(read_tables(None, "quality.toml"))


def snapshots(
    folder: Path, pattern: str, *, from_ns: int = 0, until_ns: int = 2**62
) -> Iterator[Snapshot]:
    """Snapshots of the files of a pattern, with marks of futures where there are any."""
    (marks_path,) = folder.glob(MARKS)
    marks = read_marks(marks_path)
    for path in sorted(folder.glob(pattern)):
        series = Series.of([read_chains(path)], marks, from_ns=from_ns, until_ns=until_ns)
        yield from (series.snapshot(place) for place in range(len(series)))


@dataclass
class Course:
    """A market that listens to recorded snapshots. judged: prices that rules looked at, by kind."""

    parameters: QualityParameters = field(default_factory=built_in)
    table: InstrumentTable = field(default_factory=lambda: InstrumentTable(()))
    snapshot: MarketSnapshot = field(init=False)
    memory: QualityMemory = field(init=False)
    refused: Counter[Doubt] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.snapshot = MarketSnapshot.empty(self.table)
        self.memory = QualityMemory.of(self.table, self.snapshot)

    def take(self, seen: Snapshot) -> Judged:
        """Judge a snapshot, and go on from what was taken of it."""
        known = self.table.row_by_name
        new = [each for each in seen.instruments if each.name not in known]
        if new:
            self.table = self.table.with_instruments(new)
            self.snapshot = self.snapshot.extended_to(self.table)
            self.memory = self.memory.extended_to(self.table, self.snapshot)
        result = self.judged_as(seen.update)
        self.snapshot, self.memory = result.snapshot, result.memory
        for each in result.findings:
            self.refused[each.doubt] += each.count
        self.judged["instruments"] += len(seen.update.names)
        self.judged["indices"] += len(seen.update.index_by_underlying)
        return result

    def judged_as(self, update: MarketUpdate, quotes: Quotes | None = None) -> Judged:
        """What would become of an update, or of other quotes at its time; nothing is kept."""
        quotes = quotes or quotes_of(self.table, update)
        time_ns = update.market_time_ns
        arrived = Update(quotes=quotes, market_time_ns=time_ns, observed_ns=time_ns)
        return judge(self.snapshot, arrived, self.parameters, self.memory)

    def priced(self) -> int:
        """How many instruments have a price."""
        return int(np.count_nonzero(self.snapshot.priced_i(self.table)))
