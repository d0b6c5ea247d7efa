"""Portfolios under models that they are not margined by, from message to message."""

from dataclasses import replace
from typing import Any

import grpc
import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import model
from tests.property.model_worlds import STRATEGY
from tests.unit.engine.check.test_compare import CROSS_PARAMETERS
from tests.unit.rpc.gate import Gate, leg, order
from tests.unit.service.small_desk import AGE_LIMITS

Code = grpc.StatusCode
CROSS = {"BTC": CROSS_PARAMETERS}
OTHERS = {name: model(name, CROSS) for name in ("cross", "isolated")}


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    gate.next_terms = replace(gate.next_terms, others=OTHERS)
    gate.reload()
    return gate.open(usd="100000", coins="2")


def portfolio(usd: str = "0", coins: str = "0", **quantity_by_name: str) -> pb.StatedPortfolio:
    """A statement, `_` for `-` in names."""
    return pb.StatedPortfolio(
        positions=[
            types.Position(instrument=name.replace("_", "-"), quantity=quantity)
            for name, quantity in quantity_by_name.items()
        ],
        collateral=[
            types.Balance(currency="USD", amount=usd),
            types.Balance(currency="BTC", amount=coins),
        ],
    )


def hold(gate: Gate, **quantity_by_name: str) -> None:
    stated = portfolio(**quantity_by_name).positions
    gate.ok("SetPositions", pb.SetPositionsRequest(request_id="p", account="a", positions=stated))


def test_an_account_is_shown_under_every_model_as_its_margin_would_be(gate: Gate) -> None:
    hold(gate, CALL="-1", NEAR="0.3", COIN_CALL="-0.2", COIN_FAR="1000")
    answer = gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a"))
    assert [each.basis.model for each in answer.regimes] == ["span", "cross", "isolated"]
    for each in answer.regimes:
        change = pb.SetMarginRegimeRequest(
            request_id=each.basis.model,
            account="a",
            model=each.basis.model,
            force=True,
            reason="test",
        )
        gate.ok("SetMarginRegime", change)
        margin = gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
        assert each.risk == margin.risk
        assert list(each.worst) == list(margin.worst)
        assert each.exactness == margin.exactness
        assert each.basis.parameters_digest == margin.basis.parameters_digest
        assert each.basis.market_digest == margin.basis.market_digest
    assert [each.regime for each in answer.regimes] == [
        types.MARGIN_REGIME_PORTFOLIO,
        types.MARGIN_REGIME_CROSS,
        types.MARGIN_REGIME_ISOLATED,
    ]
    assert answer.regimes[0].basis.account_version == 4


def test_an_account_with_wallets_is_compared_with_them(gate: Gate) -> None:
    hold(gate, CALL="-1", NEAR="0.3")
    change = pb.SetMarginRegimeRequest(
        request_id="i", account="a", model="isolated", force=True, reason="test"
    )
    gate.ok("SetMarginRegime", change)
    before = gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a")).regimes[2]
    move = pb.MoveMarginRequest(request_id="w", account="a", instrument="NEAR", amount="5000")
    gate.ok("MoveMargin", move)
    after = gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a")).regimes[2]
    margin = gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    assert (before.basis.model, before.risk == margin.risk) == ("isolated", False)
    assert after.risk == margin.risk


def test_open_orders_and_collateral_of_an_account_are_no_part_of_what_is_compared(
    gate: Gate,
) -> None:
    gate.check(order(leg("PUT", "-1", "100")))
    answer = gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a"))
    margin = gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    assert margin.risk.initial_margin != margin.positions_only.initial_margin
    assert answer.regimes[0].risk == margin.positions_only
    assert [each.capital_used for each in answer.regimes] == ["0", "0", "0"]


def test_a_stated_portfolio_is_bought_from_its_collateral(gate: Gate) -> None:
    stated = portfolio(usd="50000", CALL="-1", FAR_CALL="0.5", BTC="0.1")
    request = pb.CompareRegimesRequest(portfolio=stated)
    span, cross, isolated = gate.ok("CompareRegimes", request).regimes
    assert isolated.capital_used == cross.capital_used, "a position that stands alone is its own"
    assert span.net_option_value == cross.net_option_value == "5800"
    # cross: 10,000 beyond the premium of the short call, and 6,000 paid for half a call.
    assert cross.capital_used == "16000"
    assert (cross.risk.equity, cross.risk.initial_margin) == ("44200", "10200")
    assert cross.binding_component == "short_option_margin"
    # span has all of it in equity, but for the reserve of ten short lots.
    assert span.risk.equity == "49999.99999"
    assert span.basis.account_version == 0
    assert not span.HasField("gain"), "there is no model strategy here"


