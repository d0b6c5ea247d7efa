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
    account_version: int = 0
    model: str = ""
    parameters_digest: str = ""
    decision_ns: int = 0
    order_id: str = ""


class LegNumbers(msgspec.Struct, frozen=True, array_like=True):
    """A leg that is held: side 1 buys, -1 sells; price that the hold assumes."""

    instrument: str
    side: int
    lots: int
    price_nano: int


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
    """Cash of an asset moved by `units`; balance is what it came to."""

    asset: str
    units: int
    balance: int


class PositionsSet(Event, frozen=True, tag="positions_set"):
    """The positions are these and no others."""

    positions: tuple[PositionNumbers, ...]
    breaks: tuple[BreakNumbers, ...]


class OrderAccepted(Event, frozen=True, tag="order_accepted"):
    """An order holds margin from here on."""

    order_id: str
    is_combo: bool
    legs: tuple[LegNumbers, ...]
    decision: DecisionNumbers


class OrderRejected(Event, frozen=True, tag="order_rejected"):
    """An order was refused for margin or cash; a retry gets the same answer."""

    decision: DecisionNumbers


class OrdersReleased(Event, frozen=True, tag="orders_released"):
    """These orders hold nothing any more."""

    order_ids: tuple[str, ...]


class FillReported(Event, frozen=True, tag="fill_reported"):
    """An execution. request_id is the fill id; flow and fee in the settlement asset's units.

    coins: what a spot fill moves in the coin. flag: LifecycleFlag in lower snake case, or "".
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


class ParametersLoaded(Event, frozen=True, tag="parameters_loaded"):
    """Model parameters and fee schedule in force from here on, as canonical text."""

    model: str
    digest: str
    parameters: tuple[tuple[str, str, str], ...]
    fees: str


AnyEvent = (
    AccountOpened
    | CollateralAdjusted
    | PositionsSet
    | OrderAccepted
    | OrderRejected
    | OrdersReleased
    | FillReported
    | AccountSuspended
    | AccountResumed
    | KillSwitchEngaged
    | KillSwitchReleased
    | LimitsSet
    | InstrumentsListed
    | ParametersLoaded
)

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
