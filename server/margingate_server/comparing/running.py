"""Portfolios of files under every model that there are parameters for."""

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from margingate_engine.check.compare import Compared, Holding, bought_at_marks, compared
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.comparing.portfolio_file import FilePortfolio
from margingate_server.files.models import has_built_in, read_models


def models_of(paths: Mapping[str, Path]) -> dict[str, MarginModel]:
    """Every model that comes with parameters, or has a file in `paths`, by name.

    InvalidInput as read_models. The model tims has parameters for comparisons alone.
    """
    own: dict[str, Path | None] = {**paths}
    if not has_built_in("tims"):
        own.setdefault("tims", Path(str(resources.files(__package__).joinpath("tims.toml"))))
    return read_models(own)


def holding_of(portfolio: FilePortfolio) -> Holding:
    """The portfolio bought at its marks."""
    return bought_at_marks(
        portfolio.collateral, portfolio.lots_by_row, portfolio.table, portfolio.snapshot
    )


def comparison(
    portfolio: FilePortfolio, models: Iterable[MarginModel]
) -> tuple[Holding, tuple[Compared, ...]]:
    """(the portfolio bought at its marks, what each model says of it)."""
    holding = holding_of(portfolio)
    return holding, compared(models, holding, portfolio.table, portfolio.snapshot)