def test_a_model_without_parameters_says_for_what(gate: Gate) -> None:
    gate.next_terms = replace(
        gate.next_terms, others={"cross": model("cross", {"ETH": CROSS_PARAMETERS})}
    )
    gate.reload()
    span, cross = gate.ok(
        "CompareRegimes", pb.CompareRegimesRequest(portfolio=portfolio(CALL="1"))
    ).regimes
    assert (cross.missing, cross.HasField("risk"), cross.capital_used) == ("CALL", False, "")
    assert (span.missing, span.HasField("risk")) == ("", True)


def test_a_simulation_is_what_an_account_with_that_portfolio_shows(gate: Gate) -> None:
    simulated = gate.ok(
        "SimulatePortfolio",
        pb.SimulatePortfolioRequest(
            portfolio=portfolio(usd="100000", coins="2", CALL="-1", NEAR="0.3")
        ),
    )
    gate.ok(
        "AdjustCollateral",
        pb.AdjustCollateralRequest(request_id="x", account="a", currency="USD", amount="200"),
    )  # the premium that the simulated portfolio brought in
    hold(gate, CALL="-1", NEAR="0.3")
    margin = gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    for field in ("risk", "explanation", "scenarios", "worst", "exactness"):
        assert getattr(simulated, field) == getattr(margin, field), field
    assert (simulated.net_option_value, simulated.basis.model) == ("-200", "span")


def test_decisions_go_on_while_models_work(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each model's arrays are worked out while nobody holds the lane, and for two rows alone."""
    seen: list[tuple[bool, int]] = []
    for each in gate.lane.look(lambda desk, _: desk.shard.market.models).values():
        monkeypatch.setattr(each, "risk_arrays", _watched(each.risk_arrays, gate, seen))
    hold(gate, CALL="-1", NEAR="0.3")
    seen.clear()
    gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a"))
    gate.ok("SimulatePortfolio", pb.SimulatePortfolioRequest(portfolio=portfolio(CALL="1")))
    assert seen == [(False, 2)] * 3 + [(False, 1)]


def _watched(made: Any, gate: Gate, seen: list[tuple[bool, int]]) -> Any:
    def risk_arrays(table: InstrumentTable, snapshot: MarketSnapshot) -> Any:
        seen.append((gate.lane._deciding.locked(), len(table)))
        return made(table, snapshot)

    return risk_arrays


def test_figures_on_prices_too_old_to_decide_by_say_so(gate: Gate) -> None:
    hold(gate, NEAR="0.1")
    stated = portfolio(usd="100000", CALL="0.1")
    coins, cash = portfolio(coins="1"), portfolio(usd="100000")

    def are_stale() -> list[bool]:
        return [
            gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a")).stale,
            *(
                gate.ok("CompareRegimes", pb.CompareRegimesRequest(portfolio=each)).stale
                for each in (stated, coins, cash)
            ),
            gate.ok("SimulatePortfolio", pb.SimulatePortfolioRequest(portfolio=stated)).stale,
        ]

    assert are_stale() == [False] * 5
    gate.clock.ns += AGE_LIMITS.underlying_ns_max + 1
    assert are_stale() == [True, True, True, False, True]


def test_a_simulation_may_name_any_model(gate: Gate) -> None:
    request = pb.SimulatePortfolioRequest(portfolio=portfolio(CALL="1"), model="cross")
    answer = gate.ok("SimulatePortfolio", request)
    assert (answer.basis.model, answer.capital_used) == ("cross", "200")
    request.model = "tims"
    wrong = gate.answer("SimulatePortfolio", request)
    assert (wrong.code, wrong.fields) == (Code.INVALID_ARGUMENT, ("model",))


@pytest.fixture
def rules_gate(gate: Gate) -> Gate:
    """The model strategy beside span."""
    others = {"strategy": model("strategy", {"BTC": STRATEGY})}
    gate.next_terms = replace(gate.next_terms, others=others)
    gate.reload()
    return gate


def test_what_entering_a_portfolio_takes_stands_beside_what_holding_it_requires(
    rules_gate: Gate,
) -> None:
    """[STR-20] 20 % of a covered coin in a margin account, all of it in a cash account."""
    request = pb.CompareRegimesRequest(portfolio=portfolio(coins="1", CALL="-1"))
    span, rules = rules_gate.ok("CompareRegimes", request).regimes
    assert rules.risk.initial_margin == "20200", "the mark of the call is in it"
    margin = pb.EntryDeposit(
        gross_requirement="20000",
        applied_proceeds="200",
        deposit="19800",
        exactness=types.EXACTNESS_EXACT,
    )
    assert rules.margin_account_deposit == margin
    assert rules.cash_account_deposit.deposit == "99800"
    assert not span.HasField("margin_account_deposit")
    assert not span.HasField("cash_account_deposit")
    for name, is_there in (("strategy", True), ("span", False)):
        simulated = rules_gate.ok(
            "SimulatePortfolio",
            pb.SimulatePortfolioRequest(portfolio=request.portfolio, model=name),
        )
        for field in ("margin_account_deposit", "cash_account_deposit"):
            assert simulated.HasField(field) == is_there
            assert getattr(simulated, field) == getattr(rules if is_there else span, field)


def test_a_cash_account_that_does_not_offer_a_position_names_it(rules_gate: Gate) -> None:
    """[STR-20]"""
    hold(rules_gate, NEAR="0.1")
    _, rules = rules_gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a")).regimes
    assert rules.cash_account_deposit == pb.EntryDeposit(not_offered="NEAR")
    # 2 % of the future, 20 % of the two coins that are there.
    assert rules.margin_account_deposit.deposit == "40202"


def entered() -> pb.StatedPortfolio:
    made = portfolio(CALL="1")
    made.positions[0].entry_price = "100"
    return made


def twice() -> pb.StatedPortfolio:
    made = portfolio()
    made.collateral.append(made.collateral[0])
    return made


@pytest.mark.parametrize(
    ("stated", "field"),
    [
        (portfolio(CALL="0.01"), "portfolio.positions[0].quantity"),
        (portfolio(CALL="1", PUT="1e2"), "portfolio.positions[1].quantity"),
        (pb.StatedPortfolio(positions=[*portfolio(PUT="1").positions] * 2), "portfolio.positions"),
        (entered(), "portfolio.positions[0].entry_price"),
        (twice(), "portfolio.collateral"),
        (portfolio(coins="0.0000000000001"), "portfolio.collateral[1].amount"),
        (
            pb.StatedPortfolio(collateral=[types.Balance(currency="DOGE", amount="1")]),
            "portfolio.collateral[0].currency",
        ),
        (
            pb.StatedPortfolio(positions=[*portfolio(PUT="1").positions] * 1_001),
            "portfolio.positions",
        ),
    ],
)
def test_a_malformed_statement_names_its_field(
    gate: Gate, stated: pb.StatedPortfolio, field: str
) -> None:
    for method, request in (
        ("CompareRegimes", pb.CompareRegimesRequest(portfolio=stated)),
        ("SimulatePortfolio", pb.SimulatePortfolioRequest(portfolio=stated)),
    ):
        answer = gate.answer(method, request)
        assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (field,))


