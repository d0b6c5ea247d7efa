"""Expiry, settlement and holds that end, among everything else that may be asked. [SPAN-18]"""

from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.service.refusals import NameTaken, NotExpired
from margingate_server.service.settlement import ExpiryPrice
from tests.unit.engine.small_market import FAR_NS, NANO, NEAR_NS
from tests.unit.service import small_desk, test_incremental_risk
from tests.unit.service.in_step import assert_folds_again, assert_in_step

STEPS = 200
EXPIRY_BY_STEP = {60: NEAR_NS, 130: FAR_NS}


class Session(test_incremental_risk.Session):
    """Random calls, with a market's clock that reaches both expiries."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.market_time_ns = small_desk.MARKET_TIME_NS
        self.monotonic_ns = 0
        self.settled_count = self.expired_count = 0
        monkeypatch.setattr(test_incremental_risk, "update", self.update)
        super().__init__(seed)

    def update(self, *marks: Any, **more: Any) -> Any:
        return small_desk.update(*marks, market_time_ns=self.market_time_ns, **more)

    def step(self) -> None:
        ending = (self.check_for_a_while, self.end_holds, self.end_holds, self.settle)
        self.random.choice((*ending, *[super().step] * 8))()

    def state(self) -> None:
        try:
            super().state()
        except InvalidInput:  # names what has settled
            return

    def check_for_a_while(self) -> None:
        name = self.name()
        leg = self.desk.leg(name, self.lots(), self.price(name))
        self.desk.check(leg, hold_ns=self.random.randint(1, 20) * NANO)

    def end_holds(self) -> None:
        open_before = self.desk.state.open_order_count
        self.monotonic_ns += self.random.randint(5, 40) * NANO
        seq = self.desk.desk.expiries.expire_due(self.monotonic_ns, self.desk.now_ns)
        assert 0 <= seq <= self.desk.state.last_seq
        self.expired_count += open_before - self.desk.state.open_order_count

    def settle(self) -> None:
        expiry_ns = self.random.choice((NEAR_NS, FAR_NS))
        price_nano = self.random.choice((80_000, 101_234, 150_000)) * NANO
        price = ExpiryPrice(underlying="BTC", expiry_ns=expiry_ns, price_nano=price_nano)
        try:
            answer = self.desk.desk.settling.settle([price], self.desk.now_ns)
        except NotExpired:
            assert expiry_ns > self.market_time_ns
            return
        except NameTaken:
            return
        self.settled_count += answer.position_count
        self.assert_nothing_is_left()

    def assert_nothing_is_left(self) -> None:
        settled = self.desk.state.settlement_nano.keys()
        for account in self.desk.state.accounts.values():
            portfolio = account.portfolio
            shapes = (*portfolio.legs.values(), *portfolio.amendments.values())
            assert not settled & portfolio.positions.keys()
            assert not settled & {leg.row for shape in shapes for leg in shape}


@pytest.mark.parametrize("seed", range(6))
def test_what_ends_leaves_a_desk_in_step(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(seed, monkeypatch)
    for step in range(STEPS):
        if step in EXPIRY_BY_STEP:
            session.market_time_ns = EXPIRY_BY_STEP[step]
            session.age_market()
        session.step()
        assert_in_step(session.desk, "a")
        session.assert_nothing_is_left()
        if step % 10 == 0:
            assert_folds_again(session.desk)
    assert_in_step(session.desk, "b")
    assert_folds_again(session.desk)
    assert len(session.desk.state.settlement_nano) >= 6
    assert session.settled_count > 0
    assert session.expired_count > 0
