"""Files of what assets count: every mistake is named. [COL-01]"""

from decimal import Decimal
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.collateral import AssetTerms, PegTerms
from margingate_server.files.collateral import parse_collateral, read_collateral

USDC: dict[str, object] = {
    "haircut": Decimal("0.005"),
    "debt_haircut": 0,
    "cap": 1_000,
    "peg_threshold": Decimal("0.985"),
    "depeg_haircut": Decimal("0.1"),
}


def test_a_table_is_taken_as_it_says() -> None:
    coin = {"haircut": 0, "debt_haircut": Decimal("0.05")}
    assert parse_collateral({"USDC": USDC, "BTC": coin}).assets == {
        "BTC": AssetTerms(debt_haircut_ppm=50_000),
        "USDC": AssetTerms(
            haircut_ppm=5_000,
            cap=10**9,
            peg=PegTerms(threshold_nano=985_000_000, haircut_ppm=100_000),
        ),
    }


def test_what_comes_with_the_program_knows_coins_and_dollar_coins() -> None:
    assets = read_collateral(None).assets
    assert set(assets) == {"BTC", "ETH", "SOL", "USDC", "USDT"}
    assert {name for name, each in assets.items() if each.peg} == {"USDC", "USDT"}
    assert assets["BTC"] == assets["ETH"] == AssetTerms()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("haircut", each) for each in (Decimal("-0.000001"), 1, "0", True, Decimal("NaN"))),
        *(("haircut", each) for each in (Decimal("0.0000001"), Decimal("0.100001"))),
        *(("debt_haircut", each) for each in (Decimal("-0.000001"), Decimal("1.000001"))),
        *(("cap", each) for each in (-1, 5 * 10**12, Decimal("0.0000001"))),
        *(("peg_threshold", each) for each in (0, Decimal("1.000000001"))),
        *(("depeg_haircut", each) for each in (Decimal("0.004999"), 1)),
        ("floor", 1),
    ],
)
def test_what_is_out_of_bounds_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidInput) as wrong:
        parse_collateral({"USDC": {**USDC, name: value}})
    fields = {f"collateral.USDC.{name}"}
    if value == Decimal("0.100001"):
        fields = {"collateral.USDC.depeg_haircut"}
    assert wrong.value.field in fields


@pytest.mark.parametrize(
    ("name", "value"),
    [("haircut", Decimal("0.1")), ("debt_haircut", 1), ("depeg_haircut", Decimal("0.005"))],
)
def test_bounds_themselves_are_within(name: str, value: object) -> None:
    parse_collateral({"USDC": {**USDC, name: value}})


@pytest.mark.parametrize("name", ["haircut", "debt_haircut", "peg_threshold", "depeg_haircut"])
def test_what_is_missing_is_named(name: str) -> None:
    """The two of the peg belong together."""
    with pytest.raises(InvalidInput, match="is missing") as wrong:
        parse_collateral({"USDC": {key: each for key, each in USDC.items() if key != name}})
    assert wrong.value.field == f"collateral.USDC.{name}"


def test_dollars_have_no_terms() -> None:
    with pytest.raises(InvalidInput, match="always counts in full"):
        parse_collateral({"USD": {"haircut": 0, "debt_haircut": 0}})


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "collateral.toml"
    path.write_text("[SOL]\nhaircut = 0.25\ndebt_haircut = 0.3\n")
    assert read_collateral(path).assets == {
        "SOL": AssetTerms(haircut_ppm=250_000, debt_haircut_ppm=300_000)
    }
