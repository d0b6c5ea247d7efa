"""Books and parameters of rules-based margin out of the fields of a published case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.models.strategy.legs import Book, OptionLeg, SpotLeg
from margingate_engine.models.strategy.margin import entry_margin
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.models.strategy.terms import Phase

NINE_MONTHS_DAYS = 274
SHARES_PER_OPTION = 100

_BASE_BY_CLASS = {
    **dict.fromkeys(
        ("equity", "etn", "narrow_index", "etf_or_index_narrow", "volatility_index"), "0.2"
    ),
    **dict.fromkeys(
        ("etf_or_index_broad", "broad_index", "broad_etf", "index_broad", "etf_broad"), "0.15"
    ),
}
_RIGHTS = {"c": True, "call": True, "p": False, "put": False}
_SIGNS = {"long": 1, "short": -1}
STYLE_FIELDS = ("exercise", "exercise_style", "style")
_OPTION_FIELDS = {
    *STYLE_FIELDS,
    *("kind", "side", "right", "strike", "price", "qty", "multiplier", "dte", "expiry", "symbol"),
}
_STOCK_FIELDS = {"kind", "side", "shares", "qty", "price", "symbol"}
_DAY_NS = 86_400 * NANO
_MAGNITUDE_MAX = 18


class Unrepresentable(Exception):  # noqa: N818 - named for what it is
    """A case that this model cannot represent; its text says what stands in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What the legs of a case share. exercise: `american` or `european`."""

    underlying: Fraction
    underlying_class: str = "equity"
    leverage: Fraction = Fraction(1)
    exercise: str = "american"

    @property
    def parameters(self) -> StrategyParameters:
        """The ratios of the rules for listed options; Unrepresentable for an unknown class."""
        base = _BASE_BY_CLASS.get(self.underlying_class)
        if base is None:
            raise Unrepresentable(f"unknown class {self.underlying_class}")
        ratio = Decimal(base)
        shares = self.underlying_class in ("equity", "etn")
        words = {"exercise": self.exercise, "secured_call": "underlying" if shares else "strike"}
        leverage = Decimal(scaled(self.leverage, MICRO, "leverage")) / MICRO
        option = {"option_initial_ratio": ratio, "option_maintenance_ratio": ratio}
        return StrategyParameters.from_mapping(
            self.underlying_class,
            {**_RULES, **option, **words, "leverage": leverage, "house_rules": []},
        )


_RULES: dict[str, object] = {
    "option_initial_minimum_ratio": Decimal("0.1"),
    "option_maintenance_minimum_ratio": Decimal("0.1"),
    "spot_initial_ratio": Decimal("0.5"),
    "spot_maintenance_ratio": Decimal("0.25"),
    "short_spot_initial_ratio": Decimal("0.5"),
    "short_spot_maintenance_ratio": Decimal("0.3"),
    "short_spot_minimum": Decimal(5),
    "hedged_strike_ratio": Decimal("0.1"),
    "future_initial_ratio": Decimal(1),
    "future_maintenance_ratio": Decimal(1),
    "long_term_ratio": Decimal("0.75"),
    "box_ratio": Decimal("0.5"),
}


def net_of_premium(market: Market, legs: object) -> Fraction:
    """Initial deposit in a margin account, USD: gross requirement less short option premiums.

    Legs are the mappings of a published case. Raises Unrepresentable.
    """
    margin = entry_margin(book(market, legs), market.parameters, Phase.INITIAL)
    return Fraction(margin.deposit_micro, MICRO)


def book(market: Market, legs: object) -> Book:
    """The book of a case's legs; Unrepresentable names what is not understood."""
    if not isinstance(legs, list) or not legs:
        raise Unrepresentable("no legs")
    options: list[OptionLeg] = []
    spot: list[SpotLeg] = []
    for leg in legs:
        if not isinstance(leg, Mapping):
            raise Unrepresentable("a leg is no table")
        if leg.get("kind") == "option":
            options.append(_option(leg))
        elif leg.get("kind") == "stock":
            spot.append(_stock(leg))
        else:
            raise Unrepresentable(f"unknown kind of leg {leg.get('kind')}")
    underlying_nano = scaled(market.underlying, NANO, "underlying")
    return Book(underlying_nano=underlying_nano, options=tuple(options), spot=tuple(spot))


