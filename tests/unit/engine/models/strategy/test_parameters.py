"""Parameters of rules-based margin: what is refused, and the text that a digest is taken of."""

from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.parameters import StrategyParameters
from tests.reference.strategy_books import parameters

RULE = {"strategy": "conversion", "basis": "short_itm", "ratio": Decimal(1)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"option_initial_ratio": Decimal("1.1")}, "BTC.option_initial_ratio"),
        ({"option_initial_ratio": Decimal("0.0000001")}, "BTC.option_initial_ratio"),
        ({"option_maintenance_ratio": Decimal("0.21")}, "BTC.option_maintenance_ratio"),
        ({"spot_maintenance_ratio": Decimal("0.6")}, "BTC.spot_maintenance_ratio"),
        ({"leverage": Decimal(0)}, "BTC.leverage"),
        ({"leverage": 1.5}, "BTC.leverage"),
        ({"leverage": True}, "BTC.leverage"),
        ({"leverage": Decimal("NaN")}, "BTC.leverage"),
        ({"leverag": Decimal(1)}, "BTC.leverag"),
        ({"exercise": "bermudan"}, "BTC.exercise"),
        ({"exercise": ["american"]}, "BTC.exercise"),
        ({"secured_call": 3}, "BTC.secured_call"),
        ({"house_rules": {}}, "BTC.house_rules"),
        ({"house_rules": [{"strategy": "conversion"}]}, "BTC.house_rules"),
        ({"house_rules": [{**RULE, "strategy": "spread"}]}, "BTC.house_rules.strategy"),
        ({"house_rules": [{**RULE, "strategy": "future"}]}, "BTC.house_rules.strategy"),
        ({"house_rules": [{**RULE, "basis": "weather"}]}, "BTC.house_rules.basis"),
        ({"house_rules": [{**RULE, "ratio": Decimal(-1)}]}, "BTC.house_rules.ratio"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], field: str) -> None:
    """[STR-12]"""
    with pytest.raises(InvalidInput) as refused:
        parameters(**change)
    assert refused.value.field == field


def test_none_has_a_default() -> None:
    with pytest.raises(InvalidInput, match="is missing"):
        StrategyParameters.from_mapping("BTC", {})


def test_the_text_is_the_same_whatever_the_order_and_the_digits() -> None:
    other = {**RULE, "basis": "underlying", "ratio": Decimal("0.10")}
    one = parameters(leverage=Decimal("1.0"), house_rules=[RULE, other])
    two = parameters(leverage=1, house_rules=[other, RULE])
    assert one.items() == two.items()
    assert ("leverage", "1") in one.items()
    assert (
        "house_rules",
        "conversion:short_itm:1,conversion:underlying:0.1",
    ) in one.items()
    assert one.items() != parameters(leverage=Decimal(2)).items()
