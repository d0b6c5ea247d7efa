"""A portfolio with the market that it stands in, from one TOML file. docs/capital-efficiency.md"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path

import numpy as np

from margingate_engine.core.amounts import USD, asset_units
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.times import YEAR_DAYS
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.pricing import black76
from margingate_server.comparing.legs import MARKET_TIME_NS, Leg, parse_leg
from margingate_server.comparing.reading import above_zero, number, only, table_of
from margingate_server.files.toml_tables import read_document

_TOP = {"title", "about", "collateral", "market", "legs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One underlying. index: USD. rate: carry per year, by which forwards stand above the index."""

    index: float
    rate: float

    def forward(self, days: float) -> float:
        """Forward price in so many days, USD."""
        return self.index * float(np.exp(self.rate * days / YEAR_DAYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePortfolio:
    """Signed lots by row of a table, priced by a snapshot. collateral: units by asset."""

    name: str
    title: str
    about: str
    collateral: Mapping[str, int]
    lots_by_row: Mapping[int, int]
    table: InstrumentTable
    snapshot: MarketSnapshot


def worked_portfolios() -> tuple[FilePortfolio, ...]:
    """The portfolios that come with the program, in the order of their names."""
    folder = Path(str(resources.files(__package__).joinpath("portfolios")))
    return tuple(read_portfolio(path) for path in sorted(folder.glob("*.toml")))


def read_portfolio(path: Path) -> FilePortfolio:
    """The portfolio of a file; InvalidInput with the dotted name of a mistake."""
    document = read_document(path, "portfolio")
    only(document, "", required=_TOP - {"about"}, optional={"about"})
    quotes = {name: _quote(name, raw) for name, raw in table_of(document, "market").items()}
    if not quotes:
        raise InvalidInput("market", "must have one underlying at least")
    collateral = {
        asset: _units(asset, raw, quotes) for asset, raw in table_of(document, "collateral").items()
    }
    raw_legs = document["legs"]
    if not isinstance(raw_legs, list) or not raw_legs:
        raise InvalidInput("legs", "must be a list of one leg at least")
    legs = [parse_leg(f"legs[{place}]", raw, quotes) for place, raw in enumerate(raw_legs)]
    return _portfolio(
        path.stem,
        (_text(document, "title"), _text(document, "about")),
        collateral,
        (quotes, legs),
    )


def _portfolio(
    name: str,
    words: tuple[str, str],
    collateral: Mapping[str, int],
    market: tuple[Mapping[str, Quote], Sequence[Leg]],
) -> FilePortfolio:
    quotes, legs = market
    # The spot of each underlying is listed in any case: coins of the collateral need an index.
    listed = {each.instrument.name: each for each in map(Leg.spot, quotes)}
    lots: dict[str, int] = {}
    for place, leg in enumerate(legs):
        known = listed.setdefault(leg.instrument.name, leg)
        if (known.instrument, known.vol, known.forward) != (leg.instrument, leg.vol, leg.forward):
            raise InvalidInput(f"legs[{place}]", "has other prices than a leg of the same terms")
        lots[leg.instrument.name] = lots.get(leg.instrument.name, 0) + leg.lots
    table = InstrumentTable([each.instrument for each in listed.values()])
    title, about = words
    return FilePortfolio(
        name=name,
        title=title,
        about=about,
        collateral=collateral,
        lots_by_row={table.row_by_name[each]: units for each, units in lots.items() if units},
        table=table,
        snapshot=_snapshot(table, quotes, list(listed.values())),
    )


def _snapshot(
    table: InstrumentTable, quotes: Mapping[str, Quote], legs: Sequence[Leg]
) -> MarketSnapshot:
    forward_i, vol_i = (
        np.array(
            [each.forward or quotes[each.instrument.underlying].forward(each.days) for each in legs]
        ),
        np.array([each.vol for each in legs]),
    )
    tau_i = np.array([each.days for each in legs]) / YEAR_DAYS
    strike_i = np.where(table.is_option_i, table.strike_i, forward_i)
    value_i = black76.value(forward_i, strike_i, vol_i, tau_i, table.is_call_i)
    value_i = value_i / np.where(table.is_inverse_i, forward_i, 1.0)
    new = Quotes(
        index_by_underlying={name: quote.index for name, quote in quotes.items()},
        rows=np.arange(len(legs)),
        mark_price_i=np.where(table.is_option_i, value_i, forward_i),
        mark_vol_i=vol_i,
        forward_price_i=forward_i,
    )
    empty = MarketSnapshot.empty(table)
    return empty.with_quotes(table, new, market_time_ns=MARKET_TIME_NS, observed_ns=1)


def _quote(name: str, raw: object) -> Quote:
    path = f"market.{name}"
    if not isinstance(raw, dict):
        raise InvalidInput(path, "must be a table")
    only(raw, f"{path}.", required={"index"}, optional={"rate"})
    return Quote(
        index=float(above_zero(f"{path}.index", raw["index"])),
        rate=float(number(f"{path}.rate", raw.get("rate", 0))),
    )


def _units(asset: str, raw: object, quotes: Mapping[str, Quote]) -> int:
    path = f"collateral.{asset}"
    if asset != USD and asset not in quotes:
        raise InvalidInput(path, "is neither USD nor an underlying of the market")
    return asset_units(Decimal(number(path, raw)), asset, path)


def _text(document: Mapping[str, object], name: str) -> str:
    text = document.get(name, "")
    if not isinstance(text, str):
        raise InvalidInput(name, "must be text")
    return text
