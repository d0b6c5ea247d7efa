from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.registry import MODELS, model
from margingate_engine.models.span import SpanModel
from margingate_engine.models.span_parameters import SpanParameters
from tests.unit.engine.small_market import PARAMETERS


def parse(**changes: object) -> SpanParameters:
    return SpanParameters.from_mapping("BTC", {**PARAMETERS, **changes})


def digest(parameters: dict[str, SpanParameters]) -> str:
    return SpanModel(parameters).parameters_digest


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("price_scan_range", ("0.000001", "0.333333"), ("0", "-0.1", "1")),
        ("vol_scan_range", ("0", "5"), ("-0.000001", "5.000001")),
        ("vol_tenor_power", ("0", "1"), ("-0.000001", "1.000001")),
        ("vol_tenor_floor_days", ("1", "365"), ("0.999999", "366")),
        ("vol_floor_up", ("0", "5"), ("-0.000001", "5.000001")),
        ("extreme_multiple", ("1", "6.666666"), ("0.999999", "10.000001")),
        ("extreme_cover", ("0.000001", "1"), ("0", "1.000001")),
        ("look_ahead_days", ("0", "10"), ("-0.000001", "10.000001")),
        ("short_option_minimum", ("0", "0.999999"), ("-0.000001", "1")),
        ("basis_rate", ("0", "0.999999"), ("-0.000001", "1")),
        ("maintenance_fraction", ("0.000001", "1"), ("0", "1.000001")),
        ("collateral_haircut", ("0", "0.999999"), ("-0.000001", "1")),
    ],
)
def test_every_parameter_keeps_to_its_bounds_and_is_named_beyond_them(
    name: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    for text in inside:
        assert dict(parse(**{name: Decimal(text)}).items())[name] == text
    for text in outside:
        with pytest.raises(InvalidInput) as wrong:
            parse(**{name: Decimal(text)})
        assert wrong.value.field == f"BTC.{name}"


def test_the_extreme_move_may_not_reach_zero() -> None:
    with pytest.raises(InvalidInput) as wrong:
        parse(price_scan_range=Decimal("0.25"), extreme_multiple=Decimal(4))
    assert wrong.value.field == "BTC.extreme_multiple"


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_no_parameter_has_a_default(name: str) -> None:
    raw = {key: value for key, value in PARAMETERS.items() if key != name}
    with pytest.raises(InvalidInput, match="missing") as wrong:
        SpanParameters.from_mapping("BTC", raw)
    assert wrong.value.field == f"BTC.{name}"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a parameter") as wrong:
        parse(price_scan_rang=Decimal("0.15"))
    assert wrong.value.field == "BTC.price_scan_rang"


@pytest.mark.parametrize(
    "value", [True, 0.15, "0.15", None, Decimal("NaN"), Decimal("Infinity"), Decimal("0.1234567")]
)
def test_what_is_no_decimal_number_of_six_places_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput) as wrong:
        parse(price_scan_range=value)
    assert wrong.value.field == "BTC.price_scan_range"


def test_the_kind_of_vol_shift_is_one_of_two_words() -> None:
    assert dict(parse(vol_shift_kind="absolute").items())["vol_shift_kind"] == "absolute"
    with pytest.raises(InvalidInput) as wrong:
        parse(vol_shift_kind="both")
    assert wrong.value.field == "BTC.vol_shift_kind"


def test_the_digest_does_not_depend_on_order_or_spelling() -> None:
    backwards = dict(reversed(PARAMETERS.items()))
    spelled = {**PARAMETERS, "price_scan_range": Decimal("0.150"), "extreme_multiple": 3}
    one = digest({"BTC": parse(), "ETH": parse()})
    other = {
        "ETH": SpanParameters.from_mapping("ETH", backwards),
        "BTC": SpanParameters.from_mapping("BTC", spelled),
    }
    assert one == digest(other)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_the_digest_notices_every_parameter(name: str) -> None:
    other = {
        "vol_shift_kind": "absolute",
        "vol_tenor_floor_days": Decimal(8),
        "extreme_multiple": Decimal(2),
    }.get(name, Decimal("0.5"))
    extreme = {"extreme_multiple": Decimal(1)} if name == "price_scan_range" else {}
    assert digest({"BTC": parse(**extreme)}) != digest({"BTC": parse(**{name: other}, **extreme)})
    assert digest({"BTC": parse()}) != digest({"ETH": parse()})


def test_models_are_made_by_name() -> None:
    made = model("span", {"BTC": PARAMETERS})
    assert made.name == "span"
    assert made.parameters_digest == digest({"BTC": parse()})
    assert made.parameter_items()[0] == ("BTC", "basis_rate", "0.01")
    assert len(made.parameter_items()) == len(PARAMETERS)
    assert "span" in MODELS
    with pytest.raises(InvalidInput) as wrong:
        model("span2", {"BTC": PARAMETERS})
    assert wrong.value.field == "model"
