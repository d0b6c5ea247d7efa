"""A model that joins the table of models is served everywhere by what it says of itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_engine.models import registry
from margingate_engine.models.cross import CrossModel
from margingate_engine.portfolio.margin_model import Regime
from margingate_server.files.models import read_models
from margingate_server.files.policy import parse_policy
from margingate_server.ledger.numbers import PolicyNumbers
from tests.unit.files.test_models import CROSS
from tests.unit.files.test_policy import TABLE
from tests.unit.rpc.gate import Gate, leg, order

PORTFOLIO = types.MARGIN_REGIME_PORTFOLIO


class ToyModel(CrossModel):
    """Says of itself what nobody else knows: its name and its regime."""

    name = "toy"
    regime = Regime.PORTFOLIO


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gate:
    monkeypatch.setitem(registry.MODELS, "toy", ToyModel.from_mapping)
    path = tmp_path / "toy.toml"
    path.write_text(CROSS.replace("SOL", "BTC"))
    gate = Gate()
    asked = parse_policy({"toy": {**TABLE, "experience_tier_min": 0, "fallback": "span"}})
    gate.next_terms = replace(
        gate.next_terms,
        others={"toy": read_models({"toy": path})["toy"]},
        policy=PolicyNumbers(qualifications=asked),
    )
    gate.reload()
    return gate.open(usd="200000")


def test_it_is_listed_compared_and_margins_who_chooses_it(gate: Gate) -> None:
    listed = gate.ok("ListModels", market.ListModelsRequest()).models
    assert [(each.model, each.regime) for each in listed][1:] == [("toy", PORTFOLIO)]
    compared = gate.ok("CompareRegimes", pb.CompareRegimesRequest(account="a")).regimes
    assert [(each.basis.model, each.regime) for each in compared][1:] == [("toy", PORTFOLIO)]
    chosen = pb.SetMarginRegimeRequest(request_id="chosen", account="a", model="toy")
    assert gate.ok("SetMarginRegime", chosen).account.regime == PORTFOLIO
    shown = gate.ok("GetAccount", pb.GetAccountRequest(account="a")).account
    (named,) = gate.ok("ListAccounts", pb.ListAccountsRequest()).accounts
    assert (shown.model, shown.regime) == (named.model, named.regime) == ("toy", PORTFOLIO)
    assert gate.check(order(leg("NEAR", "0.1", "101000"))).decision.basis.model == "toy"
