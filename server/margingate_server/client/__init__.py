"""The Python client for routers, back office and risk.

>>> from margingate_server.client import MarginGate, buy, may_send
>>> with MarginGate.connect("127.0.0.1:50051") as gate:  # doctest: +SKIP
...     answer = gate.check_order("desk-1", buy("2.5", "BTC-27DEC26-100000-C", "0.0345"))
...     is_for_the_venue = may_send(answer)
"""

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1.account_service_pb2 import (
    AccountSummary,
    AdjustCollateralResponse,
    Alert,
    CollateralValue,
    CompareRegimesResponse,
    CreateAccountResponse,
    EntryDeposit,
    GetAccountResponse,
    GetMarginResponse,
    GetOutlookResponse,
    LiquidationPrice,
    ListAccountsResponse,
    MoveMarginResponse,
    PositionRisk,
    RankAccountsResponse,
    RankedAccount,
    RegimeMargin,
    SetMarginRegimeResponse,
    SetPositionsResponse,
    SimulatePortfolioResponse,
    StreamAlertsResponse,
    WatchAccountResponse,
)
from margingate.v1.admin_service_pb2 import (
    EngageKillSwitchResponse,
    GetLimitsResponse,
    KillSwitch,
    Limits,
    ReloadParametersResponse,
    SetLimitsResponse,
)
from margingate.v1.margin_service_pb2 import (
    AmendOrderResponse,
    CheckOrderResponse,
    ConfirmAmendResponse,
    GetDecisionResponse,
    GetMaxOrderSizeResponse,
    ListOrdersResponse,
    PreviewOrderResponse,
    RejectAmendResponse,
    ReleaseAllResponse,
    ReleaseOrderResponse,
    ReportFillResponse,
)
from margingate.v1.market_service_pb2 import (
    CollateralTerms,
    GetMarketResponse,
    GetRiskArrayResponse,
    InstrumentState,
    ListModelsResponse,
    MarginModel,
    PublishSettlementPricesResponse,
    UnderlyingState,
)
from margingate.v1.types_pb2 import (
    Balance,
    Basis,
    Decision,
    ExplanationNode,
    OpenOrder,
    OrderLeg,
    Position,
    Risk,
    ScenarioTable,
    WorstScenario,
)
from margingate_server.client.accounts import AccountRanking, Accounts, StatedPosition
from margingate_server.client.admin import Admin, KillMode, KillScope
from margingate_server.client.amounts import Amount
from margingate_server.client.decisions import is_accepted, may_send
from margingate_server.client.errors import FieldViolation, MargingateCallError
from margingate_server.client.gate import MarginGate
from margingate_server.client.ids import new_id
from margingate_server.client.json_text import to_json, to_json_line
from margingate_server.client.market import ExpiryPrice, Market, Settlement
from margingate_server.client.names import enum_name, enum_names
from margingate_server.client.orders import NO_TERMS, Execution, Leg, Order, Side, Terms, buy, sell
from margingate_server.client.retry import RetryPolicy
from margingate_server.client.watching import AlertKind, Severity, Watching

__all__ = [
    "NO_TERMS",
    "AccountRanking",
    "AccountSummary",
    "Accounts",
    "AdjustCollateralResponse",
    "Admin",
    "Alert",
    "AlertKind",
    "AmendOrderResponse",
    "Amount",
    "Balance",
    "Basis",
    "CheckOrderResponse",
    "CollateralTerms",
    "CollateralValue",
    "CompareRegimesResponse",
    "ConfirmAmendResponse",
    "CreateAccountResponse",
    "Decision",
    "EngageKillSwitchResponse",
    "EntryDeposit",
    "Execution",
    "ExpiryPrice",
    "ExplanationNode",
    "FieldViolation",
    "GetAccountResponse",
    "GetDecisionResponse",
    "GetLimitsResponse",
    "GetMarginResponse",
    "GetMarketResponse",
    "GetMaxOrderSizeResponse",
    "GetOutlookResponse",
    "GetRiskArrayResponse",
    "InstrumentState",
    "KillMode",
    "KillScope",
    "KillSwitch",
    "Leg",
    "Limits",
    "LiquidationPrice",
    "ListAccountsResponse",
    "ListModelsResponse",
    "ListOrdersResponse",
    "MarginGate",
    "MarginModel",
    "MargingateCallError",
    "Market",
    "Message",
    "MoveMarginResponse",
    "OpenOrder",
    "Order",
    "OrderLeg",
    "Position",
    "PositionRisk",
    "PreviewOrderResponse",
    "PublishSettlementPricesResponse",
    "RankAccountsResponse",
    "RankedAccount",
    "RegimeMargin",
    "RejectAmendResponse",
    "ReleaseAllResponse",
    "ReleaseOrderResponse",
    "ReloadParametersResponse",
    "ReportFillResponse",
    "RetryPolicy",
    "Risk",
    "ScenarioTable",
    "SetLimitsResponse",
    "SetMarginRegimeResponse",
    "SetPositionsResponse",
    "Settlement",
    "Severity",
    "Side",
    "SimulatePortfolioResponse",
    "StatedPosition",
    "StreamAlertsResponse",
    "Terms",
    "Timestamp",
    "UnderlyingState",
    "WatchAccountResponse",
    "Watching",
    "WorstScenario",
    "buy",
    "enum_name",
    "enum_names",
    "is_accepted",
    "may_send",
    "new_id",
    "sell",
    "to_json",
    "to_json_line",
]
