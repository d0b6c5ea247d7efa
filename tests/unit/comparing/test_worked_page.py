"""docs/capital-efficiency.md says what the engine works out."""

import re
from pathlib import Path

import pytest

from margingate_server.comparing.portfolio_file import read_portfolio, worked_portfolios
from margingate_server.files.models import read_models
from tools.refresh_worked import PAGE, blocks_of, figures, models_named

TEXT = PAGE.read_text("utf-8")
HINT = "say `python -m tools.refresh_worked` and read whether the words around still hold"


def test_the_figures_of_the_page_are_those_of_the_engine() -> None:
    """Of every model that the page has; another one that came since needs a run of the tool."""
    models = read_models({})
    named = models_named(TEXT)
    assert {"span", "cross", "isolated", "tims", "strategy"} <= set(named)
    worked = figures({name: models[name] for name in named})
    found = blocks_of(TEXT)
    assert found.keys() == worked.keys()
    for name, block in worked.items():
        assert found[name] == block, f"{name}: {HINT}"


def test_every_picture_of_the_page_is_there_and_every_portfolio_has_one() -> None:
    images = re.findall(r"!\[[^\]]+\]\((images/worked-[^)]+)\)", TEXT)
    assert images == [f"images/worked-{each.name}.svg" for each in worked_portfolios()]
    for image in images:
        assert (PAGE.parent / image).read_text("utf-8").startswith("<svg")


def test_the_file_that_the_page_shows_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    path = tmp_path / "covered.toml"
    path.write_text(example)
    portfolio = read_portfolio(path)
    assert portfolio.title == "Covered call"
    assert sorted(portfolio.lots_by_row.values()) == [-100, 100]


@pytest.mark.parametrize("name", ["legs", "collateral", "market"])
def test_the_page_names_every_table_of_a_file(name: str) -> None:
    assert f"[{name}" in TEXT
