"""Expanded positional SPAN files: what is read, and how mistakes are named."""

from pathlib import Path
from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.kinds import InterMethod, MinimumMethod, PriceRiskMethod
from margingate_engine.models.span_cc.requirement import initial_and_maintenance, requirements
from margingate_engine.models.span_cc.totals import CommodityTotals, Right
from margingate_server.files.pa2 import read_pa2
from margingate_server.files.span_file import SpanFile
from tests.unit.files import pa2_text as pa2

MICRO = 10**6
LOSSES = [
    0,
    0,
    -567,
    -567,
    567,
    567,
    -1133,
    -1133,
    1133,
    1133,
    -1700,
    -1700,
    1700,
    1700,
    -1683,
    1683,
]
PARTS = {
    "0": pa2.HEADER,
    "T": "T CLPCUSD$0000001063",
    "1": "1 CBT  01",
    "2": pa2.definition("06", ("06", "FUT"), ("06", "OOF")),
    "3": pa2.tiers("06", (202507, 202507), (202508, 202512)),
    "S": pa2.scanning("06"),
    "C": pa2.tier_spread("06", 1, 100, "0101A0202B"),
    "E": pa2.series_spread("06", 2, 70, ("2508", 1, "A"), ("2509", 2, "B")),
    "4": pa2.delivery("06", (202507, 3, 40)),
    "B1": pa2.calculation("06", "FUT", "202507"),
    "B2": pa2.calculation("06", "FUT", "202508", scan_range=1_500),
    "B3": pa2.calculation("06", "OOF", "202507", "202507", scaling=0.5),
    "P": pa2.quotation("06", "OOF"),
    "F1": pa2.arrays("06", "FUT", "202507", LOSSES),
    "F2": pa2.arrays("06", "FUT", "202508", LOSSES),
    "O": pa2.arrays(
        "06", "OOF", "202507", LOSSES, 0.25, option="202507", right="C", strike=145, price=139_100
    ),
}


def text(**changes: str) -> str:
    return "\r\n".join({**PARTS, **changes}.values()) + "\r\n"


def read(tmp_path: Path, content: str) -> SpanFile:
    path = tmp_path / "made.pa2"
    path.write_text(content, encoding="latin-1", newline="")
    return read_pa2(path, net_is_floored=False)


def test_published_arrays_and_deltas_are_read(tmp_path: Path) -> None:
    """[SCC-18, SCC-20]"""
    found = read(tmp_path, text())
    assert (found.business_date, found.is_settlement, found.refused) == (20250620, True, {})
    future = found.contracts.risk("CBT/06/FUT//20250700//")
    assert list(future.loss_s) == [loss * MICRO for loss in LOSSES]
    assert (future.delta_nano, future.period, future.right) == (10**9, 20250700, None)
    option = found.contracts.risk("CBT/06/OOF/C/20250700/20250700/145")
    assert (option.delta_nano, option.right) == (125_000_000, Right.CALL)
    assert option.option_value == 13_910 * MICRO


def test_every_record_comes_to_its_parameter(tmp_path: Path) -> None:
    """[SCC-20]"""
    (meal,) = read(tmp_path, text()).parameters.commodities
    items = dict(meal.items())
    assert items["tiers[1].last"] == "20251299"
    assert (meal.price_risk_method, meal.price_scan_range) == (PriceRiskMethod.CAP, 1_500)
    assert (meal.minimum_method, meal.minimum_rates[0].rate) == (MinimumMethod.MAX, 17)
    assert [spread.priority for spread in meal.spreads] == [1, 2]
    assert [leg.ratio for leg in meal.spreads[0].legs] == [1, 2]
    assert [leg.period for leg in meal.spreads[1].legs] == [20250800, 20250900]
    assert (meal.spot_rates[0].spread_rate, meal.spot_rates[0].outright_rate) == (3, 40)
    assert initial_and_maintenance(meal, 1_000, "member") == (1_050, 1_050)
    assert initial_and_maintenance(meal, 1_000, "speculator") == (1_100, 1_000)


def test_what_is_read_can_be_margined(tmp_path: Path) -> None:
    """[SCC-20] One July against two August at 100, delivery of the July one at 3."""
    found = read(tmp_path, text())
    july, august = (found.contracts.risk(f"CBT/06/FUT//2025{month}00//") for month in ("07", "08"))
    totals = CommodityTotals.of([(july, 1), (august, -2)])
    risk = requirements(found.parameters, {"06": totals})["06"]
    assert (risk.scan, risk.calendar, risk.spot) == (1_700 * MICRO, 100 * MICRO, 3 * MICRO)


