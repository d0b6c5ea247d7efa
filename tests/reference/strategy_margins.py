"""Rules-based margin by trying every partition of a small book. Shares no code with the engine.

Everything is in USD as exact fractions; one unit is one coin; lots are units.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

PER_CENT = Fraction(1, 100)


@dataclass(frozen=True, order=True)
class Unit:
    """One coin of an option (`C`, `P`) or of spot (`S`, else 0); long 1, short -1."""

    kind: str
    side: int
    strike: int = 0
    expiry: int = 0
    mark: Fraction = Fraction(0)


@dataclass(frozen=True)
class Ratios:
    """In per cent of prices; spot_short at least `floor` USD a coin."""

    option: int
    minimum: int
    spot: int
    spot_short: int
    floor: int
    strike: int


@dataclass(frozen=True)
class Rules:
    """Underlying's price and the ratios of both phases."""

    price: int
    initial: Ratios
    maintenance: Ratios

    def margin(self, units: tuple[Unit, ...], *, is_initial: bool) -> Fraction:
        """The least over all partitions of the units into strategies."""
        return least(self, tuple(sorted(units)), is_initial)


@cache
def least(rules: Rules, units: tuple[Unit, ...], is_initial: bool) -> Fraction:
    if not units:
        return Fraction(0)
    best = None
    first, rest = units[0], units[1:]
    for taken in range(2 ** len(rest)):
        mates = [unit for at, unit in enumerate(rest) if taken >> at & 1]
        left = tuple(unit for at, unit in enumerate(rest) if not taken >> at & 1)
        cost = block_cost(rules, (first, *mates), is_initial)
        if cost is not None:
            total = cost + least(rules, left, is_initial)
            best = total if best is None else min(best, total)
    assert best is not None
    return best


@cache
def block_cost(rules: Rules, block: tuple[Unit, ...], is_initial: bool) -> Fraction | None:
    """The cheapest strategy that these units are, all of them; None when they are none."""
    offers = list(_maintenance(rules, rules.maintenance, block))
    if is_initial:
        later = list(_initial(rules, rules.initial, block))
        offers = [max(pair) for pair in zip(offers, later, strict=True)]
    bounded = _bounded(block)
    if bounded is not None:
        offers.append(bounded)
    return min(offers, default=None)


def _bounded(block: tuple[Unit, ...]) -> Fraction | None:
    if any(unit.kind == "S" or unit.expiry != block[0].expiry for unit in block):
        return None
    if {unit.side for unit in block} != {1, -1}:
        return None
    if sum(unit.side for unit in block if unit.kind == "C") < 0:
        return None
    worst = min(
        sum(unit.side * _intrinsic(unit, price) for unit in block)
        for price in (0, *(unit.strike for unit in block))
    )
    return Fraction(max(0, -worst))


def _intrinsic(unit: Unit, price: int) -> int:
    return max(0, price - unit.strike if unit.kind == "C" else unit.strike - price)


def _naked(rules: Rules, ratios: Ratios, unit: Unit) -> Fraction:
    call = unit.kind == "C"
    away = max(0, unit.strike - rules.price if call else rules.price - unit.strike)
    lowest = ratios.minimum * PER_CENT * (rules.price if call else unit.strike)
    return unit.mark + max(ratios.option * PER_CENT * rules.price - away, lowest)


def _without_spot(rules: Rules, ratios: Ratios, block: tuple[Unit, ...]) -> Iterator[Fraction]:
    shorts = [unit for unit in block if unit.side < 0]
    longs = [unit for unit in block if unit.side > 0]
    if len(block) == 1:
        yield _naked(rules, ratios, block[0]) if shorts else Fraction(0)
    if len(shorts) == 2 and not longs and {unit.kind for unit in shorts} == {"C", "P"}:
        one, other = shorts
        yield max(_naked(rules, ratios, one) + other.mark, _naked(rules, ratios, other) + one.mark)
    if len(shorts) == len(longs) == 1:
        (short,), (long,) = shorts, longs
        if short.kind == long.kind and long.expiry >= short.expiry:
            wide = long.strike - short.strike if long.kind == "C" else short.strike - long.strike
            yield min(_naked(rules, ratios, short), Fraction(max(0, wide)))


