"""What one account has never keeps the others from their figures."""

from collections.abc import Iterator

import numpy as np
import pytest

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.cross import CrossModel
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.service.regimes import RegimeCommand
from margingate_server.service.revaluing import Revaluing
from tests.unit.engine.small_market import MARKS
from tests.unit.service.margin_figures import figures_of
from tests.unit.service.regime_desk import regime_desk
from tests.unit.service.small_desk import AGE_LIMITS, SECOND_NS, SmallDesk, small_desk, update


def figures(desk: SmallDesk, revaluing: Revaluing) -> AccountFigures:
    while taken := revaluing.take(10):
        revaluing.put(taken)
    return revaluing.figures(desk.shard.market.view, desk.now_ns)


def all_figures(desk: SmallDesk) -> AccountFigures:
    return figures(desk, Revaluing(desk.shard, AGE_LIMITS))


@pytest.fixture
def two() -> SmallDesk:
    """Account a holds something; b may do what it likes."""
    desk = small_desk().open("a", usd="100000000000").open("b", usd="20000000", coins="2")
    desk.hold("a", PERPETUAL=10**6)
    return desk


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("COIN-CALL", "3000"),
        ("CALL", "10000000000"),
        ("CALL", "1" + "0" * 13),
        ("NEAR", "1" + "0" * 13),
    ],
)
def test_an_order_to_sell_at_a_price_beyond_any_changes_nobody_elses_figures(
    two: SmallDesk, name: str, price: str
) -> None:
    assert not two.check(two.leg(name, -1, price), account="b").decision.reason
    found, expected = all_figures(two), figures_of(two)
    assert found.is_known_a.tolist() == [True, True]
    assert found.headroom_a.tolist() == expected.headroom_a.tolist()


def test_equity_beyond_any_range_is_not_known_and_the_others_are(two: SmallDesk) -> None:
    two.deposit("1000000", "BTC", "b")
    revaluing = Revaluing(two.shard, AGE_LIMITS)
    assert figures(two, revaluing).is_known_a.all()
    two.quote(update(index=9e8))
    found = figures(two, revaluing)
    assert found.is_known_a.tolist() == [True, False]
    assert (found.equity_a[0] > 0, found.equity_a[1]) == (True, 0)
    two.quote(update())
    two.deposit("4611666000000", account="b")
    assert figures(two, revaluing).is_known_a.tolist() == [True, False]  # by itself, too


def test_who_is_not_known_has_a_version_all_the_same(two: SmallDesk) -> None:
    two.now_ns += 61 * SECOND_NS
    found = all_figures(two)
    assert not found.is_known_a.any()
    assert found.version_a.tolist() == [two.account(name).version for name in "ab"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Gets an entry for each time that arrays of cross are worked out."""
    calls: list[int] = []
    genuine = CrossModel.risk_arrays

    def counted(self: CrossModel, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        calls.append(1)
        return genuine(self, table, snapshot)

    monkeypatch.setattr(CrossModel, "risk_arrays", counted)
    return calls


def test_arrays_of_a_model_are_worked_out_once_for_all_its_accounts(made: list[int]) -> None:
    desk = regime_desk()
    revaluing = Revaluing(desk.shard, AGE_LIMITS)
    for account in "abcd":
        desk.open(account, usd="200000").hold(account, NEAR=1)
        command = RegimeCommand(
            account=account, model="cross", request_id=desk.fresh_id(), digest="d"
        )
        desk.desk.regimes.set_regime(command, desk.now_ns)
    view = desk.shard.market.view
    view.others._arrays.clear()  # as after a restart, before anybody asks about an account
    made.clear()
    found = figures(desk, revaluing)
    assert np.count_nonzero(found.initial_a) == len("abcd")
    assert len(made) == 1
    desk.quote(update({**MARKS, "NEAR": 97_000}))
    figures(desk, revaluing)
    assert len(made) == 2
