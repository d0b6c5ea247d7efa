"""The picture of a portfolio: its surface, its lines, its marks."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from margingate_engine.models.registry import MarginModel, model
from margingate_engine.models.span_parameters import SpanParameters
from margingate_server.comparing.contours import contour, levels
from margingate_server.comparing.picture import picture
from margingate_server.comparing.points import worst_points
from margingate_server.comparing.portfolio_file import FilePortfolio, read_portfolio
from margingate_server.comparing.running import comparison
from margingate_server.comparing.surface import MOVES, VOLS, surfaces
from margingate_server.files.models import read_models
from margingate_server.files.toml_tables import read_tables
from tests.unit.engine.models.var.tables import tables

FILE = """\
title = "A <coin> & a put"
[collateral]
USD = 100_000
[market.BTC]
index = 70_000
[market.ETH]
index = 3_500
[[legs]]
underlying = "BTC"
kind = "spot"
quantity = 1
[[legs]]
underlying = "BTC"
kind = "perpetual"
quantity = -0.25
[[legs]]
underlying = "BTC"
kind = "option"
right = "put"
strike = 70_000
days = 30
vol = 0.5
quantity = 1
"""
MODELS = read_models({})


@pytest.fixture
def portfolio(tmp_path: Path) -> FilePortfolio:
    path = tmp_path / "p.toml"
    path.write_text(FILE)
    return read_portfolio(path)


def points(portfolio: FilePortfolio, *models: MarginModel) -> dict[tuple[float, float], list[str]]:
    return worst_points(comparison(portfolio, models)[1], "BTC")


def test_the_surface_is_zero_where_nothing_moves_and_follows_what_is_held(
    portfolio: FilePortfolio,
) -> None:
    holding, _ = comparison(portfolio, [])
    (surface,) = surfaces(portfolio, holding)
    assert surface.underlying == "BTC", "nothing of ETH is held"
    now_y, now_x = len(VOLS) // 2, len(MOVES) // 2
    assert surface.pnl_yx[now_y, now_x] == pytest.approx(0, abs=1e-6)
    # At half the price: the coin loses 35,000, a quarter sold gains 8,750, the put is worth
    # 35,000 but for what it cost.
    cost = portfolio.snapshot.mark_nano_i[portfolio.table.row_by_name["BTC 30d 70000 put"]] / 1e9
    assert surface.pnl_yx[now_y, 0] == pytest.approx(8_750 - cost, rel=1e-4)
    assert surface.pnl_yx[-1, now_x] > 0 > surface.pnl_yx[0, now_x], "the put is long vol"


def test_the_scenario_rows_of_a_model_lie_on_the_surface(portfolio: FilePortfolio) -> None:
    holding, (found,) = comparison(portfolio, [MODELS["tims"]])
    (surface,) = surfaces(portfolio, holding)
    assert found.figures is not None
    (totals,) = found.figures.account.groups.values()
    for move, pnl in zip((-0.15, -0.12, 0.12, 0.15), totals.rows[[0, 1, -3, -2]], strict=True):
        column = int(np.abs(surface.move_x - move).argmin())
        assert surface.pnl_yx[len(VOLS) // 2, column] == pytest.approx(pnl / 1e6, abs=0.01)


def test_levels_are_round_numbers_with_zero_among_them() -> None:
    assert levels(-7.0, 23.0, 10) == [-5, 0, 5, 10, 15, 20]
    assert levels(-0.03, 0.01, 4) == pytest.approx([-0.03, -0.02, -0.01, 0, 0.01][:4])
    assert levels(3.0, 3.0, 5) == []
    for low, high in ((-1.0, 9.0), (0.001, 0.1), (-98_765.0, 1.0)):
        assert 2 <= len(levels(low, high, 8)) <= 8


def test_a_contour_runs_where_the_values_reach_its_level() -> None:
    plane_yx = np.add.outer(2.0 * np.arange(4), np.arange(5))
    segments = list(contour(plane_yx, 3.5))
    assert segments
    for point in (point for segment in segments for point in segment):
        assert point[0] + 2 * point[1] == pytest.approx(3.5)
    saddle_yx = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert len(list(contour(saddle_yx, 0.5))) == 2
    assert list(contour(plane_yx, 99.0)) == []


def test_models_are_marked_where_their_worst_scenario_lies(portfolio: FilePortfolio) -> None:
    found = points(portfolio, MODELS["span"], MODELS["cross"], MODELS["tims"])
    assert sorted(name for names in found.values() for name in names) == ["span", "tims"]
    for (move, vol), (name,) in found.items():
        assert vol in ({0, 0.45, -0.45} if name == "span" else {0})
        assert round(abs(move), 9) in {0.03, 0.05, 0.06, 0.09, 0.1, 0.12, 0.15, 0.45}
    twice = points(portfolio, MODELS["span"], MODELS["span"])
    assert list(twice.values()) == [["span", "span"]]


def test_the_mark_is_where_the_surface_loses_what_the_model_says(
    portfolio: FilePortfolio,
) -> None:
    holding, (found,) = comparison(portfolio, [MODELS["tims"]])
    (surface,) = surfaces(portfolio, holding)
    (((move, _), _),) = worst_points([found], "BTC").items()
    column = int(np.abs(surface.move_x - move).argmin())
    assert found.figures is not None
    (requirement,) = found.figures.requirements
    scan_risk = requirement.charges[0][1] / 1e6
    assert surface.pnl_yx[len(VOLS) // 2, column] == pytest.approx(-scan_risk, abs=0.01)


def test_a_world_of_var_is_a_point_too(portfolio: FilePortfolio) -> None:
    var = model("var", tables())
    ((move, vol),) = points(portfolio, var)
    assert -1 < move < 1
    assert -1 < vol < 1
    assert vol != 0


def test_an_absolute_shift_is_shown_against_the_average_vol(portfolio: FilePortfolio) -> None:
    raw = dict(read_tables(None, "span.toml")["BTC"])
    raw |= {"vol_shift_kind": "absolute", "vol_scan_range": Decimal("0.1")}
    assert SpanParameters.from_mapping("BTC", raw).vol_scan_range == Decimal("0.1")
    found = points(portfolio, model("span", {"BTC": raw}))
    assert {round(abs(vol), 9) for _, vol in found} == {0.2}, "a tenth of a vol of one half"


def test_the_picture_is_one_svg_document_with_escaped_words(portfolio: FilePortfolio) -> None:
    holding, found = comparison(portfolio, MODELS.values())
    document = picture(portfolio, holding, found)
    root = ET.fromstring(document)  # noqa: S314 - our own
    texts = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("A <coin> & a put" in text for text in texts)
    assert any(text.startswith("span") or text.endswith("span") for text in texts)
    circles = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == len(worst_points(found, "BTC"))
    assert picture(portfolio, holding, found) == document


def test_cells_of_a_row_touch_and_fill_it(portfolio: FilePortfolio) -> None:
    holding, found = comparison(portfolio, [])
    root = ET.fromstring(picture(portfolio, holding, found))  # noqa: S314 - our own
    cells = [dict(each.attrib) for each in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert len({each["y"] for each in cells}) == len(VOLS) - 1
    top = [each for each in cells if each["y"] == cells[0]["y"]]
    for left, right in pairwise(top):
        assert float(left["x"]) + float(left["width"]) == pytest.approx(float(right["x"]), abs=0.11)


def test_what_moves_nothing_is_drawn_without_lines(tmp_path: Path) -> None:
    path = tmp_path / "flat.toml"
    path.write_text(FILE.replace("quantity = 1", "quantity = 0").replace("-0.25", "0"))
    flat = read_portfolio(path)
    holding, found = comparison(flat, MODELS.values())
    assert ET.fromstring(picture(flat, holding, found)) is not None  # noqa: S314 - our own
