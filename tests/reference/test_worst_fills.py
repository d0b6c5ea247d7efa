"""The closed form of the worst fills against every fill, in numbers and in whole accounts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import pytest

from tests.reference.brute_force import PlainGroup, PlainLeg, PlainUnits, worst_headroom
from tests.reference.contracts import USD as CASH
from tests.reference.legs import LegLot
from tests.reference.margin import Group, Part, Working
from tests.reference.oracle import Oracle
from tests.reference.orders import Leg, OpenLeg, Order
from tests.reference.small_world import COIN, INSTRUMENTS, MARKET, USD, hold, small_oracle

NAMES = {0: ("A", "B"), 1: ("C", "D")}
BUCKETS = ("near", "far", "spot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Random groups and orders in both languages: what the closed form is of, and plain numbers."""

    groups: tuple[Group, ...]
    plain: tuple[PlainGroup, ...]
    orders: tuple[PlainUnits, ...]

    @property
    def closed_form(self) -> int:
        return sum(group.worst() for group in self.groups)

    @property
    def by_trying(self) -> int:
        return worst_headroom(0, self.plain, self.orders)

    @property
    def is_exact(self) -> bool:
        return all(group.is_exact() for group in self.groups)


class Source:
    """Random numbers small enough to try every fill of what is made of them."""

    def __init__(self, seed: int, *, bases: bool, groups: int, minimums: bool = True) -> None:
        self.random = random.Random(seed)
        self.bases, self.groups, self.minimums = bases, groups, minimums

    def rows(self) -> list[int]:
        return [self.random.randint(-50, 50) for _ in range(16)]

    def charges(self) -> dict[str, int]:
        return {bucket: self.random.randint(-9, 9) for bucket in BUCKETS} if self.bases else {}

    def group(self, number: int) -> Group:
        group = Group(rows=self.rows())
        group.charges.update(self.charges())
        group.held = {name: self.random.randint(-4, 4) for name in NAMES[number]}
        sizes = (0, 7, 30) if self.minimums else (0,)
        group.minimums = {name: self.random.choice(sizes) for name in NAMES[number]}
        return group

    def leg(self, *, ratio: int = 1, group: int | None = None) -> PlainLeg:
        number = self.random.randrange(self.groups) if group is None else group
        return PlainLeg(
            instrument=self.random.choice(NAMES[number]),
            side=self.random.choice((1, -1)),
            gain=self.random.randint(-20, 10),
            rows=self.rows(),
            charges=self.charges(),
            ratio=ratio,
            group=number,
        )

    def order(self, kind: str) -> list[PlainUnits]:
        """Units of a combo or of one leg, sometimes with lots that are left of a unit."""
        legs = [self.leg(ratio=self.random.randint(1, 2)) for _ in range(2)]
        legs = legs if "combo" in kind else [self.leg()]
        choices = [legs, self.at_another_limit(legs)] if "changed" in kind else [legs]
        parts = [PlainUnits(units=self.random.randint(1, 2), choices=choices)]
        if self.random.random() < 0.4:
            parts.append(PlainUnits(units=1, choices=[[replace(legs[0], ratio=1)]]))
        return parts

    def at_another_limit(self, legs: Sequence[PlainLeg]) -> list[PlainLeg]:
        """The same legs with other gains, rows and charges."""
        return [
            replace(
                leg, gain=self.random.randint(-20, 10), rows=self.rows(), charges=self.charges()
            )
            for leg in legs
        ]


def drawn(source: Source, *kinds: str) -> Draw:
    """Groups with one order of each kind."""
    groups = [source.group(number) for number in range(source.groups)]
    plain = tuple(
        PlainGroup(
            rows=list(group.rows),
            charges=dict(group.charges),
            held=group.held,
            minimums=group.minimums,
        )
        for group in groups
    )
    orders = tuple(each for kind in kinds for each in source.order(kind))
    for order in orders:
        _put(groups, order)
    return Draw(groups=tuple(groups), plain=plain, orders=orders)


def _put(groups: Sequence[Group], order: PlainUnits) -> None:
    """An order into the groups that the closed form is computed of."""
    numbers = {leg.group for choice in order.choices for leg in choice}
    for number in sorted(numbers):
        groups[number].working.append(
            Working(
                units=order.units,
                choices=tuple(_parts(choice, number) for choice in order.choices),
                combo=len(order.choices[0]) > 1,
                whole=len(numbers) == 1,
            )
        )


