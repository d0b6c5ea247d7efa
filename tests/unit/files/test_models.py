"""Models from files: built in, given, or not available."""

from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.registry import MODELS
from margingate_engine.portfolio.margin_model import Regime
from margingate_server.files.models import has_built_in, read_models

CROSS = """
[SOL]
short_initial = 0.3
short_initial_minimum = 0.2
short_maintenance = 0.1
put_maintenance_of_mark = 0.1
future_initial = 0.04
future_initial_slope = 0.000005
future_maintenance = 0.02
future_maintenance_slope = 0.000005
collateral_haircut = 0
"""


def test_a_model_is_available_with_a_file_of_its_own_or_a_built_in_one() -> None:
    assert list(read_models({})) == [name for name in MODELS if has_built_in(name)]
    assert {"span", "cross"} <= set(read_models({}))


def test_the_built_in_models_belong_to_the_four_regimes() -> None:
    assert {each.regime for each in read_models({}).values()} == set(Regime)


def test_positions_have_wallets_under_isolated_alone() -> None:
    assert [name for name, each in read_models({}).items() if each.has_wallets] == ["isolated"]


def test_the_built_in_ratios_of_cross_are_for_btc_and_eth_and_wider_ones_for_sol() -> None:
    items = {
        (group, name): value for group, name, value in read_models({})["cross"].parameter_items()
    }
    assert {group for group, _ in items} == {"BTC", "ETH", "SOL"}
    assert items["BTC", "future_initial_slope"] == "0.00005"
    assert items["ETH", "future_initial_slope"] == "0.000004"
    assert {items[group, "short_maintenance"] for group in ("BTC", "ETH")} == {"0.075"}
    assert items["SOL", "short_maintenance"] == "0.1"


def test_a_file_that_is_given_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(CROSS)
    model = read_models({"cross": path, "span": None})["cross"]
    assert {group for group, _, _ in model.parameter_items()} == {"SOL"}


def test_what_is_wrong_is_named_with_its_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(CROSS.replace("= 0.04", "= 4"))
    with pytest.raises(InvalidInput) as refused:
        read_models({"cross": path})
    assert refused.value.field == "cross.SOL.future_initial"
    with pytest.raises(InvalidInput) as refused:
        read_models({"spam": path})
    assert refused.value.field == "model_parameters.spam"
    with pytest.raises(InvalidInput) as refused:
        read_models({"cross": tmp_path / "absent.toml"})
    assert refused.value.field.startswith("cross.")
