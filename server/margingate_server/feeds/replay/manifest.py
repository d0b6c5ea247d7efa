"""What a replay consists of: a file of chains, or a manifest that names several. docs/feeds.md"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.replay.accounts import StartAccount, read_accounts
from margingate_server.feeds.replay.chain_rows import read_chains
from margingate_server.feeds.replay.future_marks import read_marks
from margingate_server.feeds.replay.instants import moment_ns
from margingate_server.feeds.replay.orders import FlowOrder, read_orders
from margingate_server.feeds.replay.series import Series

ValueT = TypeVar("ValueT")

MANIFEST_NAME: Final = "replay.toml"
_MARKET_NAMES: Final = {"chains", "futures", "from", "until"}
_ALONGSIDE_NAMES: Final = {"accounts", "orders"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A recorded market with the accounts and the order flow that go with it."""

    series: Series
    accounts: tuple[StartAccount, ...] = ()
    orders: tuple[FlowOrder, ...] = ()


def read_replay(path: Path) -> Replay:
    """The replay of a file of chains, a manifest, or a folder that has one.

    InvalidInput names the file and what is wrong with it.
    """
    if path.is_dir():
        path = path / MANIFEST_NAME
    if path.suffix != ".toml":
        return Replay(series=Series.of([_told(path, read_chains)], {}))
    document = _document(path)
    market = _table(document, "market", _MARKET_NAMES)
    alongside = _table(document, "alongside", _ALONGSIDE_NAMES)
    chains = [_told(file, read_chains) for file in _files(market, "chains", path)]
    if not chains:
        raise InvalidInput("market.chains", "must name one file at least")
    marks: dict[int, dict[str, float]] = {}
    for file in _files(market, "futures", path):
        for time_ms, mark_by_name in _told(file, read_marks).items():
            marks.setdefault(time_ms, {}).update(mark_by_name)
    series = Series.of(
        chains,
        marks,
        from_ns=_instant(market, "from", 0),
        until_ns=_instant(market, "until", 2**62),
    )
    accounts, orders = (_file(alongside, name, path) for name in ("accounts", "orders"))
    return Replay(
        series=series,
        accounts=_told(accounts, read_accounts) if accounts else (),
        orders=_told(orders, read_orders) if orders else (),
    )


def _told(path: Path, read: Callable[[Path], ValueT]) -> ValueT:
    """What is read of a file; InvalidInput names the file, too."""
    try:
        return read(path)
    except InvalidInput as wrong:
        raise InvalidInput(f"{path.name}: {wrong.field}", wrong.problem) from None


def _document(path: Path) -> Mapping[str, object]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput("feed", f"cannot read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("feed", f"{path} is not TOML: {error}") from None
    for name in sorted(document.keys() - {"market", "alongside"}):
        raise InvalidInput(name, "is not known of a replay")
    return document


def _table(document: Mapping[str, object], name: str, names: set[str]) -> Mapping[str, object]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise InvalidInput(name, "must be a table")
    for each in sorted(table.keys() - names):
        raise InvalidInput(f"{name}.{each}", "is not known of a replay")
    return table


def _files(market: Mapping[str, object], name: str, manifest: Path) -> list[Path]:
    """Paths of a list, from the manifest's own folder."""
    raw = market.get(name, [])
    if not isinstance(raw, list) or not all(isinstance(each, str) for each in raw):
        raise InvalidInput(f"market.{name}", "must be a list of files")
    return [manifest.parent / each for each in raw]


def _file(alongside: Mapping[str, object], name: str, manifest: Path) -> Path | None:
    raw = alongside.get(name)
    if raw is not None and not isinstance(raw, str):
        raise InvalidInput(f"alongside.{name}", "must be a file")
    return None if raw is None else manifest.parent / raw


def _instant(market: Mapping[str, object], name: str, default_ns: int) -> int:
    raw = market.get(name)
    if raw is None:
        return default_ns
    if not isinstance(raw, datetime) or raw.tzinfo is None:
        raise InvalidInput(f"market.{name}", "must be an instant with its zone")
    return moment_ns(raw)
