"""Whatever is asked of a desk, the risk it keeps in step is the risk worked out anew, exactly."""

from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from math import gcd
from random import Random

import pytest

from margingate_engine.core.orders import Execution
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.service.refusals import AmendPending, NotNow
from tests.unit.engine.small_market import INSTRUMENTS, MARKS, NANO
from tests.unit.service.in_step import assert_folds_again, assert_in_step
from tests.unit.service.small_desk import SmallDesk, small_desk, update

STEPS = 250
TRADED = [each for each in INSTRUMENTS if each.underlying == "BTC"]


class Session:
    """Random calls on accounts of one desk."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.desk: SmallDesk = small_desk()
        for account, tier in (("a", "charged"), ("b", "default")):
            self.desk.open(account, usd="5000000", coins="40", tier=tier)
        self.marks = dict(MARKS)
        self.index = 100_000.0
        self.listed = 0

    def step(self) -> None:
        calls = (
            *(self.check,) * 6,
            *(self.fill,) * 4,
            *(self.release,) * 2,
            *(self.amend,) * 3,
            *(self.hear_from_the_venue,) * 2,
            self.release_all,
            self.adjust,
            self.state,
            self.move_market,
            self.age_market,
            self.lose_and_find_a_price,
            self.list_more,
        )
        self.random.choice(calls)()

    def price(self, name: str) -> str:
        instrument = self.desk.state.table.instruments[self.desk.row(name)]
        mark = self.index if name == "BTC" else self.marks[name]
        nano = round(mark * self.random.uniform(0.9, 1.1) * NANO)
        tick_nano = instrument.tick_nano_at(nano)
        return format(Decimal(max(1, nano // tick_nano) * tick_nano) / NANO, "f")

    def lots(self) -> int:
        return self.random.choice((-1, 1)) * self.random.randint(1, 30)

    def name(self) -> str:
        return self.random.choice(TRADED).name

    def check(self) -> None:
        names = [self.name() for _ in range(self.random.choice((1, 1, 1, 2, 4)))]
        several = (Execution.ATOMIC_COMBO, Execution.INDEPENDENT_LEGS)
        self.desk.check(
            *(self.desk.leg(name, self.lots(), self.price(name)) for name in names),
            execution=self.random.choice(several) if len(names) > 1 else None,
            is_reduce_only=self.random.random() < 0.2,
        )

    def amend(self) -> None:
        """Ask for other lots and prices; of a combo for more or fewer of its units."""
        account = self.desk.account()
        if not account.orders:
            return
        order_id = self.random.choice(sorted(account.orders))
        memo = account.orders[order_id]
        units = gcd(*memo.totals)
        new_units = self.random.randint(1, units + 3)
        legs = []
        for (name, side), total in zip(memo.sides, memo.totals, strict=True):
            lots = self.random.randint(1, total + 10)
            if memo.execution == Execution.ATOMIC_COMBO.value:
                lots = total // units * new_units
            legs.append(self.desk.amend_leg(name, side * lots, self.price(name)))
        is_pending = order_id in account.portfolio.amendments
        with pytest.raises(AmendPending) if is_pending else nullcontext():
            self.desk.amend(order_id, *legs)

    def hear_from_the_venue(self) -> None:
        pending = sorted(self.desk.account().portfolio.amendments)
        order_id = self.random.choice(pending) if pending else "unheard"
        self.random.choice((self.desk.confirm, self.desk.withdraw))(order_id)

    def fill(self) -> None:
        portfolio = self.desk.account().portfolio
        if portfolio.legs and self.random.random() < 0.8:
            order_id = self.random.choice(sorted(portfolio.legs))
            # A venue may fill a change before it tells of it.
            both = portfolio.legs[order_id] + portfolio.amendments.get(order_id, ())
            leg = self.random.choice(both)
            name = self.desk.state.table.instruments[leg.row].name
            lots = int(leg.side) * self.random.randint(1, leg.lots + 1)
        else:
            order_id, name, lots = "unheard", self.name(), self.lots()
        fee = self.random.choice((None, "0.001", "-0.001"))
        self.desk.fill(order_id, name, lots, self.price(name), fee=fee)

    def release(self) -> None:
        order_ids = sorted(self.desk.account().portfolio.legs)
        self.desk.release(self.random.choice(order_ids) if order_ids else "unheard")

    def release_all(self) -> None:
        self.desk.desk.orders.release_all("a", self.desk.fresh_id(), "d", self.desk.now_ns)

    def adjust(self) -> None:
        asset = self.random.choice(("USD", "BTC"))
        try:
            self.desk.deposit(str(self.random.randint(-5, 5) or 1), asset)
        except NotNow:
            return

    def state(self) -> None:
        names = {self.name() for _ in range(3)} - {"BTC"}
        try:
            self.desk.hold(**{name.replace("-", "_"): self.lots() for name in names})
        except NotNow:
            return

    def move_market(self) -> None:
        factor = self.random.uniform(0.97, 1.03)
        self.index *= factor
        self.marks = {
            name: mark if name.startswith("COIN-") and name.endswith(("CALL", "PUT"))
            else mark * factor
            for name, mark in self.marks.items()
        }  # fmt: skip
        self.desk.quote(update(self.marks, index=self.index))

    def age_market(self) -> None:
        self.desk.now_ns += 1
        self.desk.quote(update(self.marks, index=self.index))

    def lose_and_find_a_price(self) -> None:
        name = self.random.choice(("NEAR", "FAR", "COIN-FAR"))
        self.desk.quote(update({name: 0.0}, index=None))
        self.random.choice((self.fill, self.release, self.check))()
        if self.random.random() < 0.7:
            self.desk.quote(update(self.marks, index=self.index))

    def list_more(self) -> None:
        self.listed += 1
        changed = (
            replace(INSTRUMENTS[0], name=f"EXTRA-{self.listed}"),
            replace(INSTRUMENTS[1], tick_nano=NANO // (2 * self.listed)),
        )
        market = self.desk.shard.market
        view = market.planned_listing(changed)
        self.desk.shard.record(InstrumentsListed(instruments=changed), self.desk.now_ns)
        market.view = view


@pytest.mark.parametrize("seed", range(12))
def test_the_risk_kept_in_step_is_the_risk_worked_out_anew(seed: int) -> None:
    session = Session(seed)
    priced = 0
    for step in range(STEPS):
        session.step()
        priced += assert_in_step(session.desk, "a")
        if step % 10 == 0:
            assert_folds_again(session.desk)
    assert_in_step(session.desk, "b")
    assert priced > STEPS // 2
    kinds = {each.kind for each in session.desk.events()}
    assert {"order_accepted", "fill_reported", "orders_released", "positions_set"} <= kinds
    assert "amend_accepted" in kinds
    assert {"amend_confirmed", "amend_withdrawn"} & kinds
    assert_folds_again(session.desk)