def _parts(choice: Sequence[PlainLeg], number: int) -> tuple[Part, ...]:
    return tuple(
        Part(
            symbol=leg.instrument,
            side=leg.side,
            ratio=leg.ratio,
            lot=LegLot(flows={}, gain=leg.gain, rows=tuple(leg.rows), charges=leg.charges),
        )
        for leg in choice
        if leg.group == number
    )


KINDS = {
    "legs alone": ("alone", "alone", "alone"),
    "a combo": ("combo", "alone"),
    "two combos": ("combo", "combo"),
    "a change": ("changed", "alone", "alone"),
    "two changes": ("changed", "changed"),
    "a changed combo": ("changed combo", "alone"),
    "everything": ("changed combo", "combo"),
}


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("minimums", [False, True])
def test_where_exact_is_claimed_the_closed_form_is_the_worst_fill(
    kinds: tuple[str, ...], minimums: bool
) -> None:
    """[SPAN-15] without a basis and in one group: only a minimum that binds makes a bound."""
    exact = 0
    for seed in range(60):
        draw = drawn(Source(seed, bases=False, groups=1, minimums=minimums), *kinds)
        assert draw.closed_form <= draw.by_trying
        if draw.is_exact:
            exact += 1
            assert draw.closed_form == draw.by_trying
    assert exact >= (60 if not minimums or "combo" not in "".join(kinds) else 10)


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("groups", [1, 2])
def test_with_a_basis_or_several_groups_it_is_never_above_and_sometimes_below(
    kinds: tuple[str, ...], groups: int
) -> None:
    """[SPAN-14, SPAN-16, SPAN-17]"""
    gaps = []
    for seed in range(60):
        draw = drawn(Source(seed, bases=groups == 1, groups=groups), *kinds)
        gaps.append(draw.by_trying - draw.closed_form)
        assert not draw.is_exact or gaps[-1] == 0
    assert min(gaps) >= 0
    assert max(gaps) > 0 or (groups > 1 and "combo" not in "".join(kinds))


def test_a_minimum_that_binds_is_a_bound_for_a_combo() -> None:
    """[SPAN-15]"""
    for kinds in (("combo", "alone"), ("changed combo", "alone")):
        draws = (drawn(Source(seed, bases=False, groups=1), *kinds) for seed in range(200))
        gaps = [draw.by_trying - draw.closed_form for draw in draws if not draw.is_exact]
        assert max(gaps) > 0


def random_account(seed: int) -> tuple[Oracle, list[Leg]]:
    source = random.Random(seed)
    haircut = Fraction(source.choice(("0", "0.07")))
    oracle = small_oracle(collateral_haircut=haircut)
    cash = oracle.accounts["a"].cash
    cash[CASH] = source.randint(-(10**4), 10**6) * USD
    cash["BTC"] = source.randint(-COIN, 5 * COIN)
    for symbol in source.sample([s for s in INSTRUMENTS if s != "BTC"], 3):
        hold(oracle, symbol, source.choice((-7, -1, 1, 4)))
    legs = []
    for symbol in source.sample(list(INSTRUMENTS), 3):
        instrument = INSTRUMENTS[symbol]
        price = MARKET.mark_of(instrument) * Fraction(source.randint(90, 110), 100)
        on_tick = max(round(price / instrument.tick), 1) * instrument.tick
        quantity = source.randint(1, 9) * instrument.lot
        side = source.choice((1, -1))
        legs.append(Leg(symbol=symbol, side=side, quantity=quantity, price=on_tick))
    return oracle, legs


@pytest.mark.parametrize("seed", range(60))
def test_no_fills_at_the_limits_leave_less_than_what_was_held_for(seed: int) -> None:
    oracle, legs = random_account(seed)
    limits = oracle.limits("a")
    answer = oracle.decider.decide(
        oracle.accounts["a"], Order(order_id="o", legs=tuple(legs)), limits
    )
    assert answer.after is not None
    worst = answer.after.headroom
    for filled in product((False, True), repeat=len(legs)):
        tried, _ = random_account(seed)
        for leg, fills in zip(legs, filled, strict=True):
            if fills:
                lots = int(leg.quantity / INSTRUMENTS[leg.symbol].lot)
                assert leg.price is not None
                tried.fill(
                    "a",
                    "o",
                    OpenLeg(symbol=leg.symbol, side=leg.side, lots=lots, price=leg.price),
                    fee=0,
                )
        assert tried.risk("a").headroom >= worst, filled
