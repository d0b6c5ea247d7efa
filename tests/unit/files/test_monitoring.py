"""When margin states are published, from a file: every mistake is named."""

from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.monitoring import parse_monitoring
from margingate_server.files.toml_tables import read_tables
from margingate_server.ledger.numbers import MonitoringNumbers
from margingate_server.service.margin_states import publishing_of

BUILT_IN = read_tables(None, "monitoring.toml")


def changed(table: str, key: str, value: object) -> dict[str, dict[str, object]]:
    tables = {name: dict(each) for name, each in BUILT_IN.items()}
    tables[table][key] = value
    return tables


def test_what_is_built_in_is_what_a_ledger_without_it_has() -> None:
    assert parse_monitoring(BUILT_IN) == MonitoringNumbers()


def test_fractions_and_seconds_become_whole_units() -> None:
    numbers = parse_monitoring(changed("warning", "margin_ratio", Decimal("0.850001")))
    assert numbers == MonitoringNumbers(ratio_ppm=850_001)
    numbers = parse_monitoring(changed("leaving", "dwell_seconds", Decimal("1.5")))
    assert publishing_of(numbers).leaving_ns == 1_500_000_000


@pytest.mark.parametrize(
    ("table", "key", "value", "field"),
    [
        ("warning", "margin_ratio", Decimal("1.1"), "monitoring.warning.margin_ratio"),
        ("warning", "margin_ratio", "0.8", "monitoring.warning.margin_ratio"),
        ("warning", "headroom", True, "monitoring.warning.headroom"),
        ("warning", "headroom", Decimal("NaN"), "monitoring.warning.headroom"),
        ("leaving", "equity_gap", Decimal("0.0000001"), "monitoring.leaving.equity_gap"),
        ("leaving", "equity_gap", -1, "monitoring.leaving.equity_gap"),
        ("unknown", "dwell_seconds", 86_401, "monitoring.unknown.dwell_seconds"),
        ("unknown", "dwell", 1, "monitoring.unknown.dwell"),
        *[
            ("warning", key, value, f"monitoring.warning.{key}")
            for key, value in (
                ("margin_ratio_to_leave", Decimal("0.9")),
                ("headroom_to_leave", Decimal("0.05")),
            )
        ],
    ],
)
def test_a_mistake_is_named(table: str, key: str, value: object, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_monitoring(changed(table, key, value))
    assert refused.value.field == field


def test_every_name_is_needed_and_no_other_is_known() -> None:
    for name, table in BUILT_IN.items():
        for key in table:
            lacking = {each: dict(BUILT_IN[each]) for each in BUILT_IN}
            del lacking[name][key]
            with pytest.raises(InvalidInput) as refused:
                parse_monitoring(lacking)
            assert (refused.value.field, refused.value.problem) == (
                f"monitoring.{name}.{key}",
                "is missing",
            )
    with pytest.raises(InvalidInput):
        parse_monitoring({**BUILT_IN, "other": {}})
