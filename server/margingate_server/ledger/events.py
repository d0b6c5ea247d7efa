"""Everything that can happen to a shard. Immutable, self-contained, stored as JSON.

Amounts are integers: cash in the asset's units, lots signed, prices in 1e-9. Instruments are
named, never numbered. Each event of a request carries the digest of the request's body, so that a
retry can be told from another request under the same id.
"""

import msgspec

from margingate_engine.core.instruments import Instrument


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all events. account, request_id: "" where there is none."""

    account: str = ""
    request_id: str = ""
    request_digest: str = ""


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

    of a reduce-only order the legs are what it was clipped to.
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


class AccountOpened(Event, frozen=True, tag="account_opened"):
    """An account exists from here on."""

    fee_tier: str


class CollateralAdjusted(Event, frozen=True, tag="collateral_adjusted"):
    """Cash of an asset moved by `units`; balance is what it came to.

    market_digest: of the market that a withdrawal was judged by; "" when nothing was judged.
    """

    asset: str
    units: int
    balance: int
    market_digest: str = ""


class PositionsSet(Event, frozen=True, tag="positions_set"):
    """The positions are these and no others."""

    positions: tuple[PositionNumbers, ...]
    breaks: tuple[BreakNumbers, ...]


class OrderAccepted(Event, frozen=True, tag="order_accepted"):
    """An order holds margin from here on."""

    order: OrderNumbers
    decision: DecisionNumbers


class OrderRejected(Event, frozen=True, tag="order_rejected"):
    """An order was refused for margin or cash; a retry gets the same answer."""

    order: OrderNumbers
    decision: DecisionNumbers


class AmendAccepted(Event, frozen=True, tag="amend_accepted"):
    """An open order may be changed into `order`; until the venue answers, the worse of both holds.

    order: what would be open of it, fills so far taken off. totals: lots of each leg, fills
    included.
    """

    order: OrderNumbers
    totals: tuple[int, ...]
    decision: DecisionNumbers


class AmendRejected(Event, frozen=True, tag="amend_rejected"):
    """A change of an open order was refused for margin or cash; the old hold stands."""

    order: OrderNumbers
    totals: tuple[int, ...]
    decision: DecisionNumbers


class AmendConfirmed(Event, frozen=True, tag="amend_confirmed"):
    """The venue took the change: the order is what it was changed into."""

    order_id: str


class AmendWithdrawn(Event, frozen=True, tag="amend_withdrawn"):
    """The venue did not take the change: the order is what it was."""

    order_id: str


class OrdersReleased(Event, frozen=True, tag="orders_released"):
    """These orders hold nothing any more."""

    order_ids: tuple[str, ...]


class OrdersExpired(Event, frozen=True, tag="orders_expired"):
    """The holds of these orders ran out: the venue's time in force ended before."""

    order_ids: tuple[str, ...]


class FillReported(Event, frozen=True, tag="fill_reported"):
    """An execution. request_id is the fill id; flow and fee in the settlement asset's units.

    coins: what a spot fill moves in the coin. flag: LifecycleFlag in lower snake case, or "".
    settled_units: what the position it leaves in a settled instrument came to in cash; it is flat.
    """

    order_id: str
    instrument: str
    side: int
    lots: int
    price_nano: int
    flow: int
    fee: int
    coins: int
    flag: str
    settled_units: int | None = None


class AccountSuspended(Event, frozen=True, tag="account_suspended"):
    """Orders of the account are refused. changed: whether they were not before."""

    reason: str
    changed: bool = True


class AccountResumed(Event, frozen=True, tag="account_resumed"):
    """Orders of the account are decided again. changed: whether they were not before."""

    changed: bool = True


class KillSwitchEngaged(Event, frozen=True, tag="kill_switch_engaged"):
    """Orders of a scope (all, account, underlying) are refused: block_all or reduce_only."""

    scope: str
    subject: str
    mode: str
    reason: str


class KillSwitchReleased(Event, frozen=True, tag="kill_switch_released"):
    """The kill switch of a scope and subject is lifted. changed: whether it was in force."""

    scope: str
    subject: str
    changed: bool = True


class LimitsSet(Event, frozen=True, tag="limits_set"):
    """Limits of the account named by `subject`, or of all accounts when it is empty."""

    subject: str
    limits: LimitNumbers


class InstrumentsListed(Event, frozen=True, tag="instruments_listed"):
    """These instruments are new or changed; row numbers follow the order of listing."""

    instruments: tuple[Instrument, ...]


class SettlementNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Price that an expired instrument settles at, in 1e-9 USD: the underlying's at its expiry."""

    instrument: str
    price_nano: int


class SettlementPriced(Event, frozen=True, tag="settlement_priced"):
    """Settlement prices of expired instruments. Positions settle by PositionsSettled events."""

    prices: tuple[SettlementNumbers, ...]


class SettledNumbers(msgspec.Struct, frozen=True, array_like=True):
    """A position that became cash: signed lots, and the units of its settlement asset."""

    instrument: str
    lots: int
    units: int


class PositionsSettled(Event, frozen=True, tag="positions_settled"):
    """Positions of an account became cash, and what was on order of `instruments` ended."""

    positions: tuple[SettledNumbers, ...]
    instruments: tuple[str, ...]


class FeeNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Rates of a fee tier for an instrument kind, in 1e-6; cap_ppm of the premium or None."""

    tier: str
    instrument_kind: str
    maker_ppm: int
    taker_ppm: int
    cap_ppm: int | None


class PolicyNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The house's choices: allowance in 1e-6 of notional; how far cash of an asset may be short."""

    allowance_ppm: int = 1_000
    borrow_limits: tuple[tuple[str, int], ...] = ()
    may_hedges_grow: bool = False


class ParametersLoaded(Event, frozen=True, tag="parameters_loaded"):
    """Model parameters, fee schedule and policy in force from here on.

    parameters: (underlying, name, value) as text. Every account takes its tier's new rates.
    """

    model: str
    digest: str
    parameters: tuple[tuple[str, str, str], ...]
    fees: tuple[FeeNumbers, ...]
    policy: PolicyNumbers = PolicyNumbers()


AnyEvent = (
    AccountOpened
    | CollateralAdjusted
    | PositionsSet
    | OrderAccepted
    | OrderRejected
    | AmendAccepted
    | AmendRejected
    | AmendConfirmed
    | AmendWithdrawn
    | OrdersReleased
    | OrdersExpired
    | FillReported
    | AccountSuspended
    | AccountResumed
    | KillSwitchEngaged
    | KillSwitchReleased
    | LimitsSet
    | InstrumentsListed
    | SettlementPriced
    | PositionsSettled
    | ParametersLoaded
)

Decided = OrderAccepted | OrderRejected | AmendAccepted | AmendRejected
"""Events that carry a decision."""


def cited_market(event: AnyEvent) -> str:
    """Digest of the market inputs that an event rests on, "" when it rests on none."""
    if isinstance(event, Decided):
        return event.decision.market_digest
    return event.market_digest if isinstance(event, CollateralAdjusted) else ""


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode_event(event: AnyEvent) -> bytes:
    """The JSON body of an event."""
    return _encoder.encode(event)


def decode_event(body: bytes) -> AnyEvent:
    """The event of a JSON body; msgspec.ValidationError when it is none."""
    return _decoder.decode(body)


def kind_of(event: AnyEvent) -> str:
    """The event's tag, as stored and counted."""
    return str(event.__struct_config__.tag)
