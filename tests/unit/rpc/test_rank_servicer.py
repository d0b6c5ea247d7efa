"""RankAccounts on the wire."""

import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate_server.service.desk import Desk
from tests.unit.rpc.gate import Gate, leg, order


@pytest.fixture
def gate() -> Gate:
    gate = Gate().open("rich", usd="90000").open("poor", usd="900").open("a", usd="5000")
    gate.check(order(leg("CALL", "-0.1", "200")))
    return gate


def revalued(gate: Gate) -> None:
    """All accounts margined, as the server's own thread does it."""

    def use(desk: Desk, now_ns: int) -> None:
        desk.revaluing.put(desk.revaluing.take(100))
        desk.revaluing.figures(desk.shard.market.view, now_ns)

    gate.lane.look(use)


def test_accounts_stand_in_the_order_asked_for(gate: Gate) -> None:
    revalued(gate)
    answer = gate.ok("RankAccounts", pb.RankAccountsRequest(by=pb.ACCOUNT_RANKING_HEADROOM))
    assert [each.account for each in answer.accounts] == ["poor", "a", "rich"]
    assert (answer.account_count, answer.unknown_count) == (3, 0)
    two = gate.ok(
        "RankAccounts", pb.RankAccountsRequest(by=pb.ACCOUNT_RANKING_HEADROOM, page_size=2)
    )
    assert list(two.accounts) == list(answer.accounts)[:2]
    assert two.account_count == 3


def test_figures_are_those_of_get_margin(gate: Gate) -> None:
    revalued(gate)
    answer = gate.ok("RankAccounts", pb.RankAccountsRequest())
    (of_a,) = [each for each in answer.accounts if each.account == "a"]
    margin = gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    assert of_a.positions_only == margin.positions_only
    assert of_a.headroom == margin.risk.headroom
    assert of_a.state == pb.MARGIN_STATE_HEALTHY
    assert answer.market_version == margin.basis.market_version
    assert answer.market_time == margin.basis.market_time


def test_who_is_given_time_before_liquidation_stands_as_get_account_says(gate: Gate) -> None:
    def lose_most(desk: Desk, _now_ns: int) -> None:
        state = desk.shard.account("a")
        state.portfolio.cash["USD"] = -(10**12)
        state.liquidation_not_before_ns = gate.clock.ns + 1
        desk.shard.forget_view("a")

    gate.lane.look(lose_most)
    revalued(gate)
    answer = gate.ok("RankAccounts", pb.RankAccountsRequest())
    (of_a,) = [each for each in answer.accounts if each.account == "a"]
    assert of_a.state == pb.MARGIN_STATE_MARGIN_CALL
    gate.clock.ns += 1
    answer = gate.ok("RankAccounts", pb.RankAccountsRequest())
    (of_a,) = [each for each in answer.accounts if each.account == "a"]
    assert of_a.state == pb.MARGIN_STATE_LIQUIDATION


def test_before_the_first_revaluation_there_is_no_ranking(gate: Gate) -> None:
    answer = gate.answer("RankAccounts", pb.RankAccountsRequest())
    assert answer.code.name == "FAILED_PRECONDITION"
    assert answer.reason == "MARKET_DATA_MISSING"


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"by": 99}, "by"), ({"page_size": -1}, "page_size"), ({"page_size": 1_001}, "page_size")],
)
def test_a_request_that_makes_no_sense_names_its_field(
    gate: Gate, asked: dict[str, int], field: str
) -> None:
    answer = gate.answer("RankAccounts", pb.RankAccountsRequest(**asked))
    assert answer.fields == (field,)
