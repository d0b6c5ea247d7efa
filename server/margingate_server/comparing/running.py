"""Portfolios of files under the models."""

from collections.abc import Iterable

from margingate_engine.check.compare import Compared, Holding, bought_at_marks, compared
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.comparing.portfolio_file import FilePortfolio


def comparison(
    portfolio: FilePortfolio, models: Iterable[MarginModel]
) -> tuple[Holding, tuple[Compared, ...]]:
    """(the portfolio bought at its marks, what each model says of it)."""
    table, snapshot = portfolio.table, portfolio.snapshot
    holding = bought_at_marks(portfolio.collateral, portfolio.lots_by_row, table, snapshot)
    return holding, compared(models, holding, table, snapshot)