@pytest.mark.parametrize(("how", "method"), [(" ", "gross"), ("2", "gross"), ("1", "max")])
def test_codes_of_the_short_option_minimum(tmp_path: Path, how: str, method: str) -> None:
    """[SCC-20]"""
    (meal,) = read(tmp_path, text(**{"4": pa2.delivery("06", how=how)})).parameters.commodities
    assert meal.minimum_method.value == method


def test_arrays_of_eight_digits_are_read(tmp_path: Path) -> None:
    """[SCC-20]"""
    wide = pa2.arrays("06", "FUT", "202507", [10 * loss for loss in LOSSES], -1, width=8)
    risk = read(tmp_path, text(F1=wide)).contracts.risk("CBT/06/FUT//20250700//")
    assert (risk.loss_s[12], risk.delta_nano) == (17_000 * MICRO, -(10**9))


def test_exponent_and_locator_place_the_point(tmp_path: Path) -> None:
    """[SCC-20] Hundreds, and one decimal place of array values."""
    changed = pa2.definition("06", ("06", "FUT"), ("06", "OOF"), exponent="2", locator="1+")
    found = read(tmp_path, text(**{"2": changed}))
    assert found.contracts.risk("CBT/06/FUT//20250700//").loss_s[12] == 17_000 * MICRO
    assert found.parameters.commodities[0].spreads[0].rate == 10_000


def test_days_make_periods_of_their_own(tmp_path: Path) -> None:
    """[SCC-20]"""
    day = pa2.arrays("06", "FUT", "20250715", LOSSES)
    found = read(tmp_path, text(F1=day, B1=pa2.calculation("06", "FUT", "20250715")))
    assert found.contracts.risk("CBT/06/FUT//20250715//").period == 20250715


def test_futures_style_options_have_no_value(tmp_path: Path) -> None:
    """[SCC-13, SCC-20]"""
    found = read(tmp_path, text(P=pa2.quotation("06", "OOF", "FUT")))
    assert found.contracts.risk("CBT/06/OOF/C/20250700/20250700/145").option_value == 0


def two(**changes: str) -> str:
    """A second commodity beside the first, and a spread between the two."""
    second = {
        "2b": pa2.definition("17", ("17", "FUT")),
        "6": pa2.inter(1, 80, ("06", 2, "A"), ("17", 1, "B")),
    }
    return text(**{**second, **changes})


def test_delta_spreads_are_read(tmp_path: Path) -> None:
    """[SCC-20] Rates are percentages."""
    (spread,) = read(tmp_path, two()).parameters.inter_spreads
    assert (spread.method, [leg.ratio for leg in spread.legs]) == (InterMethod.DELTA, [2, 1])
    assert [float(leg.credit_rate) for leg in spread.legs] == [0.8, 0.8]


def test_the_target_of_a_scanning_spread_is_one_more_leg(tmp_path: Path) -> None:
    """[SCC-20]"""
    third = pa2.definition("26", ("26", "FUT"))
    changed = pa2.inter(
        1, 98, ("06", 2, "A"), ("17", 1, "B"), method="04", target="26", target_ratio=3
    )
    (spread,) = read(tmp_path, two(**{"2c": third, "6": changed})).parameters.inter_spreads
    assert (spread.method, spread.target, spread.target_ratio) == (InterMethod.SCANNING, "26", 3)
    assert [leg.commodity for leg in spread.legs] == ["06", "17", "26"]


def between(**more: Any) -> str:
    return pa2.inter(1, 80, ("06", 1, "A"), ("17", 1, "B"), **more)


