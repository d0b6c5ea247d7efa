"""Expected requirements that are written as sums: `margin(spread 110/105) + margin(naked 105)`."""

import re
from collections.abc import Mapping
from fractions import Fraction

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.strategy.margin import entry_margin
from margingate_engine.models.strategy.terms import Phase
from margingate_server.validating.strategy_books import Market, Unrepresentable, book

_TERM = re.compile(r"(?:(\d+)\s*[x*]?\s*)?margin\(\s*([a-z][a-z _-]*?)\s+([\d./ ]+?)\s*\)")
_RIGHTS = {"call": "c", "put": "p"}


def wanted_sum(text: str, market: Market, legs: object) -> Fraction:
    """The sum in USD, each term the gross requirement at entry of those legs by themselves.

    Unrepresentable when a term is not understood, or the terms do not use every leg exactly.
    """
    if not isinstance(legs, list) or not all(isinstance(leg, Mapping) for leg in legs):
        raise Unrepresentable("no legs")
    left = [int(str(leg.get("qty", 0)).lstrip("-") or 0) for leg in legs]
    total = Fraction(0)
    for term in text.lower().split("+"):
        match = _TERM.fullmatch(term.strip())
        if match is None:
            raise Unrepresentable(f"expected is not understood: {term.strip()}")
        count = int(match[1] or 1)
        named = _named_legs(match[2], match[3], legs)
        for at in named:
            left[at] -= count
        part = [{**legs[at], "qty": count if _is_long(legs[at]) else -count} for at in named]
        margin = entry_margin(book(market, part), market.parameters, Phase.INITIAL)
        total += Fraction(margin.gross.requirement_micro, MICRO)
    if any(left):
        raise Unrepresentable("the sum does not use every leg exactly")
    return total


def _named_legs(name: str, strikes: str, legs: list[Mapping[str, object]]) -> list[int]:
    """Indexes of the legs that a term names by their strikes, one each."""
    is_naked = name.startswith("naked")
    rights = {letter for word, letter in _RIGHTS.items() if word in name}
    found = []
    for strike in strikes.split("/"):
        fitting = [
            at
            for at, leg in enumerate(legs)
            if leg.get("kind") == "option"
            and str(leg.get("strike")) == strike.strip()
            and (not rights or str(leg.get("right"))[:1] in rights)
            and not (is_naked and _is_long(leg))
            and at not in found
        ]
        if len(fitting) != 1:
            raise Unrepresentable(f"strike {strike.strip()} does not name one leg")
        found += fitting
    return found


def _is_long(leg: Mapping[str, object]) -> bool:
    return leg.get("side") == "long" or (
        leg.get("side") is None and not str(leg.get("qty")).startswith("-")
    )
