"""Effects of orders that are gone are given back, and those of open orders stay the same."""

import random
from unittest.mock import patch

import numpy as np
import pytest

from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.revaluation import holdings as module
from margingate_engine.revaluation.account_holdings import holdings_of
from margingate_engine.revaluation.holdings import Holdings
from margingate_engine.revaluation.revalue import revalued
from tests.property.chain import World, worlds

EFFECTS_MIN = 20
ACCOUNTS = 4


@pytest.fixture(scope="module")
def world() -> World:
    return worlds()[0]


def quoting(world: World, draw: random.Random) -> Portfolio:
    """An account that quotes at prices it never had before."""
    rows = [row for row, is_priced in enumerate(world.arrays.priced_i) if is_priced]
    portfolio = Portfolio(fees=world.fees)
    for number in range(draw.randint(0, 3)):
        price_nano = draw.randint(10**6, 10**8)
        leg = OpenLeg(
            row=draw.choice(rows), side=draw.choice(list(Side)), lots=1, price_nano=price_nano
        )
        portfolio.legs[f"o{number}"] = (leg,)
    return portfolio


def test_effects_are_as_many_as_orders_need_and_margins_stay_exact(world: World) -> None:
    draw, open_legs = random.Random(7), dict[str, Portfolio]()
    with patch.object(module, "EFFECTS_MIN", EFFECTS_MIN):
        held = Holdings()
        for version in range(200):
            name = f"a{version % ACCOUNTS}"
            open_legs[name] = quoting(world, draw)
            held.put(holdings_of(name, version, open_legs[name], world.table), world.table)
            if version % 5:
                continue
            found = revalued(held, world.arrays)
            assert found is not None
            for number, account in enumerate(found.accounts):
                alone = AccountRisk.of(open_legs[account], world.arrays).risk
                assert int(found.headroom_a[number]) == alone.headroom
    assert len(held.effects) < EFFECTS_MIN + 3 * ACCOUNTS


def test_an_effect_has_one_number_before_and_after_others_are_given_back(world: World) -> None:
    row = next(row for row, is_priced in enumerate(world.arrays.priced_i) if is_priced)
    effects = Holdings().effects
    legs = [OpenLeg(row=row, side=Side.BUY, lots=1, price_nano=10**9 + n) for n in range(5)]
    numbers = [effects.number(world.table, world.fees, leg) for leg in legs]
    assert numbers == [1, 2, 3, 4, 5]
    known = effects.known().tolist()
    kept = np.array([0, 2, 5], dtype=np.int64)
    assert effects.keep(kept).tolist() == [0, 0, 1, 0, 0, 2]
    assert effects.known().tolist() == [known[0], known[2], known[5]]
    assert [effects.number(world.table, world.fees, leg) for leg in (legs[1], legs[4])] == [1, 2]
    assert effects.number(world.table, world.fees, legs[0]) == 3
