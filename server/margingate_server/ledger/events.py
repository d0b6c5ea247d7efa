"""Everything that can happen to a shard. Immutable, self-contained, stored as JSON.

Amounts are integers: cash in the asset's units, lots signed, prices in 1e-9. Instruments are
named, never numbered. Each event of a request carries the digest of the request's body, so that a
retry can be told from another request under the same id.
"""

import msgspec

from margingate_engine.core.instruments import Instrument
from margingate_server.ledger.collateral import AssetNumbers
from margingate_server.ledger.event import Event
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.ledger.numbers import (
    BreakNumbers,
    DecisionNumbers,
    FeeNumbers,
    LimitNumbers,
    ModelNumbers,
    OrderNumbers,
    PolicyNumbers,
    PositionNumbers,
    SettledNumbers,
    SettlementNumbers,
)
from margingate_server.ledger.regime_events import (
    ExperienceSet,
    QualificationLost,
    QualificationRegained,
    RegimeFellBack,
    RegimeSet,
)
from margingate_server.ledger.wallet_events import MarginMoved


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
    """An open order may be changed into `order`; until the venue answers, both shapes hold.

    order: what would be open of it, fills so far taken off. totals: lots of each leg, fills
    included.
    """

    order: OrderNumbers
    totals: tuple[int, ...]
    decision: DecisionNumbers


class AmendRejected(Event, frozen=True, tag="amend_rejected"):
    """A change of an open order was refused for margin or cash; the old hold stands.

    order: as of AmendAccepted. totals: lots of each leg as they were asked for: a rule looks at
    them before the venue would cut a reduce-only order.
    """

    order: OrderNumbers
    totals: tuple[int, ...]
    decision: DecisionNumbers


class AmendConfirmed(Event, frozen=True, tag="amend_confirmed"):
    """The venue took the change: the order is what it was changed into.

    flag: why nothing was pending and nothing changed, in lower snake case; "" when it did.
    """

    order_id: str
    flag: str = ""


class AmendWithdrawn(Event, frozen=True, tag="amend_withdrawn"):
    """The venue did not take the change: the order is what it was. flag: as of AmendConfirmed."""

    order_id: str
    flag: str = ""


class OrdersReleased(Event, frozen=True, tag="orders_released"):
    """These orders hold nothing any more. flag: why there was none, in lower snake case, or ""."""

    order_ids: tuple[str, ...]
    flag: str = ""


class OrdersExpired(Event, frozen=True, tag="orders_expired"):
    """The holds of these orders ran out: the venue's time in force ended before."""

    order_ids: tuple[str, ...]


class FillReported(Event, frozen=True, tag="fill_reported"):
    """An execution. request_id is the fill id; flow and fee in the settlement asset's units.

    coins: what a spot fill moves in the coin. flag: LifecycleFlag in lower snake case, or "".
    settled_units: what the position it leaves in a settled instrument came to in cash; it is flat.
    wallet_units: what moved into the position's wallet, 1e-6 USD, < 0 out of it.
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
    wallet_units: int = 0


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


class SettlementPriced(Event, frozen=True, tag="settlement_priced"):
    """Settlement prices of expired instruments. Positions settle by PositionsSettled events."""

    prices: tuple[SettlementNumbers, ...]


class PositionsSettled(Event, frozen=True, tag="positions_settled"):
    """Positions of an account became cash, and what was on order of `instruments` ended."""

    positions: tuple[SettledNumbers, ...]
    instruments: tuple[str, ...]


class ParametersLoaded(Event, frozen=True, tag="parameters_loaded"):
    """Model parameters, fee schedule and policy in force from here on.

    parameters: (underlying, name, value) as text, of the model that margins an account unless it
    has another. others: the models that it may have. collateral: what assets count, alike under
    all of them. Every account takes its tier's new rates.
    """

    model: str
    digest: str
    parameters: tuple[tuple[str, str, str], ...]
    fees: tuple[FeeNumbers, ...]
    policy: PolicyNumbers = PolicyNumbers()
    others: tuple[ModelNumbers, ...] = ()
    collateral: tuple[AssetNumbers, ...] = ()


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
    | MarginMoved
    | RegimeSet
    | RegimeFellBack
    | QualificationLost
    | QualificationRegained
    | ExperienceSet
    | MarginStateChanged
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

Judged = (
    CollateralAdjusted
    | MarginMoved
    | RegimeSet
    | RegimeFellBack
    | QualificationLost
    | QualificationRegained
    | MarginStateChanged
)
"""Events that may rest on a market besides decisions."""


def cited_market(event: AnyEvent) -> str:
    """Digest of the market inputs that an event rests on, "" when it rests on none."""
    if isinstance(event, Decided):
        return event.decision.market_digest
    return event.market_digest if isinstance(event, Judged) else ""


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
    return tag_of(type(event))


def tag_of(kind: type[Event]) -> str:
    """The tag of a class of events."""
    return str(kind.__struct_config__.tag)
