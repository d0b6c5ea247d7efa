"""Parameters of rules-based margin: typed, bounded. Bounds: docs/methodology/strategy.md."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import Enum

from margingate_engine.core.amounts import decimal_places
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.strategies import Strategy


class Exercise(Enum):
    """When the holder of an option may exercise it."""

    AMERICAN = "american"
    EUROPEAN = "european"


class SecuredCall(Enum):
    """What secures a short call in a cash account: the underlying's price, or the strike."""

    UNDERLYING = "underlying"
    STRIKE = "strike"


class HouseBasis(Enum):
    """What a house rule takes a ratio of, per coin."""

    SHORT_ITM = "short_itm"
    """The in-the-money amounts of the short options."""
    UNDERLYING = "underlying"
    """The price of the underlying."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class HouseRule:
    """An amount that is added to one strategy: `ratio` of `basis`. [STR-12]"""

    strategy: str
    basis: str
    ratio: Decimal


_BOUNDS: dict[str, tuple[str, str]] = {
    "option_initial_ratio": ("0", "1"),
    "option_initial_minimum_ratio": ("0", "1"),
    "option_maintenance_ratio": ("0", "1"),
    "option_maintenance_minimum_ratio": ("0", "1"),
    "leverage": ("0.000001", "10"),
    "spot_initial_ratio": ("0", "1"),
    "spot_maintenance_ratio": ("0", "1"),
    "short_spot_initial_ratio": ("0", "5"),
    "short_spot_maintenance_ratio": ("0", "5"),
    "short_spot_minimum": ("0", "1000000"),
    "hedged_strike_ratio": ("0", "1"),
    "future_initial_ratio": ("0", "1"),
    "future_maintenance_ratio": ("0", "1"),
    "long_term_ratio": ("0", "1"),
    "box_ratio": ("0", "1"),
}
_WORDS: dict[str, type[Exercise | SecuredCall]] = {
    "exercise": Exercise,
    "secured_call": SecuredCall,
}
_WITHOUT_HOUSE_RULE = {
    *(Strategy.SPREAD, Strategy.BOUNDED_SET, Strategy.LONG_BOX, Strategy.SHORT_BOX),
    Strategy.FUTURE,
}
"""What is a spread may as well be in a set, so an amount on one would be evaded by the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyParameters:
    """Parameters of one underlying, all required; numbers are whole multiples of 1e-6."""

    option_initial_ratio: Decimal
    option_initial_minimum_ratio: Decimal
    option_maintenance_ratio: Decimal
    option_maintenance_minimum_ratio: Decimal
    leverage: Decimal
    spot_initial_ratio: Decimal
    spot_maintenance_ratio: Decimal
    short_spot_initial_ratio: Decimal
    short_spot_maintenance_ratio: Decimal
    short_spot_minimum: Decimal
    hedged_strike_ratio: Decimal
    future_initial_ratio: Decimal
    future_maintenance_ratio: Decimal
    long_term_ratio: Decimal
    box_ratio: Decimal
    exercise: Exercise
    secured_call: SecuredCall
    house_rules: tuple[HouseRule, ...]

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        for name, (low, high) in _BOUNDS.items():
            _check_number(name, getattr(self, name), Decimal(low), Decimal(high))
            initial = name.replace("_maintenance_", "_initial_")
            if getattr(self, name) > getattr(self, initial):
                raise InvalidInput(name, f"must not be above {initial}")
        for rule in self.house_rules:
            _check_house_rule(rule)

    @classmethod
    def from_mapping(cls, underlying: str, raw: Mapping[str, object]) -> "StrategyParameters":
        """Parameters from a table of a file; InvalidInput with the dotted name of what is wrong."""
        names = {each.name for each in fields(cls)}
        for name in sorted(names ^ set(raw)):
            problem = "is missing" if name in names else "is not a parameter of strategy"
            raise InvalidInput(f"{underlying}.{name}", problem)
        try:
            return cls(**{name: _parsed(name, raw[name]) for name in names})  # type: ignore[arg-type]
        except InvalidInput as wrong:
            raise InvalidInput(f"{underlying}.{wrong.field}", wrong.problem) from None

    def items(self) -> list[tuple[str, str]]:
        """Names and values as canonical text, by name; house rules in order, one text for all."""
        return sorted((each.name, _text(getattr(self, each.name))) for each in fields(self))


def _check_number(name: str, value: Decimal, low: Decimal, high: Decimal) -> None:
    if not low <= value <= high:
        raise InvalidInput(name, f"must lie in [{low}, {high}]")
    if decimal_places(value) > 6:
        raise InvalidInput(name, "has more than 6 decimal places")


def _check_house_rule(rule: HouseRule) -> None:
    offered = {each.value for each in Strategy if each not in _WITHOUT_HOUSE_RULE}
    if rule.strategy not in offered:
        raise InvalidInput("house_rules.strategy", f"must be one of {', '.join(sorted(offered))}")
    if rule.basis not in {each.value for each in HouseBasis}:
        raise InvalidInput("house_rules.basis", 'must be "short_itm" or "underlying"')
    _check_number("house_rules.ratio", rule.ratio, Decimal(0), Decimal(10))


def _parsed(name: str, value: object) -> object:
    if name in _WORDS:
        words = [each.value for each in _WORDS[name]]
        if value not in words:
            raise InvalidInput(name, f"must be one of {', '.join(words)}")
        return _WORDS[name](value)
    if name == "house_rules":
        if isinstance(value, str):  # as `items` writes it
            value = [_written_rule(each) for each in value.split(",") if each]
        if not isinstance(value, list | tuple):
            raise InvalidInput(name, "must be a list of tables")
        return tuple(sorted(_house_rule(each) for each in value))
    return _number(name, value)


def _written_rule(text: str) -> dict[str, object]:
    """A house rule from `strategy:basis:ratio`; what is no number stays a word, to be refused."""
    strategy, _, rest = text.partition(":")
    basis, _, ratio = rest.partition(":")
    try:
        return {"strategy": strategy, "basis": basis, "ratio": Decimal(ratio)}
    except InvalidOperation:
        return {"strategy": strategy, "basis": basis, "ratio": ratio}


def _house_rule(raw: object) -> HouseRule:
    if not isinstance(raw, Mapping) or set(raw) != {"strategy", "basis", "ratio"}:
        raise InvalidInput("house_rules", "needs strategy, basis and ratio, and nothing else")
    strategy, basis = str(raw["strategy"]), str(raw["basis"])
    ratio = _number("house_rules.ratio", raw["ratio"])
    return HouseRule(strategy=strategy, basis=basis, ratio=ratio)


def _number(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidInput(name, "must be a number")
    number = Decimal(value)
    if not number.is_finite():
        raise InvalidInput(name, "must be finite")
    return number


def _text(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    assert isinstance(value, tuple)
    rules = (f"{rule.strategy}:{rule.basis}:{_text(rule.ratio)}" for rule in sorted(value))
    return ",".join(rules)
