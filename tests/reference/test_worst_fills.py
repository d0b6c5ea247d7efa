"""The closed form of the worst fills against every fill, in numbers and in whole accounts."""

import random
from fractions import Fraction
from itertools import product

import pytest

from tests.reference.brute_force import PlainGroup, PlainOrder, worst_headroom
from tests.reference.contracts import USD as CASH
from tests.reference.legs import LegLot
from tests.reference.margin import Group, Working
from tests.reference.oracle import Oracle
from tests.reference.orders import Leg, OpenLeg, Order
from tests.reference.small_world import COIN, INSTRUMENTS, MARKET, USD, hold, small_oracle


def random_group(seed: int, *, bases: bool) -> tuple[Group, PlainGroup]:
    source = random.Random(seed)
    names, buckets = ("A", "B"), ("near", "far", "spot")

    def numbers() -> list[int]:
        return [source.randint(-50, 50) for _ in range(16)]

    def charges() -> dict[str, int]:
        return {bucket: source.randint(-9, 9) for bucket in buckets} if bases else {}

    group = Group(rows=numbers())
    group.charges.update(charges())
    group.held = {name: source.randint(-4, 4) for name in names}
    group.minimums = {name: source.choice((0, 7, 30)) for name in names}
    orders = []
    for _ in range(3):
        loss, rows, charge = min(0, source.randint(-20, 10)), numbers(), charges()
        name, side, lots = source.choice(names), source.choice((1, -1)), source.randint(1, 3)
        lot = LegLot(flows={}, gain=loss, rows=tuple(rows), charges=charge)
        group.working.append(Working(symbol=name, side=side, lots=lots, lot=lot))
        orders.append(
            PlainOrder(instrument=name, side=side, lots=lots, loss=loss, rows=rows, charges=charge)
        )
    plain = PlainGroup(
        rows=list(group.rows),
        charges=dict(group.charges),
        held=group.held,
        minimums=group.minimums,
        orders=orders,
    )
    return group, plain


@pytest.mark.parametrize("seed", range(150))
def test_without_a_basis_the_closed_form_is_the_worst_fill(seed: int) -> None:
    group, plain = random_group(seed, bases=False)
    assert group.is_exact()
    assert group.worst() == worst_headroom(0, [plain])


def test_with_a_basis_the_closed_form_is_never_above_the_worst_fill_and_sometimes_below() -> None:
    gaps = []
    for seed in range(150):
        group, plain = random_group(seed, bases=True)
        gaps.append(worst_headroom(0, [plain]) - group.worst())
        assert not group.is_exact() or gaps[-1] == 0
    assert min(gaps) >= 0
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
