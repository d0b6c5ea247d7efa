"""The command `validate`: what it prints, and how it ends."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from margingate_server.cli.app import app
from margingate_server.validating.case import Outcome, compared, skipped

GOOD = {
    "id": "naked_put",
    "underlying_class": "equity",
    "underlying": 95,
    "legs": [
        {"kind": "option", "side": "short", "right": "put", "strike": 80, "price": 2, "qty": 1}
    ],
    "account": "margin",
    "phase": "initial",
    "expected": {"requirement": 1000},
}
BAD = {**GOOD, "id": "wrong", "expected": {"requirement": 900}}
ODD = {**GOOD, "id": "odd", "underlying_class": "weather"}


def validate(tmp_path: Path, *documents: object) -> Result:
    files = []
    for at, content in enumerate(documents):
        files.append(tmp_path / f"cases{at}.json")
        files[-1].write_text(json.dumps(content))
    return CliRunner().invoke(app, ["validate", *map(str, files)])


def test_a_line_a_case_and_a_last_line_that_counts(tmp_path: Path) -> None:
    ran = validate(tmp_path, {"cboe_manual_page_pinned": [GOOD, ODD]})
    assert ran.exit_code == 0
    assert ran.stdout.splitlines() == [
        "PASS naked_put 1000 1000 0",
        "SKIP odd - - - unknown class weather",
        "1 passed, 0 failed, 1 skipped",
    ]


def test_a_case_that_comes_out_different_fails_the_command(tmp_path: Path) -> None:
    ran = validate(tmp_path, {"cboe_manual_page_pinned": [BAD, GOOD]})
    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[0] == "FAIL wrong 900 1000 0.111"
    assert ran.stdout.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_several_files_are_one_run(tmp_path: Path) -> None:
    documents = ({"cboe_manual_page_pinned": [GOOD]}, {"cboe_manual_page_pinned": [GOOD]})
    assert "2 passed" in validate(tmp_path, *documents).stdout


@pytest.mark.parametrize(
    "content", [{}, [], 3, "text", None, {"cases": 3}, {"legs": []}, {"pairing": [3]}]
)
def test_a_document_of_no_known_format_is_one_skip(tmp_path: Path, content: object) -> None:
    ran = validate(tmp_path, content)
    assert ran.exit_code == 0
    assert ran.stdout.splitlines() == [
        "SKIP cases0.json - - - no known format of cases",
        "0 passed, 0 failed, 1 skipped",
    ]


@pytest.mark.parametrize("text", ["{", "\xff", "[" * 100_000])
def test_a_file_that_is_no_json_is_a_usage_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cases.json"
    file.write_text(text, encoding="latin-1")
    ran = CliRunner().invoke(app, ["validate", str(file)])
    assert ran.exit_code == 2
    assert "is not JSON" in ran.stderr
    assert ran.stdout == ""


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["validate", str(tmp_path / "none.json")])
    assert ran.exit_code == 2
    assert "No such file" in ran.stderr


def test_models_that_are_not_built_are_skipped_by_name(tmp_path: Path) -> None:
    venues = [
        {"id": "one", "venue": "deribit", "model": "S:PM"},
        {"venue": "derive", "model": "standard"},
    ]
    derive = {"meta": {}, "pmrm2": [{"id": "two", "model": "derive_pmrm2"}], "srm": []}
    lines = validate(tmp_path, venues, derive).stdout.splitlines()
    assert lines == [
        "SKIP one - - - the model is not built: Deribit portfolio margin",
        "SKIP case_2 - - - the model is not built: Derive standard margin",
        "SKIP two - - - the model is not built: Derive portfolio margin, second version",
        "0 passed, 0 failed, 3 skipped",
    ]


def test_sections_of_several_formats_may_stand_in_one_document(tmp_path: Path) -> None:
    arrays = {"long_call": [-5, *[0] * 15], "expected": {"long_call_requirement": 5}}
    content = {
        "meta": {"what": "+ = profit of the long", "sources": [{"of": "all"}]},
        "more cases": [GOOD],
        "aggregation": arrays,
        "venues": [{"id": "one", "venue": "deribit"}],
        "of another kind": [{"legs": [], "expected": {"vega": 1}}],
        "units": {"USD": 1},
    }
    assert validate(tmp_path, content).stdout.splitlines() == [
        "PASS naked_put 1000 1000 0",
        "PASS aggregation/long_call_requirement 5 5 0",
        "SKIP one - - - the model is not built: Deribit portfolio margin",
        "SKIP of_another_kind - - - no known format of cases",
        "2 passed, 0 failed, 2 skipped",
    ]


def test_the_larger_tolerance_counts() -> None:
    ten, off = Fraction(10), Fraction("10.2")
    assert compared("a", ten, off).outcome is Outcome.FAIL
    assert compared("a", ten, off, tolerance=Fraction("0.2")).outcome is Outcome.PASS
    assert compared("a", ten, off, relative_tolerance=Fraction("0.02")).outcome is Outcome.PASS
    assert compared("a", ten, off, relative_tolerance=Fraction("0.019")).outcome is Outcome.FAIL


def test_of_an_expected_zero_the_difference_is_told() -> None:
    assert compared("a", Fraction(0), Fraction("0.5")).line == "FAIL a 0 0.5 0.5"
    assert skipped("a", "why").line == "SKIP a - - - why"
