"""Values that events carry. Immutable, stored as JSON; amounts are integers, prices in 1e-9."""

import msgspec

OPENING = "opening"
"""Name in a policy of what accounts open under, until a model is chosen for them."""


class RiskNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Equity, initial and maintenance margin in 1e-6 USD."""

    equity: int
    initial: int
    maintenance: int


class WorstNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Binding scenario of a group."""

    group: str
    scenario: int
    description: str


class DecisionNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it was answered. Times in nanoseconds since 1970 UTC."""

    reason: int
    detail: str = ""
    before: RiskNumbers | None = None
    after: RiskNumbers | None = None
    is_exact: bool = True
    worst_before: tuple[WorstNumbers, ...] = ()
    worst_after: tuple[WorstNumbers, ...] = ()
    binding: str = "none"
    is_risk_reducing: bool = False
    market_version: int = 0
    market_time_ns: int = 0
    market_digest: str = ""
    account_version: int = 0
    model: str = ""
    parameters_digest: str = ""
    decision_ns: int = 0
    order_id: str = ""


class LegNumbers(msgspec.Struct, frozen=True, array_like=True):
    """A leg as it was decided: side 1 buys, -1 sells; lots still open, and the price held at.

    is_market: whether that price was the collar of a market order. ratio: lots of a combo's leg
    that fill together with those of the others, 0 for a leg that may fill alone.
    """

    instrument: str
    side: int
    lots: int
    price_nano: int
    is_market: bool = False
    ratio: int = 0


class OrderNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was decided, with what a hold of it would be. hold_ns: 0 for no expiry.

    Legs of a reduce-only order are what it was clipped to.
    """

    order_id: str
    legs: tuple[LegNumbers, ...]
    execution: str = "single"
    is_reduce_only: bool = False
    hold_ns: int = 0


class PositionNumbers(msgspec.Struct, frozen=True, array_like=True):
    """A position as stated: signed lots, entry in the settlement asset's units."""

    instrument: str
    lots: int
    entry: int


class BreakNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Where a statement differed from the books, in signed lots."""

    instrument: str
    booked_lots: int
    stated_lots: int


class LimitNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on one order as set; None is not set. Quantities in 1e-9, notional in 1e-6 USD."""

    quantity_nano_max: int | None = None
    quantity_usd_nano_max: int | None = None
    notional_micro_max: int | None = None
    collar_ppm: int | None = None


class SettlementNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Price that an expired instrument settles at, in 1e-9 USD: the underlying's at its expiry."""

    instrument: str
    price_nano: int


class SettledNumbers(msgspec.Struct, frozen=True, array_like=True):
    """A position that became cash: signed lots, and the units of its settlement asset."""

    instrument: str
    lots: int
    units: int


class FeeNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Rates of a fee tier for an instrument kind, in 1e-6; cap_ppm of the premium or None."""

    tier: str
    instrument_kind: str
    maker_ppm: int
    taker_ppm: int
    cap_ppm: int | None


class ModelNumbers(msgspec.Struct, frozen=True, array_like=True):
    """A model with its parameters: (underlying, name, value) as text, and their digest."""

    model: str
    digest: str
    parameters: tuple[tuple[str, str, str], ...]


class QualificationNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """What a regime asks of its accounts. model: "" for what accounts open under.

    Equity in 1e-6 USD, to enter and to remain. kinds, underlyings: what may be traded; empty for
    everything. grace_ns: how long an account may remain with less equity before it falls back to
    the model `fallback`; no liquidation for liquidation_grace_ns after that.
    """

    model: str
    equity_to_enter: int = 0
    equity_to_remain: int = 0
    experience_tier_min: int = 0
    kinds: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    grace_ns: int = 0
    fallback: str = ""
    liquidation_grace_ns: int = 0


class MonitoringNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """At which margins accounts are warned, and when a better state is said. docs/monitoring.md

    ratio, headroom: from which on they are warned, and to_leave beyond which they no longer are:
    maintenance in 1e-6 of equity, headroom in 1e-6 of initial margin. gap: by how much of a
    requirement equity must exceed it before the account is said to cover it again. warning_ns,
    leaving_ns, unknown_ns: for how long an account must have been warned, better, or not known.
    """

    ratio_ppm: int = 800_000
    ratio_to_leave_ppm: int = 750_000
    headroom_ppm: int = 100_000
    headroom_to_leave_ppm: int = 120_000
    gap_ppm: int = 20_000
    warning_ns: int = 0
    leaving_ns: int = 60 * 10**9
    unknown_ns: int = 5 * 10**9


class PolicyNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The house's choices: allowance in 1e-6 of notional; how far cash of an asset may be short.

    qualifications: of the regimes that ask for anything. liquidation_orders: what passes of an
    account in liquidation, `risk_reducing` or `none`.
    """

    allowance_ppm: int = 1_000
    borrow_limits: tuple[tuple[str, int], ...] = ()
    may_hedges_grow: bool = False
    qualifications: tuple[QualificationNumbers, ...] = ()
    liquidation_orders: str = "risk_reducing"
    monitoring: MonitoringNumbers = MonitoringNumbers()
