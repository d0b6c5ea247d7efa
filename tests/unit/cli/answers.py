"""Answers of a server as they look on a busy day."""

from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types

AT = Timestamp(seconds=1_800_000_000, nanos=250_000_000)  # 2027-01-15 08:00:00.250 UTC

BASIS = types.Basis(
    market_version=42,
    market_time=AT,
    account_version=7,
    model="span",
    parameters_digest="abcdef0123456789",
    decision_time=AT,
)
BEFORE = types.Risk(
    equity="100000.000000",
    initial_margin="20000.000000",
    maintenance_margin="15000.000000",
    headroom="80000.000000",
)
AFTER = types.Risk(
    equity="100000.000000",
    initial_margin="120000.500000",
    maintenance_margin="15000.000000",
    headroom="-20000.500000",
)
ACCEPTED = types.Decision(
    verdict=types.VERDICT_ACCEPTED,
    before=BEFORE,
    after=BEFORE,
    margin_impact="0.000000",
    exactness=types.EXACTNESS_EXACT,
    worst_after=[types.WorstScenario(group="BTC", scenario=13, description="price -1, vol up")],
    binding_component="scan_risk",
    basis=BASIS,
    order_id="o-1",
)
REJECTED = types.Decision(
    verdict=types.VERDICT_REJECTED,
    reject_reason=types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN,
    detail="legs[0] needs [much] more",
    before=BEFORE,
    after=AFTER,
    margin_impact="100000.500000",
    exactness=types.EXACTNESS_BOUND,
    worst_before=[types.WorstScenario(group="BTC", scenario=13, description="price -1, vol up")],
    worst_after=[types.WorstScenario(group="BTC", scenario=2, description="price 0, vol down")],
    binding_component="basis_charge",
    basis=BASIS,
    order_id="o-1",
    also_failing=[types.REJECT_REASON_PRICE_COLLAR],
)
YES = margin.CheckOrderResponse(decision=ACCEPTED, held=True)
NO = margin.CheckOrderResponse(decision=REJECTED)

TREE = types.ExplanationNode(
    name="initial_margin",
    amount="20000.000000",
    children=[
        types.ExplanationNode(
            name="requirement",
            subject="BTC",
            amount="20000.000000",
            children=[
                types.ExplanationNode(name="scan_risk", subject="BTC", amount="19000.000000"),
                types.ExplanationNode(name="basis_charge", subject="BTC", amount="0.000001"),
            ],
        )
    ],
)
SCENARIOS = types.ScenarioTable(
    group="BTC",
    descriptions=["price 0, vol up", "price 0, vol down"],
    pnl=[10.0, -20.25],
    pnl_with_orders=[-19000.0, -20.25],
)
