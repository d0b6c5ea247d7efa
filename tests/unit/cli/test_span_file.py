"""`margingate span`: what people and scripts see of published files. [SCC-29]"""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from margingate_server.cli.app import app
from tests.unit.files import pa2_text as pa2
from tests.unit.files import spn_text as spn
from tests.unit.files.test_spn import WHOLE

JUNE, JULY = "XYZ/NIFTY/FUT//20260630//", "XYZ/NIFTY/FUT//20260728//"
CALL = "XYZ/NIFTY/OOP/C/20260630/20260630/24000.00"


def span(*words: object) -> Result:
    return CliRunner().invoke(app, ["span", *map(str, words)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "made.spn"
    path.write_text(WHOLE, encoding="latin-1")
    return path


def positions(tmp_path: Path, *rows: tuple[str, object]) -> Path:
    path = tmp_path / "positions.csv"
    path.write_text("contract,quantity\n" + "".join(f"{key},{lots}\n" for key, lots in rows))
    return path


def margined(file: Path, *rows: tuple[str, object]) -> Any:
    """The portfolio's part of the JSON."""
    result = span(file, "--portfolio", positions(file.parent, *rows), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)["portfolio"]


def test_a_file_alone_tells_what_it_holds(file: Path) -> None:
    shown = span(file)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "2026-06-25, settlement" in shown.stdout
    (row,) = [line for line in shown.stdout.splitlines() if line.startswith(" NIFTY")]
    assert row.split()[:3] == ["NIFTY", "INR", "3"]
    facts = json.loads(span(file, "--json").stdout)
    assert facts["contracts"] == 3
    assert facts["commodities"][0]["account_types"] == ["H-customer"]


def test_contracts_are_listed_by_a_part_of_their_key(file: Path) -> None:
    assert span(file, "--contracts", "FUT").stdout.split() == [JUNE, JULY]
    assert json.loads(span(file, "--contracts", "/C/", "--json").stdout) == [CALL]


def test_a_calendar_of_futures_pays_the_spread_and_the_ratios_of_its_account(file: Path) -> None:
    """[SCC-29] 2 x 425; maintenance is 1.05 of it, initial 1.10 of that."""
    found = margined(file, (JUNE, 2), (JULY, -2))
    (nifty,) = found["commodities"]
    assert (nifty["scan_risk"], nifty["calendar_charge"], nifty["risk"]) == ("0", "850", "850")
    assert nifty["margins"] == {"H-customer": {"initial": "981.75", "maintenance": "892.5"}}
    (total,) = found["totals"]
    assert (total["currency"], total["initial"]) == ("INR", "981.75")


def test_risks_of_price_time_and_vol_sum_to_the_loss_of_the_active_point(file: Path) -> None:
    """[SCC-29] The long call loses 5 in time and 150 in price in points 13 and 14."""
    (nifty,) = margined(file, (CALL, 1))["commodities"]
    assert (nifty["scan_risk"], nifty["active_scenario"]) == ("155", 13)
    assert (nifty["price_risk"], nifty["time_risk"], nifty["vol_risk"]) == ("150", "5", "0")
    assert (nifty["net_option_value"], nifty["net"]) == ("260.05", "-105.05")
    assert nifty["weighted_price_risk"] == "300"


def test_the_net_is_floored_when_asked(file: Path) -> None:
    asked = (file, "--portfolio", positions(file.parent, (CALL, 1)), "--json")
    (nifty,) = json.loads(span(*asked, "--floor-net").stdout)["portfolio"]["commodities"]
    assert nifty["net"] == "0"


def test_lines_of_one_contract_are_one_position(file: Path) -> None:
    """[SCC-29] Long and short of an option are no short."""
    assert margined(file, (CALL, 3), (CALL, -5)) == margined(file, (CALL, -2))
    (nifty,) = margined(file, (CALL, 3), (CALL, -5))["commodities"]
    assert nifty["short_option_minimum"] == "25"
    assert margined(file, (CALL, 1), (CALL, -1))["commodities"] == []


def test_the_table_has_the_figures_of_the_json(file: Path) -> None:
    shown = span(file, "--portfolio", positions(file.parent, (JUNE, 2), (JULY, -2)))
    rows = [line.split() for line in shown.stdout.splitlines() if line.startswith(" NIFTY")]
    assert rows[0][:3] == ["NIFTY", "INR", "4"]
    assert {"850.00"} <= set(rows[0])
    assert rows[1][-2:] == ["981.75", "892.50"]


def test_contracts_without_requirement_are_named_and_the_exit_code_says_so(file: Path) -> None:
    """[SCC-29]"""
    path = positions(file.parent, (JUNE, 1), ("XYZ/NIFTY/FUT//20991231//", 1))
    result = span(file, "--portfolio", path)
    assert result.exit_code == 1
    assert "XYZ/NIFTY/FUT//20991231//" in result.stdout
    found = json.loads(span(file, "--portfolio", path, "--json").stdout)["portfolio"]
    assert list(found["without_requirement"]) == ["XYZ/NIFTY/FUT//20991231//"]
    assert [each["code"] for each in found["commodities"]] == ["NIFTY"]


def test_a_refused_commodity_is_named_with_its_reason(tmp_path: Path) -> None:
    """[SCC-29] Its contracts have no requirement."""
    path = tmp_path / "refused.spn"
    path.write_text(WHOLE.replace("<procMeth>NORMAL", "<procMeth>NOVEL"), encoding="latin-1")
    shown = span(path)
    assert "NOVEL" in shown.stdout
    result = span(path, "--portfolio", positions(tmp_path, (JUNE, 1)), "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert "NOVEL" in found["portfolio"]["without_requirement"][JUNE]
    assert found["commodities"] == []


def test_positional_files_are_read_by_their_suffix(tmp_path: Path) -> None:
    path = tmp_path / "made.pa2"
    losses = [-third * 100 for third in spn.POINTS]
    path.write_text(
        "\n".join(
            (
                pa2.HEADER,
                pa2.definition("SM", ("SM", "FUT")),
                pa2.tiers("SM"),
                pa2.scanning("SM"),
                pa2.delivery("SM"),
                pa2.calculation("SM", "FUT", "202509"),
                pa2.quotation("SM", "FUT", valuation="FUT"),
                pa2.arrays("SM", "FUT", "202509", losses),
            )
        ),
        encoding="latin-1",
    )
    (key,) = span(path, "--contracts", "SM").stdout.split()
    (found,) = margined(path, (key, 3))["commodities"]
    assert (found["code"], found["scan_risk"]) == ("SM", "900")
    assert set(found["margins"]) == {"member", "hedger", "speculator"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "positions.csv must name contract and quantity"),
        ("contract,lots\n", "positions.csv must name contract and quantity"),
        (f"contract,quantity\n{JUNE},1.5\n", "positions.csv:2 quantity must be whole lots"),
        (f"contract,quantity\n{JUNE},1\n\n{JUNE}\n", "positions.csv:4 quantity must be"),
        (f"contract,quantity\n{JUNE},1000000001\n", "positions.csv:2 quantity"),
        ("contract,quantity\n,1\n", "positions.csv:2 has no contract"),
    ],
)
def test_a_mistake_in_the_portfolio_is_told_with_its_line(
    file: Path, text: str, place: str
) -> None:
    path = file.parent / "positions.csv"
    path.write_text(text)
    result = span(file, "--portfolio", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"margingate: {place}")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.spn", "<spanFile>", "is not XML"),
        (
            "a.spn",
            WHOLE.replace("260.05", "much"),
            "series[20260630]/opt[C 24000.00]/p is not a number",
        ),
        ("a.pa2", "0 nothing", "line 1"),
        ("a.txt", WHOLE, "must end in .spn, .xml, .pa2"),
    ],
)
def test_a_damaged_file_is_told_with_the_place(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="latin-1")
    result = span(path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"margingate: {path}: ")
    assert problem in result.stderr


@pytest.mark.parametrize("name", ["none.spn", "none.pa2"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    result = span(tmp_path / name)
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


def test_quantities_beyond_the_integers_are_refused(file: Path) -> None:
    rows = [(JUNE, 10**9)] * 20_000
    result = span(file, "--portfolio", positions(file.parent, *rows))
    assert result.exit_code == 2
    assert f"{JUNE} lots is out of range" in result.stderr


def test_large_files_tell_how_far_they_are(tmp_path: Path) -> None:
    path = tmp_path / "large.spn"
    path.write_text("".join(spn.many_options(20, 9, 40)), encoding="latin-1")
    assert path.stat().st_size > 4_000_000
    told = span(path, "--json").stderr.splitlines()
    assert [line.split()[1] for line in told] == [str(10 * n) for n in range(1, 11)]
