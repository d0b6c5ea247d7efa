"""A whole backtest: files in, tracks and their findings out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.var.settings import VarSettings
from margingate_server.backtesting.findings import Findings, findings
from margingate_server.backtesting.panel import Closes, panel
from margingate_server.backtesting.portfolios import SamplePortfolio
from margingate_server.backtesting.walk import Track, walk
from margingate_server.files.price_history import read_closes
from margingate_server.files.toml_tables import read_tables

BUILT_IN = Path(__file__).with_name("settings.toml")

_Series = tuple[tuple[str, ...], tuple[str, ...]]
"""Underlyings whose prices, and whose vols, a portfolio needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """tracks with their findings, by portfolio and then by settings as given.

    left_out: by name of a portfolio, the series that it lacks.
    """

    tracks: tuple[tuple[Track, Findings], ...]
    left_out: Mapping[str, str]


def settings_of(changes: Mapping[str, object]) -> VarSettings:
    """The built-in settings with some of them changed; InvalidInput naming what is wrong."""
    return VarSettings.from_mapping({**read_tables(BUILT_IN, "settings")["settings"], **changes})


def closes_of(file_by_name: Mapping[str, Path]) -> Mapping[str, Closes]:
    """Closes by name; InvalidInput naming the file that cannot be used."""
    return {name: read_closes(path) for name, path in file_by_name.items()}


def backtest_of(
    portfolios: Sequence[SamplePortfolio],
    every_settings: Sequence[VarSettings],
    price_by_name: Mapping[str, Closes],
    vol_by_name: Mapping[str, Closes],
    on_progress: Callable[[int, int], None],
) -> Run:
    """All portfolios that have their series, under all settings.

    Those that need the same series share their dates and worlds. on_progress: walks done, of how
    many. InvalidInput when nothing can be walked or a panel is too short.
    """
    left_out: dict[str, str] = {}
    by_series: dict[_Series, list[SamplePortfolio]] = {}
    for portfolio in portfolios:
        lacking = _lacking(portfolio, price_by_name, vol_by_name)
        if lacking:
            left_out[portfolio.name] = lacking
            continue
        series = (portfolio.underlyings, portfolio.vol_underlyings)
        by_series.setdefault(series, []).append(portfolio)
    if not by_series:
        raise InvalidInput("prices", "and vols leave no portfolio to test")
    walks = [
        (panel(*series, price_by_name, vol_by_name), alike, settings)
        for series, alike in by_series.items()
        for settings in every_settings
    ]
    tracks: list[Track] = []
    for done, each in enumerate(walks):
        on_progress(done, len(walks))
        tracks += walk(*each)
    place = {portfolio.name: number for number, portfolio in enumerate(portfolios)}
    tracks.sort(key=lambda track: place[track.portfolio.name])
    return Run(tracks=tuple((track, findings(track)) for track in tracks), left_out=left_out)


def _lacking(
    portfolio: SamplePortfolio,
    price_by_name: Mapping[str, Closes],
    vol_by_name: Mapping[str, Closes],
) -> str:
    """Words for the first series that is not given; empty when all are."""
    for name in portfolio.underlyings:
        if name not in price_by_name:
            return f"prices of {name}"
    for name in portfolio.vol_underlyings:
        if name not in vol_by_name:
            return f"vols of {name}"
    return ""
