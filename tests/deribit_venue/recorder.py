"""An observer that keeps what it is told."""

from collections import Counter
from collections.abc import Mapping


class Recorder:
    """Counts by word, and the last of everything else."""

    def __init__(self) -> None:
        self.received_by_kind: Counter[str] = Counter()
        self.dropped_by_reason: Counter[str] = Counter()
        self.details: dict[str, str] = {}
        self.endings: list[str] = []
        self.waits: list[float] = []
        self.is_connected = False
        self.connected_count = 0
        self.instrument_count = 0
        self.listed_count = 0
        self.left_out: Mapping[str, int] = {}
        self.vols: dict[str, float] = {}
        self.lag_seconds = 0.0
        self.failures: list[tuple[Exception, str]] = []

    def received(self, kind: str) -> None:
        self.received_by_kind[kind] += 1

    def dropped(self, reason: str, detail: str) -> None:
        self.dropped_by_reason[reason] += 1
        self.details[reason] = detail

    def connection_changed(self, *, is_connected: bool) -> None:
        self.is_connected = is_connected
        self.connected_count += is_connected

    def disconnected(self, reason: str, detail: str, retry_seconds: float) -> None:
        self.endings.append(reason)
        self.details[reason] = detail
        self.waits.append(retry_seconds)

    def listed(self, instrument_count: int, left_out: Mapping[str, int]) -> None:
        self.instrument_count, self.left_out = instrument_count, left_out
        self.listed_count += 1

    def lagged(self, lag_seconds: float) -> None:
        self.lag_seconds = lag_seconds

    def volatility_index_changed(self, underlying: str, vol_annual: float) -> None:
        self.vols[underlying] = vol_annual

    def failed(self, error: Exception, where: str) -> None:
        self.failures.append((error, where))
