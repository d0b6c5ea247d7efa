"""The legs of one published position, each with the convention and the price it is valued at."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import log

from margingate_engine.models.tims.listed import ListedOption
from margingate_engine.pricing.binomial import Carry
from margingate_server.validating.tims_conventions import (
    Unreadable,
    contract_minimum,
    first_number,
    number,
    ranges,
    tree,
)

YEAR_DAYS = 365

_SHARES = {"stock", "share", "shares", "equity", "etf", "fund", "index_etf", "trust", "unit"}
_UNREPRESENTED = ("dividends", "discrete_dividends")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg: what a lot (a contract or a share) is, and how many, signed.

    price: USD, of the option, share or future. option: None for shares and futures, which move
    with their own price. minimum: USD per contract, 0 for shares. vol: where it is told.
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
    chosen = _chosen(conventions, raw_legs)
    far = {ranges(each) for each in chosen}
    groups = {str(each["class_group"]) for each in chosen if each.get("class_group")}
    if len(far) != 1 or len(groups) > 1:
        raise Unreadable("the legs are not of one class group")
    ((range_down, range_up),) = far
    spots = _Spots(document, case, raw_legs)
    legs = tuple(
        _leg(raw, convention, spots, document)
        for raw, convention in zip(raw_legs, chosen, strict=True)
    )
    return Position(legs=legs, range_down=range_down, range_up=range_up)


def _leg(
    raw: Mapping[str, object],
    convention: Mapping[str, object],
    spots: "_Spots",
    document: Mapping[str, object],
) -> Leg:
    kind, symbol = str(raw.get("kind", "option")).lower(), _symbol(raw)
    lots = _required(raw, "qty", "quantity", "lots")
    if lots != int(lots):
        raise Unreadable(f"a quantity of {lots} is no whole number")
    price = float(_required(raw, "price"))
    is_option, is_future = kind == "option", kind in {"future", "futures"}
    if not (is_option or is_future or kind in _SHARES):
        raise Unreadable(f"a leg of kind {kind}")
    if price < 0 or (price == 0 and not is_option):
        raise Unreadable(f"a price of {price:g}")
    multiplier = _required(raw, "multiplier") if is_option or is_future else Decimal(1)
    if multiplier <= 0:
        raise Unreadable(f"a multiplier of {multiplier}")
    spot = spots.of(raw, convention) if is_option else price
    vol = first_number(raw, "vol", "iv", "sigma") or first_number(convention, "vol", "iv", "sigma")
    return Leg(
        symbol=symbol,
        lots=int(lots),
        price=price,
        multiplier=multiplier,
        minimum=contract_minimum(convention).of(multiplier) if is_option else Decimal(0),
        option=_option(raw, convention, spot, document) if is_option else None,
        underlying=spot,
        vol=None if vol is None else float(vol),
    )


def _option(
    raw: Mapping[str, object],
    convention: Mapping[str, object],
    spot: float,
    document: Mapping[str, object],
) -> ListedOption:
    for name in _UNREPRESENTED:
        if convention.get(name):
            raise Unreadable(f"the convention has {name}")
    right = str(raw.get("right", raw.get("type", ""))).lower()
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
        tree=tree(convention, _symbol(raw)),
    )


class _Spots:
    """Where the price of what an option is on stands in a document."""

    def __init__(
        self,
        document: Mapping[str, object],
        case: Mapping[str, object],
        legs: Sequence[Mapping[str, object]],
    ) -> None:
        self._told = [case.get("underlyings"), case.get("underlying")]
        self._told += [document.get("underlyings"), document.get("underlying")]
        self._shares = {
            _symbol(each): number(each.get("price"), "price") for each in legs if _is_shares(each)
        }
        options = {_symbol(each) for each in legs if not _is_shares(each)}
        self._priced_by_case = options if len(options) == 1 else options - set(self._shares)

    def of(self, leg: Mapping[str, object], convention: Mapping[str, object]) -> float:
        """Price of what the option is on, USD; Unreadable when the document does not tell one."""
        symbol = _symbol(leg)
        found = self._of_leg(leg, symbol) or first_number(
            convention, "underlying", "spot", "S", "index"
        )
        if found is None or found <= 0:
            raise Unreadable(f"no price of what options on {symbol or 'nothing'} are on")
        return float(found)

    def _of_leg(self, leg: Mapping[str, object], symbol: str) -> Decimal | None:
        own = leg.get("underlying")
        if isinstance(own, str):
            symbol = own
        elif own is not None:
            return number(own, "underlying")
        own_price = first_number(leg, "underlying_price", "spot", "S", "index")
        if own_price is not None:
            return own_price
        for told in self._told:
            if isinstance(told, Mapping) and told.get(symbol) is not None:
                return number(told[symbol], "underlying")
            is_bare = told is not None and not isinstance(told, (Mapping, str))
            # A bare number is of the one symbol that options of the case are on.
            if is_bare and self._priced_by_case == {symbol}:
                return number(told, "underlying")
        return self._shares.get(symbol)


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
    """The convention of each leg; shares without one move as what the options are on does."""
    found = [_convention_of(conventions, _symbol(leg)) for leg in legs]
    of_options = [each for each, leg in zip(found, legs, strict=True) if not _is_shares(leg)]
    chosen = []
    for each, leg in zip(found, legs, strict=True):
        if each is not None:
            chosen.append(each)
        elif _is_shares(leg) and of_options and of_options[0] is not None:
            chosen.append(of_options[0])
        else:
            raise Unreadable(f"no convention of {_symbol(leg) or 'a leg without symbol'}")
    return chosen


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


def _is_shares(leg: Mapping[str, object]) -> bool:
    return str(leg.get("kind", "")).lower() in _SHARES


def _words(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [str(each) for each in value]
    return re.findall(r"\w+", str(value or ""))


def _days(
    leg: Mapping[str, object], convention: Mapping[str, object], document: Mapping[str, object]
) -> float:
    """Days to expiry: the leg's own, those of the convention, or those between two dates."""
    told = first_number(leg, "days")
    in_words = re.search(r"(\d+(?:\.\d+)?)\s*(?:calendar\s+)?days?\b", str(leg.get("expiry", "")))
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


def _symbol(leg: Mapping[str, object]) -> str:
    return str(leg.get("symbol", ""))


def _required(raw: Mapping[str, object], *names: str) -> Decimal:
    found = first_number(raw, *names)
    if found is None:
        raise Unreadable(f"{names[0]} is missing")
    return found
