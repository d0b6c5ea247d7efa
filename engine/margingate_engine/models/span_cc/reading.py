"""Parameters from nested tables of a file, mistakes named by their dotted path."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.calendar_parameters import (
    AccountRatio,
    CalendarSpread,
    MinimumRate,
    SpotRate,
    SpreadLeg,
    Tier,
)
from margingate_engine.models.span_cc.inter_parameters import InterLeg, InterSpread
from margingate_engine.models.span_cc.kinds import (
    ChargeMethod,
    InterMethod,
    MinimumMethod,
    PriceRiskMethod,
    Side,
)
from margingate_engine.models.span_cc.parameters import CombinedCommodity, SpanCcParameters

PartT = TypeVar("PartT")
ChoiceT = TypeVar("ChoiceT", bound=Enum)
Reader = Callable[[str, object], Any]


def from_mapping(raw: Mapping[str, object]) -> SpanCcParameters:
    """Parameters from tables `commodities` and `inter_spreads`; InvalidInput with the path."""
    return _part(SpanCcParameters, _PARAMETERS)("", raw)  # type: ignore[no-any-return]


def number(path: str, value: object) -> Decimal:
    """An exact number; InvalidInput for floats, texts and truth values."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise InvalidInput(path, "must be a number")
    return Decimal(value)


def whole(path: str, value: object) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(path, "must be a whole number")
    return value


def text(path: str, value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidInput(path, "must be a text")
    return value


def truth(path: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidInput(path, "must be true or false")
    return value


def _choice(kind: type[ChoiceT]) -> Callable[[str, object], ChoiceT]:
    def read(path: str, value: object) -> ChoiceT:
        try:
            return kind(value)
        except ValueError:
            names = ", ".join(str(each.value) for each in kind)
            raise InvalidInput(path, f"must be one of {names}") from None

    return read


def _several(reader: Reader) -> Reader:
    def read(path: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise InvalidInput(path, "must be a list")
        return tuple(reader(f"{path}[{index}]", entry) for index, entry in enumerate(value))

    return read


def _part(
    kind: type[PartT], readers: Mapping[str, Reader], optional: Mapping[str, Reader] | None = None
) -> Reader:
    """Reader of a table into a parameter class. optional: names that are None where absent."""
    may_lack = optional or {}
    every = {**readers, **may_lack}
    assert {each.name for each in fields(kind)} == set(every), "every parameter has a reader"  # type: ignore[arg-type]

    def read(path: str, raw: object) -> PartT:
        if not isinstance(raw, Mapping):
            raise InvalidInput(path, "must be a table")
        for name in sorted(set(map(str, raw)) - set(every)):
            raise InvalidInput(_dotted(path, name), "is not a parameter")
        for name in readers:
            if name not in raw:
                raise InvalidInput(_dotted(path, name), "is missing")
        values = {
            name: reader(_dotted(path, name), raw[name]) if name in raw else None
            for name, reader in every.items()
        }
        try:
            return kind(**values)
        except InvalidInput as wrong:
            raise InvalidInput(_dotted(path, wrong.field), wrong.problem) from None

    return read


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_TIER = _part(Tier, {"number": whole, "first": whole, "last": whole})
_LEG = _part(
    SpreadLeg,
    {"ratio": number, "side": _choice(Side)},
    optional={"tier": whole, "period": whole},
)
_SPREAD = _part(
    CalendarSpread,
    {
        "priority": whole,
        "method": _choice(ChargeMethod),
        "rate": number,
        "legs": _several(_LEG),
    },
)
_SPOT = _part(SpotRate, {"period": whole, "spread_rate": number, "outright_rate": number})
_MINIMUM = _part(MinimumRate, {"first": whole, "last": whole, "rate": number})
_RATIO = _part(AccountRatio, {"account_type": text, "maintenance": number, "initial": number})
_COMMODITY = _part(
    CombinedCommodity,
    {
        "code": text,
        "currency": text,
        "price_risk_method": _choice(PriceRiskMethod),
        "price_scan_range": number,
        "minimum_method": _choice(MinimumMethod),
        "minimum_rates": _several(_MINIMUM),
        "caps_option_value": truth,
        "net_is_floored": truth,
        "tiers": _several(_TIER),
        "spreads": _several(_SPREAD),
        "spot_rates": _several(_SPOT),
        "account_ratios": _several(_RATIO),
    },
)
_INTER_LEG = _part(
    InterLeg,
    {
        "commodity": text,
        "ratio": number,
        "side": _choice(Side),
        "credit_rate": number,
        "is_required": truth,
    },
)
_INTER = _part(
    InterSpread,
    {
        "priority": whole,
        "method": _choice(InterMethod),
        "legs": _several(_INTER_LEG),
        "legs_min": whole,
    },
    optional={"target": text, "target_ratio": number},
)
_PARAMETERS: Mapping[str, Reader] = {
    "commodities": _several(_COMMODITY),
    "inter_spreads": _several(_INTER),
}
