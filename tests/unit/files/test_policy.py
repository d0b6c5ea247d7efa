"""Policy files: every mistake is named."""

from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.times import DAY_NS
from margingate_server.files.policy import parse_liquidation_orders, parse_policy
from margingate_server.files.toml_tables import read_document
from margingate_server.ledger.numbers import QualificationNumbers

BUILT_IN = read_document(None, "policy.toml")
TABLE: dict[str, object] = {
    "equity_to_enter": 100_000,
    "equity_to_remain": Decimal("75000.5"),
    "experience_tier_min": 2,
    "kinds": ["option", "future"],
    "underlyings": ["BTC"],
    "grace_days": Decimal("0.5"),
    "fallback": "cross",
    "liquidation_grace_days": 1,
}


def test_a_table_is_taken_as_it_says() -> None:
    assert parse_policy({"span": TABLE}) == (
        QualificationNumbers(
            model="span",
            equity_to_enter=100_000_000_000,
            equity_to_remain=75_000_500_000,
            experience_tier_min=2,
            kinds=("future", "option"),
            underlyings=("BTC",),
            grace_ns=DAY_NS // 2,
            fallback="cross",
            liquidation_grace_ns=DAY_NS,
        ),
    )


def test_what_comes_with_the_program_asks_accounts_that_open_for_nothing() -> None:
    asked = {each.model: each for each in parse_policy(BUILT_IN)}
    assert asked[""] == QualificationNumbers(model="")
    assert asked["span"].equity_to_enter == 100_000_000_000
    assert asked["span"].fallback == "cross"
    assert set(asked) == {"", "span", "span_cc", "tims", "var"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("equity_to_enter", -1),
        ("equity_to_enter", True),
        ("equity_to_enter", "100000"),
        ("equity_to_enter", Decimal("0.0000001")),
        ("equity_to_enter", Decimal("NaN")),
        ("equity_to_enter", 10**15),
        ("equity_to_remain", 100_001),
        ("experience_tier_min", 10),
        ("experience_tier_min", Decimal("1.5")),
        ("kinds", "option"),
        ("kinds", ["swap"]),
        ("kinds", ["option", "option"]),
        ("underlyings", [5]),
        ("underlyings", [""]),
        ("grace_days", 367),
        ("fallback", ""),
        ("fallback", "span"),
        ("fallback", 5),
        ("liquidation_grace_days", -1),
    ],
)
def test_what_is_wrong_is_refused_by_its_dotted_name(name: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_policy({"span": {**TABLE, name: value}})
    assert refused.value.field == f"policy.span.{name}"


def test_missing_and_unknown_names_are_refused_and_so_is_an_unknown_model() -> None:
    for name in TABLE:
        with pytest.raises(InvalidInput) as refused:
            parse_policy({"span": {key: TABLE[key] for key in TABLE if key != name}})
        assert refused.value.field == f"policy.span.{name}"
    with pytest.raises(InvalidInput) as refused:
        parse_policy({"span": {**TABLE, "grace": 5}})
    assert refused.value.field == "policy.span.grace"
    with pytest.raises(InvalidInput) as refused:
        parse_policy({"spam": TABLE})
    assert refused.value.field == "policy.spam"


def test_orders_of_an_account_in_liquidation_pass_unless_it_is_left_to_liquidators() -> None:
    """[MON-11]"""
    assert parse_liquidation_orders(BUILT_IN) == "risk_reducing"
    assert parse_liquidation_orders({}) == "risk_reducing"
    assert parse_liquidation_orders({"liquidation_orders": "none", "span": TABLE}) == "none"
    for wrong in ("all", "", 5, {}):
        with pytest.raises(InvalidInput) as refused:
            parse_liquidation_orders({"liquidation_orders": wrong})
        assert refused.value.field == "policy.liquidation_orders"


def test_what_is_no_table_is_no_regime() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_policy({"liquidation_orders": "none", "span": 5})
    assert (refused.value.field, refused.value.problem) == ("policy.span", "must be a table")