def number(fields: Mapping[str, object], name: str, default: int | None = None) -> Fraction:
    """A number of a case, exact; Unrepresentable when it is missing or is none."""
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise Unrepresentable(f"{name} is not a number")
    decimal = Decimal(str(value))
    if not decimal.is_finite():
        raise Unrepresentable(f"{name} is not a number")
    # An exponent of a million would be an integer of a million digits.
    if abs(decimal.adjusted()) > _MAGNITUDE_MAX:
        raise Unrepresentable(f"{name} is out of range")
    return Fraction(decimal)


def scaled(value: Fraction, per_whole: int, name: str) -> int:
    """A number in integer units; Unrepresentable when it is finer than they are."""
    units = value * per_whole
    if units.denominator != 1:
        raise Unrepresentable(f"{name} is finer than 1/{per_whole}")
    return int(units)


def refuse_unknown(fields: Mapping[str, object], known: set[str]) -> None:
    """Unrepresentable when there is a field whose meaning is not known."""
    unknown = sorted(str(name) for name in set(fields) - known)
    if unknown:
        raise Unrepresentable(f"unknown field {unknown[0]}")


def _option(leg: Mapping[str, object]) -> OptionLeg:
    refuse_unknown(leg, _OPTION_FIELDS)
    right = str(leg.get("right")).lower()
    if right not in _RIGHTS:
        raise Unrepresentable(f"unknown right {leg.get('right')}")
    expiry_ns = _expiry_ns(leg)
    strike = number(leg, "strike")
    price = number(leg, "price")
    return OptionLeg(
        symbol=f"{leg.get('symbol', '')} {right[0]} {strike} {expiry_ns} {price}",
        is_call=_RIGHTS[right],
        strike_nano=scaled(strike, NANO, "strike"),
        expiry_ns=expiry_ns,
        lots=_signed(leg, "qty"),
        size_nano=scaled(number(leg, "multiplier", SHARES_PER_OPTION), NANO, "multiplier"),
        mark_nano=scaled(price, NANO, "price"),
        is_long_term="dte" in leg and number(leg, "dte") > NINE_MONTHS_DAYS,
    )


def _stock(leg: Mapping[str, object]) -> SpotLeg:
    refuse_unknown(leg, _STOCK_FIELDS)
    name = "shares" if "shares" in leg else "qty"
    return SpotLeg(
        quantity_nano=_signed(leg, name) * NANO,
        price_nano=scaled(number(leg, "price"), NANO, "price"),
    )


def _signed(leg: Mapping[str, object], name: str) -> int:
    quantity = scaled(number(leg, name), 1, name)
    side = leg.get("side")
    if side is None:
        return quantity
    sign = _SIGNS.get(str(side))
    if sign is None:
        raise Unrepresentable(f"unknown side {side}")
    if quantity * sign < 0 and sign > 0:
        raise Unrepresentable("a long side with a negative quantity")
    return abs(quantity) * sign


def _expiry_ns(leg: Mapping[str, object]) -> int:
    """Any number that orders expiries; 0 for a case that names none."""
    if "dte" in leg:
        return scaled(number(leg, "dte"), _DAY_NS, "dte")
    text = leg.get("expiry")
    if text is None:
        return 0
    # "2007-04 (57 days)" stands beside plain dates in the published cases.
    words = str(text).replace("(", " ").split()
    if len(words) > 1 and words[1].isdigit():
        return int(words[1]) * _DAY_NS
    try:
        return date.fromisoformat(words[0]).toordinal() * _DAY_NS
    except (IndexError, ValueError):
        raise Unrepresentable(f"expiry {text} is no date") from None
