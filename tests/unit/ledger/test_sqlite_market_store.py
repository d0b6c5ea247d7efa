"""The embedded market store: the conformance of every one, and what is its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from margingate_server.ledger.sqlite_market_store import SqliteMarketStore
from tests.unit.ledger.market_conformance import BEHAVIOURS, OpenMarketStore


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_conformance(behaviour: Callable[[OpenMarketStore], None], directory: Path) -> None:
    behaviour(lambda: SqliteMarketStore(directory))