@pytest.mark.parametrize(
    ("changes", "subject", "reason"),
    [
        ({"S": pa2.scanning("06", "10")}, "06", "apart"),
        ({"S": pa2.scanning("06", "30")}, "06", "short option minimums"),
        ({"S": pa2.scanning("06", "99")}, "06", "99"),
        ({"S": pa2.scanning("06", "20")}, "spread 1", "tiers apart"),
        ({"3": pa2.tiers("06", method="05"), "C": "T "}, "06", "05"),
        ({"4": pa2.delivery("06", method="11")}, "06", "11"),
        ({"C": pa2.tier_spread("06", 1, 1, "", method="20")}, "06", "20"),
        ({"P": pa2.quotation("06", "OOF", alignment="K ")}, "CBT/06/OOF", "fractions"),
        ({"2": pa2.definition("06", ("06", "FUT"))}, "CBT/06/OOF", "in no combined"),
        ({"6": between(method="10")}, "spread 1", "10"),
        ({"6": between(method="20")}, "spread 1", "20"),
        ({"6": pa2.inter(1, 80, ("06", 1, "A"), ("99", 1, "B"))}, "spread 1", "99 is not"),
        ({"6": between(rest=((101, "F"),))}, "spread 1", "weighted"),
        ({"6": between(rest=((110, "S"),))}, "spread 1", "before"),
        ({"6": between(rest=((102, "0102"),))}, "spread 1", "tiers"),
        ({"6": between(rest=((151, "H"),))}, "spread 1", "account"),
    ],
)  # fmt: skip
def test_what_the_algorithm_has_not_is_refused_by_name(
    tmp_path: Path, changes: dict[str, str], subject: str, reason: str
) -> None:
    """[SCC-18, SCC-20]"""
    found = read(tmp_path, two(**changes))
    assert reason in found.refused[subject]
    if subject == "spread 1":
        assert found.parameters.inter_spreads == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"0": "T "}, "line 1 (T), columns 1-2"),
        ({"0": pa2.HEADER.replace("U2", "UP")}, "line 1 (0), columns 36-37"),
        ({"T": pa2.HEADER}, "line 2 (0), columns 1-2"),
        ({"T": "Q unknown"}, "line 2 (Q), columns 1-2"),
        ({"2": PARTS["2"].replace("USD", "   ")}, "line 4 (2), columns 14-16"),
        ({"2": "T "}, "line 5 (3), columns 3-8"),
        ({"3": PARTS["3"].replace("202508202512", "202513202512")}, "line 5 (3), columns 27-32"),
        ({"3": PARTS["3"].replace("202508202512", "202508202507")}, "line 5 (3), last"),
        ({"3": pa2.tiers("06", (202507, 202509), (202508, 202512))}, "line 4 (06), tiers"),
        ({"S": pa2.scanning("06", risk="7")}, "line 6 (S), columns 83-83"),
        ({"C": pa2.tier_spread("06", 1, 1, "0101A0902B")}, "line 4 (06), spreads[0].legs[1].tier"),
        ({"C": pa2.tier_spread("06", 1, 1, "0101A0202X")}, "line 7 (C), columns 35-35"),
        ({"C": pa2.tier_spread("06", 1, 1, "0101A")}, "line 7 (C), legs"),
        ({"E": PARTS["E"].replace("2508", "2513")}, "line 8 (E), columns 21-24"),
        ({"4": pa2.delivery("06", how="3")}, "line 9 (4), columns 79-79"),
        ({"B1": "T "}, "line 15 (82), columns 3-54"),
        ({"P": "T "}, "line 19 (82), columns 6-15"),
        ({"F1": PARTS["F1"].split("\n")[0]}, "line 14 (81), columns 1-2"),
        ({"F1": PARTS["F1"].split("\n")[1]}, "line 14 (82), columns 1-2"),
        ({"F1": PARTS["F1"].replace("\n82CBT06", "\n82CBT07")}, "line 15 (82), columns 3-54"),
        ({"F1": PARTS["F1"].replace("00567-", "005x7-", 1)}, "line 14 (81), columns 67-71"),
        ({"F1": PARTS["F1"].replace("00567-", "00567?", 1)}, "line 14 (81), columns 72-72"),
        ({"F1": PARTS["F2"]}, "line 17 (82), columns 3-54"),
        ({"O": PARTS["O"].replace("OOFC", "OOF ")}, "line 18 (81), columns 29-29"),
        ({"O": PARTS["O"].split("\n")[0]}, "line 18 (81), columns 1-2"),
        ({"O": "5" * 2000}, "line 18"),
    ],
)
def test_what_is_malformed_is_named_by_line_and_columns(
    tmp_path: Path, changes: dict[str, str], field: str
) -> None:
    """[SCC-18, SCC-20]"""
    with pytest.raises(InvalidInput) as wrong:
        read(tmp_path, text(**changes))
    assert wrong.value.field == field


@pytest.mark.parametrize("content", ["", "\n\n", "\x00\x01\x02", "<spanFile/>"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(InvalidInput, match="line 1"):
        read(tmp_path, content)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_pa2(tmp_path / "none.pa2", net_is_floored=False)
