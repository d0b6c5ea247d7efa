"""TOML files of ours: numbers exact, mistakes named."""

from decimal import Decimal
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.registry import model
from margingate_server.files.toml_tables import read_tables


def test_numbers_with_a_point_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "span.toml"
    path.write_text("[BTC]\nprice_scan_range = 0.1\nextreme_multiple = 3\n")
    assert read_tables(path, "span.toml") == {
        "BTC": {"price_scan_range": Decimal("0.1"), "extreme_multiple": 3}
    }


def test_the_built_in_parameters_make_the_model() -> None:
    built_in = model("span", read_tables(None, "span.toml"))
    assert {underlying for underlying, _, _ in built_in.parameter_items()} == {"BTC", "ETH", "SOL"}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"[BTC", "span.toml"),
        (b"[BTC]\na = 1\na = 2\n", "span.toml"),
        (b"\xff\xfe", "span.toml"),
        (b"loose = 1\n", "loose"),
    ],
)
def test_what_is_no_file_of_ours_is_named(tmp_path: Path, text: bytes, field: str) -> None:
    path = tmp_path / "span.toml"
    path.write_bytes(text)
    with pytest.raises(InvalidInput) as refused:
        read_tables(path, "span.toml")
    assert refused.value.field == field


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_tables(tmp_path / "none.toml", "span.toml")
    assert "none.toml" in refused.value.problem