def test_what_is_not_known_is_an_error_with_its_name(gate: Gate) -> None:
    answer = gate.answer("CompareRegimes", pb.CompareRegimesRequest(account="b"))
    assert (answer.code, answer.metadata["name"]) == (Code.NOT_FOUND, "b")
    answer = gate.answer("CompareRegimes", pb.CompareRegimesRequest(portfolio=portfolio(NONE="1")))
    assert (answer.code, answer.reason) == (Code.NOT_FOUND, "INSTRUMENT_NOT_FOUND")
    answer = gate.answer("CompareRegimes", pb.CompareRegimesRequest())
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, ("subject",))
    expired = 40 * 86_400 * 10**9
    gate.clock.ns += expired
    gate.quote(market_time_ns=expired)
    answer = gate.answer("CompareRegimes", pb.CompareRegimesRequest(portfolio=portfolio(PUT="1")))
    assert answer.fields == ("portfolio.positions[0].instrument",)


def test_what_has_no_price_or_is_too_much_is_missing(gate: Gate) -> None:
    dark = Gate(is_listed=False).open(usd="5")
    answer = dark.answer("SimulatePortfolio", pb.SimulatePortfolioRequest())
    assert answer.code is Code.OK
    gate.ok("CompareRegimes", pb.CompareRegimesRequest(portfolio=portfolio(SOL_PERPETUAL="0")))
    lots = "100000000000000"
    for method, request in (
        ("CompareRegimes", pb.CompareRegimesRequest(portfolio=portfolio(NEAR=lots))),
        ("SimulatePortfolio", pb.SimulatePortfolioRequest(portfolio=portfolio(NEAR=lots))),
        ("CompareRegimes", pb.CompareRegimesRequest(portfolio=portfolio(SOL_PERPETUAL="1"))),
    ):
        answer = gate.answer(method, request)
        assert (answer.code, answer.reason) == (Code.FAILED_PRECONDITION, "MARKET_DATA_MISSING")
