"""`margingate backtest`: what people see, and the exit codes of scripts."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from margingate_server.cli.app import app
from tests.unit.backtesting.series import closes, vols

SHORT = ("--lookback", "120", "--confidence", "0.95")
PORTFOLIOS = """\
[long]
legs = [{ underlying = "BTC", notional = 1000 }]
[put]
legs = [{ underlying = "BTC", notional = -9, right = "put", moneyness = 0.9, tenor_days = 20 }]
[spread]
legs = [{ underlying = "BTC", notional = 1 }, { underlying = "ETH", notional = -1 }]
"""


def backtest(*words: object) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, words)])


def written(path: Path, series: Mapping[date, float]) -> Path:
    path.write_text("date,close\n" + "".join(f"{day},{close}\n" for day, close in series.items()))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Options that name what every test needs."""
    prices = written(tmp_path / "btc.csv", closes(1, 200))
    portfolios = tmp_path / "portfolios.toml"
    portfolios.write_text(PORTFOLIOS)
    return ("--prices", f"BTC={prices}", "--portfolios", str(portfolios), *SHORT)


def test_a_row_for_each_portfolio_and_method_and_what_was_left_out(
    files: tuple[str, ...],
) -> None:
    result = backtest(*files)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split()[:2] for line in result.stdout.splitlines() if line.startswith(" long")]
    assert rows == [["long", "historical"], ["long", "filtered"]] * 2
    assert result.stdout.startswith("95.00 % var, horizon 1 d, look-back 120 d")
    assert "left out: no vols of BTC" in result.stdout
    assert "left out: no prices of ETH" in result.stdout


def test_vols_bring_options_in_and_json_has_the_same_figures(
    files: tuple[str, ...], tmp_path: Path
) -> None:
    dvol = written(tmp_path / "dvol.csv", vols(2, 200))
    result = backtest(*files, "--vols", f"BTC={dvol}", "--method", "student_t", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert [track["portfolio"] for track in found["tracks"]] == ["long", "put"]
    assert found["left_out"] == {"spread": "prices of ETH"}
    first = found["tracks"][0]
    assert (first["method"], first["steps"]) == ("student_t", 79)
    assert first["expected"] == pytest.approx(79 * 0.05)
    assert set(first["kupiec"]) == {"statistic", "p_value"}


@pytest.mark.parametrize(("name", "begins"), [("a.html", "<!doctype html>"), ("a.svg", "<svg ")])
def test_a_picture_is_drawn_beside_the_figures(
    files: tuple[str, ...], tmp_path: Path, name: str, begins: str
) -> None:
    result = backtest(*files, "--method", "filtered", "--picture", tmp_path / name)
    assert (result.exit_code, result.stderr) == (0, "")
    text = (tmp_path / name).read_text("utf-8")
    assert text.startswith(begins)
    assert ("Kupiec" in text) == name.endswith("html")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--confidence", "1.5"), "confidence must lie in [0.9, 0.9999]"),
        (("--set", "seed=half"), "seed must be a number"),
        (("--set", "luck=1"), "luck is not a parameter of var"),
        (("--lookback", "5000"), "prices have 200 dates in common"),
        (("--prices", "ETH=absent.csv"), "absent.csv cannot be read as CSV"),
        (("--prices", "ETH"), "is not NAME=VALUE"),
        (("--prices", "BTC=twice.csv"), "BTC is given twice"),
        (("--picture", "a.png"), "must end in .html or .svg"),
        (("--portfolios", "absent.toml"), "cannot read absent.toml: No such file"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(
    files: tuple[str, ...], words: tuple[str, ...], said: str
) -> None:
    result = backtest(*files, *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_a_picture_that_cannot_be_written_is_said_after_the_figures(
    files: tuple[str, ...], tmp_path: Path
) -> None:
    result = backtest(*files, "--method", "historical", "--picture", tmp_path / "no" / "a.svg")
    assert result.exit_code == 1
    assert "No such file" in result.stderr
    assert "Kupiec" in result.stdout
