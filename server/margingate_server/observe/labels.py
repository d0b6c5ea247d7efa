"""The closed sets of label values, and the buckets."""

OTHER = "other"
NO_REASON = "none"

METHODS = (
    "AccountService/AdjustCollateral",
    "AccountService/CompareRegimes",
    "AccountService/CreateAccount",
    "AccountService/GetAccount",
    "AccountService/GetMargin",
    "AccountService/GetOutlook",
    "AccountService/ListAccounts",
    "AccountService/SetMarginRegime",
    "AccountService/MoveMargin",
    "AccountService/RankAccounts",
    "AccountService/SetPositions",
    "AccountService/SimulatePortfolio",
    "AdminService/EngageKillSwitch",
    "AdminService/GetLimits",
    "AdminService/ReleaseKillSwitch",
    "AdminService/ReloadParameters",
    "AdminService/ResumeAccount",
    "AdminService/SetExperience",
    "AdminService/SetLimits",
    "AdminService/SuspendAccount",
    "MarginService/AmendOrder",
    "MarginService/BatchCheckOrders",
    "MarginService/BatchPreviewOrders",
    "MarginService/CheckOrder",
    "MarginService/ConfirmAmend",
    "MarginService/GetDecision",
    "MarginService/GetMaxOrderSize",
    "MarginService/ListOrders",
    "MarginService/PreviewOrder",
    "MarginService/RejectAmend",
    "MarginService/ReleaseAll",
    "MarginService/ReleaseOrder",
    "MarginService/ReportFill",
    "MarketService/GetMarket",
    "MarketService/GetRiskArray",
    "MarketService/ListModels",
    "MarketService/PublishInstruments",
    "MarketService/PublishQuotes",
    "MarketService/PublishSettlementPrices",
)

GRPC_CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)

REJECT_REASONS = (
    "request_expired",
    "kill_switch",
    "account_suspended",
    "instrument_not_tradable",
    "off_tick",
    "off_lot",
    "duplicate_order_id",
    "rate_limit",
    "max_order_quantity",
    "max_open_orders",
    "max_position",
    "max_short_options",
    "reduce_only_would_increase",
    "market_data_missing",
    "market_data_stale",
    "max_order_notional",
    "price_collar",
    "greeks_limit",
    "account_in_liquidation",
    "not_qualified",
    "insufficient_collateral_currency",
    "insufficient_initial_margin",
    "still_undermargined",
    "market_data_suspect",
)

STAGES = ("decode", "decide", "commit", "encode")
KILL_SCOPES = ("all", "account", "underlying")
SNAPSHOT_RESULTS = ("made", "failed")
SHED_REASONS = ("overload",)
UPDATE_ERRORS = ("contract_changed", "invalid", "ledger_down", "missing", "unforeseen")
STREAMS = ("AccountService/StreamAlerts", "AccountService/WatchAccount")
STREAM_ENDS = (
    *("account_not_found", "cancelled", "cursor_beyond_ledger", "internal", "invalid_field"),
    *("ledger_down", "ok", "slow_client", "stopping", "too_many_streams"),
)
DOUBTS = (
    *("index_jump", "price_missing", "vol_missing", "vol_bounds", "basis", "forward_gap"),
    *("mark_gap", "vol_gap", "parity", "price_jump", "vol_jump", "interpolated"),
)
LIFECYCLE_FLAGS = ("unknown_order", "over_fill", "late")

# From 50 µs to 100 ms; the limits of the latency objective, 2 ms and 10 ms, are bounds themselves.
LATENCY_BUCKETS_SECONDS = (
    *(50e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6, 750e-6),
    *(1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7.5e-3, 10e-3, 20e-3, 50e-3, 100e-3),
)
REVALUATION_BUCKETS_SECONDS = (1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
DELAY_BUCKETS_SECONDS = (1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
MARGIN_STATES = ("healthy", "warning", "margin_call", "liquidation", "unknown")
