"""`margingate compare`: what people see, and the exit codes of scripts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import types_pb2 as types
from margingate_server.cli.app import app
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer

FILE = """\
title = "Sold call"
about = "One 75,000 call sold."
[collateral]
USD = 100_000
[market.BTC]
index = 70_000
[[legs]]
underlying = "BTC"
kind = "option"
right = "call"
strike = 75_000
days = 30
vol = 0.5
quantity = -1
"""
CROSS = """\
[ETH]
short_initial = 0.15
short_initial_minimum = 0.10
short_maintenance = 0.075
put_maintenance_of_mark = 0.075
future_initial = 0.02
future_initial_slope = 0
future_maintenance = 0.01
future_maintenance_slope = 0
collateral_haircut = 0
"""


def compare(*words: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, words)])


def cells(result: Result, start: str) -> list[str]:
    (line,) = [each for each in result.stdout.splitlines() if each.strip().startswith(start)]
    return line.split()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sold.toml"
    path.write_text(FILE)
    return path


def test_a_file_is_shown_under_every_model_side_by_side(file: Path) -> None:
    result = compare("--portfolio", file)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    models = [each for line in lines if line[:1] == ["USD"] for each in line[1:]]
    assert models[:2] == ["span", "cross"]
    assert "tims" in models
    initial, used = (
        dict(zip(models, amounts, strict=True))
        for words in (["initial", "margin"], ["capital", "used"])
        for amounts in [[each for line in lines if line[:2] == words for each in line[2:]]]
    )
    # cross: 10 % of 70,000, and the mark, which has come in as premium.
    assert used["cross"] == "7,000.00"
    assert float(initial["cross"].replace(",", "")) > 7_000
    assert "BTC: each position for itself" in result.stdout
    assert "One 75,000 call sold." in result.stdout


def test_the_portfolios_that_come_with_the_program_fit_a_window_of_100() -> None:
    result = compare("--worked")
    assert result.exit_code == 0
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= 100


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    result = compare("--portfolio", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "No such file or directory" in result.stderr


def test_json_has_the_same_figures_unrounded(file: Path) -> None:
    result = compare("--portfolio", file, "--json")
    (portfolio,) = json.loads(result.stdout)["portfolios"]
    assert (portfolio["portfolio"], portfolio["title"]) == ("sold", "Sold call")
    cross = next(each for each in portfolio["regimes"] if each["model"] == "cross")
    assert float(cross["capital_used"]) == pytest.approx(7_000, abs=0.001)
    assert cross["worst"] == [{"group": "BTC", "words": "each position for itself"}]
    assert (cross["exactness"], cross["missing"]) == ("bound", "")


def test_what_entering_it_takes_stands_below(file: Path) -> None:
    """As the parameters that come with the program have it: 10 % of U, or all of U."""
    result = compare("--portfolio", file)
    margin, cash = (
        cells(result, f"deposit at entry, {kind} account")[5:] for kind in ("margin", "cash")
    )
    assert margin[:2] == ["7,000.00", "="]
    assert cash[1:-1] == ["=", "gross", "70,000.00", "less", "proceeds"]
    assert cash[-1] == margin[-1], "the mark"
    (portfolio,) = json.loads(compare("--portfolio", file, "--json").stdout)["portfolios"]
    by_model = {each["model"]: each["deposits"] for each in portfolio["regimes"]}
    assert [each["account"] for each in by_model["strategy"]] == ["margin", "cash"]
    assert float(by_model["strategy"][0]["deposit"]) == pytest.approx(7_000, abs=0.001)
    assert by_model["strategy"][0]["exactness"] == "exact"
    assert by_model["span"] == []


def test_a_parameter_file_takes_the_place_of_the_built_in_one(file: Path, tmp_path: Path) -> None:
    parameters = tmp_path / "cross.toml"
    parameters.write_text(CROSS)
    result = compare("--portfolio", file, "--parameters", f"cross={parameters}")
    assert result.exit_code == 0
    words = [line.split() for line in result.stdout.splitlines() if "has no parameters" in line]
    assert words == [["cross", "has", "no", "parameters", "for", "BTC", "30d", "75000", "call"]]


def test_a_picture_is_written_beside_the_table(file: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "out.svg"
    assert compare("--portfolio", file, "--picture", drawn).exit_code == 0
    assert drawn.read_text().startswith("<svg")
    nowhere = compare("--portfolio", file, "--picture", tmp_path / "no" / "out.svg")
    assert nowhere.exit_code == 1
    assert "margingate: No such file" in nowhere.stderr


def test_all_worked_portfolios_are_printed() -> None:
    result = compare("--worked", "--json")
    every = json.loads(result.stdout)["portfolios"]
    assert [each["title"] for each in every] == [
        "Short put spread",
        "Iron condor",
        "Long calendar",
        "Short straddle with futures",
        "Coins, covered and protected, and a condor",
        "The same options, coins held before",
    ]
    assert {row["missing"] for each in every for row in each["regimes"]} == {""}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--worked", "--account", "a"),
        ("--worked", "--portfolio", "p.toml"),
        ("--worked", "--picture", "p.svg"),
        ("--portfolio", "p.toml", "--picture", "p.png"),
        ("--account", "a", "--parameters", "span=s.toml"),
        ("--portfolio", "no-such-file.toml"),
        ("--worked", "--parameters", "none=s.toml"),
        ("--worked", "--parameters", "span"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: tuple[str, ...]) -> None:
    result = compare(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_a_mistake_of_a_file_is_named(file: Path) -> None:
    file.write_text(FILE.replace("days = 30", "days = 0"))
    result = compare("--portfolio", file)
    assert (result.exit_code, result.stderr) == (
        2,
        "margingate: legs[0].days must be above 0\n",
    )


def test_a_position_beyond_the_range_is_refused(file: Path) -> None:
    file.write_text(FILE.replace("quantity = -1", "quantity = -10_000_000_000_000"))
    result = compare("--portfolio", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "range of the risk integers" in result.stderr


def test_an_account_is_compared_by_its_server(run: Run, server: FakeServer) -> None:
    rules = types.Basis(model="strategy", market_version=42)
    server.answers(
        "CompareRegimes",
        accounts.CompareRegimesResponse(
            regimes=[
                accounts.RegimeMargin(
                    basis=answers.BASIS,
                    risk=answers.BEFORE,
                    net_option_value="-50",
                    capital_used="2500",
                    gain=0.75,
                    exactness=types.EXACTNESS_EXACT,
                    binding_component="scan_risk",
                    worst=[types.WorstScenario(group="BTC", scenario=1, description="price 0")],
                ),
                accounts.RegimeMargin(basis=rules, missing="SOL-PERPETUAL"),
            ]
        ),
    )
    ran = run("compare", "--account", "desk-1")
    assert ran.code == 0
    assert ran.row("USD") == ["USD", "span", "strategy"]
    assert ran.row("capital used") == ["capital", "used", "2,500.00", "–"]
    assert ran.row("gain")[-2:] == ["+75.0%", "–"]
    assert ran.row("span  ") == ["span", "scan", "risk", "BTC:", "price", "0"]
    assert ran.row("strategy has")[-1] == "SOL-PERPETUAL"
    assert ran.row("market version")[-1] == "42"
    assert server.asked("CompareRegimes") == [accounts.CompareRegimesRequest(account="desk-1")]
    server.answers("CompareRegimes", accounts.CompareRegimesResponse())
    assert json.loads(run("compare", "--account", "desk-1", "--json").out) == {
        "regimes": [],
        "stale": False,
    }
    assert "too old" not in ran.out
    server.answers("CompareRegimes", accounts.CompareRegimesResponse(stale=True))
    assert "too old to decide by" in run("compare", "--account", "desk-1").out


def test_a_server_says_what_entering_takes_too(run: Run, server: FakeServer) -> None:
    regime = accounts.RegimeMargin(
        basis=types.Basis(model="strategy"),
        risk=answers.BEFORE,
        margin_account_deposit=accounts.EntryDeposit(
            gross_requirement="1000",
            applied_proceeds="400",
            deposit="600",
            exactness=types.EXACTNESS_BOUND,
        ),
        cash_account_deposit=accounts.EntryDeposit(not_offered="BTC-PERPETUAL"),
    )
    server.answers("CompareRegimes", accounts.CompareRegimesResponse(regimes=[regime]))
    ran = run("compare", "--account", "desk-1")
    margin, cash = (
        " ".join(ran.row(f"deposit at entry, {kind} account")[5:]) for kind in ("margin", "cash")
    )
    assert margin == "600.00 = gross 1,000.00 less proceeds 400.00 (bound)"
    assert cash == "not offered with BTC-PERPETUAL"
