"""The legs of one published position, each with the convention and the price it is valued at."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import log, log10

from margingate_engine.models.tims.listed import ListedOption
from margingate_engine.pricing.binomial import Carry
from margingate_server.validating.strategy_fields import SIDES, as_number
from margingate_server.validating.strategy_legs import SHARES_PER_OPTION
from margingate_server.validating.tims_conventions import (
    Unreadable,
    contract_minimum,
    first_number,
    number,
    ranges,
    tree,
)
from margingate_server.validating.tims_spots import Spots, is_shares, kind_of, symbol_of

YEAR_DAYS = 365

_TENS_TOLERANCE = 0.01
_TERMS = ("r", "rate", "q", "dividend_yield", "yield", "forward", "F")
"""What a case may tell for itself, before its convention."""

_UNREPRESENTED = ("dividends", "discrete_dividends")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg: what a lot (a contract or a share) is, and how many, signed.

    price: USD, of the option or future; of shares what they were traded at. option: None for
    shares, which move with the underlying, and for futures, which move with their own price.
    minimum: USD per contract, 0 for shares. vol: where it is told.
    """

    symbol: str
    lots: int
    price: float
    multiplier: Decimal
    minimum: Decimal
    option: ListedOption | None
    underlying: float
    vol: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A position of one class group, with the farthest moves of its price."""

    legs: tuple[Leg, ...]
    range_down: Decimal
    range_up: Decimal


def position(document: Mapping[str, object], case: Mapping[str, object]) -> Position:
    """The position of a case; Unreadable with what cannot be represented."""
    raw_legs = _mappings(case.get("legs"), "legs")
    conventions = _conventions(document, case)
    told = {name: case[name] for name in _TERMS if case.get(name) is not None}
    chosen = [{**each, **told} for each in _chosen(conventions, raw_legs)]
    far = {ranges(each) for each in chosen}
    groups = {str(each["class_group"]) for each in chosen if each.get("class_group")}
    if len(far) != 1 or len(groups) > 1:
        raise Unreadable("the legs are not of one class group")
    ((range_down, range_up),) = far
    spots = Spots(document, case, raw_legs)
    legs = tuple(
        _leg(raw, convention, spots, document)
        for raw, convention in zip(raw_legs, chosen, strict=True)
    )
    if len(groups) == 0 and len({str(each) for each in chosen}) > 1:
        _check_one_index(legs)
    return Position(legs=legs, range_down=range_down, range_up=range_up)


def _check_one_index(legs: Sequence[Leg]) -> None:
    """Unreadable unless what options are on is the same index, whole, in tenths or hundredths."""
    prices = [leg.underlying for leg in legs if leg.option is not None]
    for price in prices:
        tens = log10(price / prices[0])
        if abs(tens - round(tens)) > _TENS_TOLERANCE:
            raise Unreadable("whether the options are of one class group is not told")


def _leg(
    raw: Mapping[str, object],
    convention: Mapping[str, object],
    spots: Spots,
    document: Mapping[str, object],
) -> Leg:
    is_option, is_future = kind_of(raw) == "option", kind_of(raw) == "future"
    if not (is_option or is_future or is_shares(raw)):
        raise Unreadable(f"a leg of kind {kind_of(raw)}")
    lots = _lots(raw)
    spot = float(_required(raw, "price")) if is_future else spots.of(raw, convention)
    told = first_number(raw, "price")
    price = spot if told is None and is_shares(raw) else float(_required(raw, "price"))
    if price < 0 or (price == 0 and not is_option):
        raise Unreadable(f"a price of {price:g}")
    multiplier = _multiplier(raw)
    if multiplier <= 0:
        raise Unreadable(f"a multiplier of {multiplier}")
    return Leg(
        symbol=symbol_of(raw),
        lots=lots,
        price=price,
        multiplier=multiplier,
        minimum=Decimal(0) if is_shares(raw) else _minimum(raw, convention, multiplier),
        option=_option(raw, convention, spot, document) if is_option else None,
        underlying=spot,
        vol=_vol(raw, convention),
    )


def _lots(raw: Mapping[str, object]) -> int:
    """Contracts or shares, with the sign of the side where one is told."""
    lots = _required(raw, "qty", "quantity", "lots", "shares", "contracts")
    if lots != int(lots):
        raise Unreadable(f"a quantity of {lots} is no whole number")
    side = raw.get("side")
    if side is None:
        return int(lots)
    sign = SIDES.get(str(side).strip().lower())
    if sign is None or lots < 0 < sign:
        raise Unreadable(f"a side of {side} with a quantity of {lots}")
    return abs(int(lots)) * sign


def _multiplier(raw: Mapping[str, object]) -> Decimal:
    """Of an option one hundred where none is told; of shares one."""
    told = first_number(raw, "multiplier", "contract_size")
    if is_shares(raw):
        return Decimal(1)
    if told is None and kind_of(raw) == "option":
        return Decimal(SHARES_PER_OPTION)
    return _required(raw, "multiplier") if told is None else told


def _minimum(
    raw: Mapping[str, object], convention: Mapping[str, object], multiplier: Decimal
) -> Decimal:
    """Of a contract, USD; 0 of a future where the minimum is told of options alone."""
    minimum = contract_minimum(convention)
    is_counted = kind_of(raw) == "option" or not minimum.is_of_options
    return minimum.of(multiplier) if is_counted else Decimal(0)


def _vol(raw: Mapping[str, object], convention: Mapping[str, object]) -> float | None:
    """The volatility that is told, None where the conventions take that of the price."""
    for name in ("vol", "iv", "sigma"):
        if as_number(convention.get(name)) is not None:
            return float(number(convention[name], name))
    said = " ".join(str(convention.get(name, "")) for name in ("model", "vol", "iv", "sigma"))
    found = None if "implied" in said.lower() else first_number(raw, "vol", "iv", "sigma")
    return None if found is None else float(found)


def _option(
    raw: Mapping[str, object],
    convention: Mapping[str, object],
    spot: float,
    document: Mapping[str, object],
) -> ListedOption:
    for name in _UNREPRESENTED:
        if convention.get(name):
            raise Unreadable(f"the convention has {name}")
    right = str(raw.get("right") or raw.get("type") or raw.get("kind") or "").lower()
    right = right.removesuffix("option").strip(" _-")
    if right not in {"call", "put", "c", "p"}:
        raise Unreadable(f"an option that is neither call nor put: {right or 'nothing'}")
    tau_years = _days(raw, convention, document) / YEAR_DAYS
    rate = float(_required(convention, "r", "rate"))
    forward = first_number(convention, "forward", "F")
    told = first_number(convention, "q", "dividend_yield", "yield")
    if told is not None:
        dividend_yield = float(told)
    elif forward is not None and forward > 0 and tau_years > 0:
        dividend_yield = rate - log(float(forward) / spot) / tau_years
    else:
        raise Unreadable("the convention has neither q nor a forward")
    return ListedOption(
        strike=float(_required(raw, "strike")),
        tau_years=tau_years,
        is_call=right.startswith("c"),
        carry=Carry(rate=rate, dividend_yield=dividend_yield),
        tree=tree(convention, symbol_of(raw)),
    )


def _conventions(
    document: Mapping[str, object], case: Mapping[str, object]
) -> dict[str, Mapping[str, object]]:
    found = case.get("conventions", document.get("conventions"))
    if not isinstance(found, Mapping) or not found:
        raise Unreadable("no conventions")
    if "model" in found or "points" in found:
        return {"": found}
    return {str(name): each for name, each in found.items() if isinstance(each, Mapping)}


def _chosen(
    conventions: Mapping[str, Mapping[str, object]], legs: Sequence[Mapping[str, object]]
) -> list[Mapping[str, object]]:
    """The convention of each leg; shares without points move as what the options are on does."""
    found = [_convention_of(conventions, symbol_of(leg)) for leg in legs]
    of_options = [each for each, leg in zip(found, legs, strict=True) if not is_shares(leg)]
    chosen = []
    for each, leg in zip(found, legs, strict=True):
        if each is not None and not (is_shares(leg) and of_options and not _has_points(each)):
            chosen.append(each)
        elif is_shares(leg) and of_options and of_options[0] is not None:
            chosen.append(of_options[0])
        else:
            raise Unreadable(f"no convention of {symbol_of(leg) or 'a leg without symbol'}")
    return chosen


def _has_points(convention: Mapping[str, object]) -> bool:
    """Whether its points are told in themselves, and not as those of another."""
    try:
        ranges(convention)
    except Unreadable:
        return False
    return True


def _convention_of(
    conventions: Mapping[str, Mapping[str, object]], symbol: str
) -> Mapping[str, object] | None:
    """That of the symbol, of a name it is part of (`SPX+SPY`), or the only one there is."""
    if symbol in conventions:
        return conventions[symbol]
    named = [each for name, each in conventions.items() if symbol in re.findall(r"\w+", name)]
    listed = [each for each in conventions.values() if symbol in _words(each.get("symbols"))]
    for found in (named, listed, list(conventions.values())):
        if len(found) == 1:
            return found[0]
    return None


def _words(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [str(each) for each in value]
    return re.findall(r"\w+", str(value or ""))


def _days(
    leg: Mapping[str, object], convention: Mapping[str, object], document: Mapping[str, object]
) -> float:
    """Days to expiry: the leg's own, those of the convention, or those between two dates."""
    told = first_number(leg, "days")
    in_words = re.search(
        r"(\d+(?:\.\d+)?)\s*(?:calendar\s+)?d(?:ays?)?\b", str(leg.get("expiry", ""))
    )
    if told is None and in_words:
        told = Decimal(in_words[1])
    if told is None:
        told = first_number(convention, "days")
    if told is not None:
        return float(told)
    try:
        start = date.fromisoformat(str(document.get("valuation_date")))
        end = date.fromisoformat(str(leg.get("expiry", document.get("expiry"))))
    except ValueError:
        raise Unreadable("the days to expiry are not told") from None
    return float((end - start).days)


def _mappings(value: object, name: str) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or not value or not all(isinstance(e, Mapping) for e in value):
        raise Unreadable(f"{name} are no list of tables")
    return value


def _required(raw: Mapping[str, object], *names: str) -> Decimal:
    found = first_number(raw, *names)
    if found is None:
        raise Unreadable(f"{names[0]} is missing")
    return found
