"""What can be traded. Frozen values; quantities in the venue's own unit, sizes as integers."""

from dataclasses import dataclass
from enum import Enum

from margingate_engine.core.amounts import NANO, USD
from margingate_engine.core.errors import InvalidInput

NAME_LENGTH_MAX = 64
TICK_STEPS_MAX = 16


class InstrumentKind(Enum):
    """What an instrument is; the value is the stored name."""

    SPOT = "spot"
    FUTURE = "future"
    PERPETUAL = "perpetual"
    OPTION = "option"


class Settlement(Enum):
    """What profit and premium are paid in: USD, or the coin of the underlying."""

    LINEAR = "linear"
    INVERSE = "inverse"


class OptionRight(Enum):
    """Right of a European option."""

    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True, kw_only=True)
class TickStep:
    """Prices above `above_nano` are multiples of `tick_nano` (1e-9 of the quote currency)."""

    above_nano: int
    tick_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One contract.

    name: venue symbol, unique. underlying: the coin. contract_nano: coins (linear, options) or USD
    (inverse futures) that one unit of quantity stands for, in 1e-9. lot_nano: smallest quantity and
    its step, in 1e-9 of the venue's unit. tick_nano: price step below the first of `tick_steps`.
    expiry_ns: UTC, nanoseconds since 1970, None for spot and perpetual. strike_nano: USD in 1e-9,
    options only. Raises InvalidInput naming the field when these contradict each other.
    """

    name: str
    kind: InstrumentKind
    underlying: str
    settlement: Settlement
    contract_nano: int
    lot_nano: int
    tick_nano: int
    tick_steps: tuple[TickStep, ...] = ()
    expiry_ns: int | None = None
    strike_nano: int | None = None
    right: OptionRight | None = None
    is_halted: bool = False

    def __post_init__(self) -> None:
        """Refuse what no venue lists."""
        if not 0 < len(self.name) <= NAME_LENGTH_MAX:
            raise InvalidInput("instrument", f"must have 1 to {NAME_LENGTH_MAX} characters")
        for field, units in (
            ("contract_size", self.contract_nano),
            ("lot_size", self.lot_nano),
            ("tick_size", self.tick_nano),
        ):
            if not 0 < units < 10**18:
                raise InvalidInput(field, "must be positive and below 1e9")
        if (self.contract_nano * self.lot_nano) % NANO:
            raise InvalidInput("lot_size", "times contract_size has more than 9 decimal places")
        self._check_ticks()
        self._check_terms()

    def _check_ticks(self) -> None:
        above = 0
        if len(self.tick_steps) > TICK_STEPS_MAX:
            raise InvalidInput("tick_steps", f"may have at most {TICK_STEPS_MAX} entries")
        for step in self.tick_steps:
            if step.above_nano <= above or step.tick_nano <= 0:
                raise InvalidInput("tick_steps", "must ascend and be positive")
            above = step.above_nano

    def _check_terms(self) -> None:
        dated = self.kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION)
        if dated != (self.expiry_ns is not None):
            raise InvalidInput("expiry_time", "belongs to dated futures and options")
        is_option = self.kind is InstrumentKind.OPTION
        if is_option != (self.strike_nano is not None) or (
            self.strike_nano is not None and not 0 < self.strike_nano < 10**18
        ):
            raise InvalidInput("strike", "belongs to options and is positive")
        if is_option != (self.right is not None):
            raise InvalidInput("right", "belongs to options")
        if self.kind is InstrumentKind.SPOT and self.settlement is not Settlement.LINEAR:
            raise InvalidInput("settlement", "of spot is linear")

    @property
    def settlement_asset(self) -> str:
        """Asset that premium, profit and fees are paid in: "USD" or the coin."""
        return USD if self.settlement is Settlement.LINEAR else self.underlying

    @property
    def size_nano(self) -> int:
        """What one lot stands for, in 1e-9 coins, or 1e-9 USD for inverse futures."""
        return self.contract_nano * self.lot_nano // NANO

    @property
    def is_future(self) -> bool:
        """True for dated futures and perpetuals."""
        return self.kind in (InstrumentKind.FUTURE, InstrumentKind.PERPETUAL)

    @property
    def is_inverse_future(self) -> bool:
        """True when the quantity is in USD."""
        return self.is_future and self.settlement is Settlement.INVERSE

    def tick_nano_at(self, price_nano: int) -> int:
        """The tick that applies to a price, both in 1e-9 of the quote currency."""
        tick_nano = self.tick_nano
        for step in self.tick_steps:
            if price_nano > step.above_nano:
                tick_nano = step.tick_nano
        return tick_nano

    def same_contract(self, other: "Instrument") -> bool:
        """True when positions in one are positions in the other: all but ticks and halts agree."""
        return (
            self.name == other.name
            and self.kind is other.kind
            and self.underlying == other.underlying
            and self.settlement is other.settlement
            and self.contract_nano == other.contract_nano
            and self.lot_nano == other.lot_nano
            and self.expiry_ns == other.expiry_ns
            and self.strike_nano == other.strike_nano
            and self.right is other.right
        )
