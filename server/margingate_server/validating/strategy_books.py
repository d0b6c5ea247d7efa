"""Books and parameters of rules-based margin out of the fields of a published case."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.models.strategy.legs import Book
from margingate_engine.models.strategy.margin import entry_margin
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.models.strategy.terms import Phase
from margingate_server.validating.strategy_fields import (
    Unrepresentable,
    as_number,
    number,
    scaled,
    told,
)
from margingate_server.validating.strategy_legs import is_option, option_legs, spot_legs

_SHARES = {"equity", "equities", "stock", "stocks", "share", "shares", "single"}
_BASKETS = {"etf", "etfs", "fund", "index", "indices"}
_PRICE = ("underlying", "U", "underlying_price", "spot", "S")
_LEVERAGE = ("leverage", "leverage_factor", "lev")

MARKET_FIELDS = {*_PRICE, *_LEVERAGE, "underlying_class", "class"}
"""Names of fields of a case that `Market.of` reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What the legs of a case share. exercise: `american` or `european`.

    around: fields that hold for every leg that does not tell them itself.
    """

    underlying: Fraction
    underlying_class: str = "equity"
    leverage: Fraction = Fraction(1)
    exercise: str = "american"
    around: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Mapping[str, object], exercise: str) -> "Market":
        """The market of a case, shares without a class; Unrepresentable without a price."""
        return cls(
            underlying=_underlying(case),
            underlying_class=str(told(case, "underlying_class", "class") or "equity"),
            leverage=number(case, *_LEVERAGE, default=1),
            exercise=exercise,
            around=case,
        )

    @property
    def is_index(self) -> bool:
        """True when the options are on an index, or on what may be one."""
        return "index" in self._class_words

    @property
    def parameters(self) -> StrategyParameters:
        """The ratios of the rules for listed options; Unrepresentable for an unknown class."""
        is_broad = self._is_broad()
        ratio = Decimal("0.15" if is_broad else "0.2")
        words = {"exercise": self.exercise, "secured_call": "strike" if is_broad else "underlying"}
        leverage = Decimal(scaled(self.leverage, MICRO, "leverage")) / MICRO
        option = {"option_initial_ratio": ratio, "option_maintenance_ratio": ratio}
        return StrategyParameters.from_mapping(
            self.underlying_class,
            {**_RULES, **option, **words, "leverage": leverage, "house_rules": []},
        )

    @property
    def _class_words(self) -> set[str]:
        return set(re.findall(r"[a-z]+", self.underlying_class.lower()))

    def _is_broad(self) -> bool:
        """Whether it is a broad index or its fund; notes and volatility never count as broad."""
        told_as = self._class_words
        if {"etn", "etns", "narrow"} & told_as or any(each.startswith("vol") for each in told_as):
            return False
        if "broad" in told_as:
            return True
        if _BASKETS & told_as or not _SHARES & told_as:
            raise Unrepresentable(f"unknown class {self.underlying_class}")
        return False


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
    if not all(isinstance(leg, Mapping) for leg in legs):
        raise Unrepresentable("a leg is no table")
    prices = {as_number(leg.get("underlying")) for leg in legs if is_option(leg)} - {None}
    if prices - {market.underlying}:
        raise Unrepresentable("options on more than one price")
    return Book(
        underlying_nano=scaled(market.underlying, NANO, "underlying"),
        options=option_legs(legs, market.around),
        spot=spot_legs(legs, market.underlying, is_index=market.is_index),
    )


def _underlying(case: Mapping[str, object]) -> Fraction:
    """The price under the first name that has a number: `underlying` may be a ticker."""
    for name in _PRICE:
        if as_number(case.get(name)) is not None:
            return number(case, name)
    raise Unrepresentable("underlying is not a number")