def _sorted_out(block: tuple[Unit, ...]) -> tuple[int, list[Unit], list[Unit]] | None:
    """Side of the one unit of spot, the long options, the short ones; None without such a unit."""
    spot = [unit.side for unit in block if unit.kind == "S"]
    options = [unit for unit in block if unit.kind != "S"]
    if len(spot) != 1 or len(options) > 2:
        return None
    longs = [unit for unit in options if unit.side > 0]
    shorts = [unit for unit in options if unit.side < 0]
    return (spot[0], longs, shorts) if len(longs) < 2 and len(shorts) < 2 else None


def _shape(block: tuple[Unit, ...]) -> str:
    """What units with one of spot are: the kinds of the long and the short option, and how."""
    parts = _sorted_out(block)
    if parts is None:
        return ""
    side, longs, shorts = parts
    kinds = "".join(unit.kind for unit in longs) + "/" + "".join(unit.kind for unit in shorts)
    sign = "+" if side > 0 else "-"
    if longs and shorts:
        if longs[0].expiry != shorts[0].expiry:
            return ""
        gap = shorts[0].strike - longs[0].strike
        if gap < 0 or (gap > 0 and side < 0):
            return ""
        kinds += "=" if gap == 0 else "<"
    return sign + kinds


def _maintenance(rules: Rules, ratios: Ratios, block: tuple[Unit, ...]) -> Iterator[Fraction]:
    if all(unit.kind != "S" for unit in block):
        yield from _without_spot(rules, ratios, block)
        return
    shape, price = _shape(block), rules.price
    long_part = ratios.spot * PER_CENT
    short = max(ratios.spot_short * PER_CENT * price, Fraction(ratios.floor))
    long = next((unit for unit in block if unit.side > 0 and unit.kind != "S"), Unit("S", 1))
    sold = next((unit for unit in block if unit.side < 0 and unit.kind != "S"), Unit("S", 1))
    part = ratios.strike * PER_CENT * long.strike
    put_gap, call_gap = max(0, price - long.strike), max(0, long.strike - price)
    owed = max(sold.mark, Fraction(max(0, sold.strike - price)))
    offers = {
        "+/": long_part * price,
        "-/": short,
        "+/C": long_part * min(price, sold.strike) + sold.mark,
        "-/P": short + owed,
        "+P/": min(part + put_gap, long_part * price),
        "-C/": min(part + call_gap, short),
        "+P/C=": part + sold.mark,
        "+P/C<": min(part + put_gap, long_part * sold.strike) + sold.mark,
        "-C/P=": part + owed,
    }
    if shape in offers:
        yield offers[shape]


def _initial(rules: Rules, ratios: Ratios, block: tuple[Unit, ...]) -> Iterator[Fraction]:
    if all(unit.kind != "S" for unit in block):
        yield from _without_spot(rules, ratios, block)
        return
    shape, price = _shape(block), rules.price
    sold = next((unit for unit in block if unit.side < 0 and unit.kind != "S"), Unit("S", 1))
    long = ratios.spot * PER_CENT * price
    short = max(ratios.spot_short * PER_CENT * price, Fraction(ratios.floor))
    owed = max(sold.mark, Fraction(max(0, sold.strike - price)))
    offers = {
        "+/": long,
        "-/": short,
        "+/C": long + sold.mark,
        "-/P": short + owed,
        "+P/": long,
        "-C/": short,
        "+P/C=": long + sold.mark,
        "+P/C<": long + sold.mark,
        "-C/P=": short + owed,
    }
    if shape in offers:
        yield offers[shape]
