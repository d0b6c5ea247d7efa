"""Expected requirements that are written as sums: `margin(spread 110/105) + margin(naked 105)`."""

import re
from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.strategy.margin import entry_margin
from margingate_engine.models.strategy.terms import Phase
from margingate_server.validating.strategy_books import Market, book
from margingate_server.validating.strategy_fields import Unrepresentable, as_number
from margingate_server.validating.strategy_legs import contracts, is_call, is_option, strike

_TERM = re.compile(r"(?:(\d+)\s*[x*]?\s*)?margin\(\s*([a-z][a-z _-]*?)\s+([\d.cp/ ]+?)\s*\)")
_RIGHTS = {"call": True, "put": False}
_PAIRS = ("straddle", "strangle", "spread", "vertical", "calendar", "diagonal")


def wanted_sum(text: str, market: Market, legs: object) -> Fraction:
    """The sum in USD, each term the gross requirement at entry of those legs by themselves.

    Unrepresentable when a term is not understood, or the terms do not use every leg exactly.
    """
    if not isinstance(legs, list) or not all(
        isinstance(leg, Mapping) and is_option(leg) for leg in legs
    ):
        raise Unrepresentable("no legs, or one that is no option")
    left = [abs(contracts(leg)) for leg in legs]
    total = Fraction(0)
    for term in text.lower().split("+"):
        match = _TERM.fullmatch(term.strip())
        if match is None:
            raise Unrepresentable(f"expected is not understood: {term.strip()}")
        count = int(match[1] or 1)
        named = _named_legs(match[2], match[3], legs)
        for at in named:
            left[at] -= count
        part = [_taken(legs[at], count * named.count(at)) for at in sorted(set(named))]
        margin = entry_margin(book(market, part), market.parameters, Phase.INITIAL)
        total += Fraction(margin.gross.requirement_micro, MICRO)
    if any(left):
        raise Unrepresentable("the sum does not use every leg exactly")
    return total


def _taken(leg: Mapping[str, object], count: int) -> dict[str, object]:
    quantity = count if contracts(leg) > 0 else -count
    return {**leg, "qty": quantity}


def _named_legs(name: str, strikes: str, legs: list[Mapping[str, object]]) -> list[int]:
    """Indexes of the legs that a term names by their strikes, in their order."""
    rights = {is_a_call for word, is_a_call in _RIGHTS.items() if word in name}
    fitting = []
    for told in strikes.split("/"):
        at_strike, letter = told.strip().rstrip("cp "), told.strip()[-1:]
        of_right = {letter == "c"} if letter in ("c", "p") else rights
        fitting.append(
            [
                at
                for at, leg in enumerate(legs)
                if strike(leg) == as_number(at_strike)
                and (not of_right or is_call(leg) in of_right)
                and _is_on_side(name, leg)
            ]
        )
    found = {tuple(sorted(each)): each for each in product(*fitting) if _fits(name, each, legs)}
    if len(found) != 1:
        raise Unrepresentable(f"strikes {strikes} do not name one set of legs")
    return list(next(iter(found)))


def _is_on_side(name: str, leg: Mapping[str, object]) -> bool:
    """Whether a leg has the side of a term of one leg: naked, short, long."""
    if name.startswith(("naked", "short")):
        return contracts(leg) < 0
    is_alone = name in ("long", "long call", "long put", "long option")
    return contracts(leg) > 0 or not is_alone


def _fits(name: str, chosen: tuple[int, ...], legs: list[Mapping[str, object]]) -> bool:
    """Whether legs can be what the term calls them; two strikes of a pair are two legs."""
    sides = [contracts(legs[at]) > 0 for at in chosen]
    rights = {is_call(legs[at]) for at in chosen}
    is_pair = len(chosen) == 2 and any(word in name for word in _PAIRS)
    if not is_pair:
        return True
    if "straddle" in name or "strangle" in name:
        return not any(sides) and len(rights) == len(chosen)
    return len(set(sides)) == len(chosen) and len(rights) == 1
