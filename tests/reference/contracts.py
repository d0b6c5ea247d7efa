"""What the oracle knows: instruments, market, parameters, fees, limits."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path

USD = "USD"


class Kind(Enum):
    """What an instrument is; named as in the fee schedule."""

    SPOT = "spot"
    FUTURE = "future"
    PERPETUAL = "perpetual"
    OPTION = "option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A contract. `lot` in the venue's unit, `size` what one lot stands for (coins, or USD)."""

    symbol: str
    kind: Kind
    underlying: str
    inverse: bool
    lot: Fraction
    size: Fraction
    tick: Fraction
    tick_steps: tuple[tuple[Fraction, Fraction], ...] = ()
    expiry_ns: int | None = None
    strike: Fraction = Fraction(0)
    call: bool = False
    halted: bool = False

    @property
    def settlement(self) -> str:
        """Asset that premium, profit and fees are paid in."""
        return self.underlying if self.inverse else USD

    @property
    def is_option(self) -> bool:
        """True for options."""
        return self.kind is Kind.OPTION

    @property
    def is_spot(self) -> bool:
        """True for the coin itself."""
        return self.kind is Kind.SPOT

    @property
    def is_future(self) -> bool:
        """True for dated futures and perpetuals."""
        return self.kind in (Kind.FUTURE, Kind.PERPETUAL)

    @property
    def bucket(self) -> str:
        """Bucket of the basis charge: the expiry, or the perpetual itself."""
        return self.symbol if self.expiry_ns is None else str(self.expiry_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Prices at one instant, all multiples of 1e-9; an instrument without a mark is unpriced."""

    time_ns: int
    index: Mapping[str, Fraction]
    mark: Mapping[str, Fraction]
    vol: Mapping[str, Fraction] = field(default_factory=dict)
    forward: Mapping[str, Fraction] = field(default_factory=dict)

    def is_priced(self, instrument: Instrument) -> bool:
        """True when everything that values the instrument is there."""
        if instrument.underlying not in self.index:
            return False
        if instrument.is_spot:
            return True
        if instrument.symbol not in self.mark:
            return False
        has_surface = instrument.is_option and not self.has_expired(instrument)
        needs = (self.vol, self.forward) if has_surface else ()
        return all(instrument.symbol in prices for prices in needs)

    def has_expired(self, instrument: Instrument) -> bool:
        """True from the instant of expiry on."""
        return instrument.expiry_ns is not None and self.time_ns >= instrument.expiry_ns

    def mark_of(self, instrument: Instrument) -> Fraction:
        """Mark in the quote currency; of spot the index."""
        if instrument.is_spot:
            return self.index[instrument.underlying]
        return self.mark[instrument.symbol]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Parameters of one underlying, as exact fractions."""

    price_scan_range: Fraction
    vol_shift_kind: str
    vol_scan_range: Fraction
    vol_tenor_power: Fraction
    vol_tenor_floor_days: Fraction
    vol_floor_up: Fraction
    extreme_multiple: Fraction
    extreme_cover: Fraction
    look_ahead_days: Fraction
    short_option_minimum: Fraction
    basis_rate: Fraction
    maintenance_fraction: Fraction
    collateral_haircut: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Fees of one kind of instrument; `cap` is a fraction of the premium, options only."""

    maker: Fraction
    taker: Fraction
    cap: Fraction | None = None

    @property
    def held(self) -> Fraction:
        """The larger rate, not below zero. [FEE-01]"""
        return max(self.maker, self.taker, Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on one order; None means no limit."""

    max_order_quantity: Fraction | None = None
    max_order_quantity_usd: Fraction | None = None
    max_order_notional: Fraction | None = None
    price_collar: Fraction | None = None

    def joined(self, default: "Limits") -> "Limits":
        """These limits, and the default's where there is none."""
        names = self.__slots__
        own = {name: getattr(self, name) for name in names}
        return Limits(
            **{n: getattr(default, n) if own[n] is None else own[n] for n in names},
        )


def read_parameters(path: Path) -> dict[str, Parameters]:
    """Parameters by underlying from a TOML file."""
    tables = tomllib.loads(path.read_text(), parse_float=Decimal)
    return {underlying: _parameters(table) for underlying, table in tables.items()}


def _parameters(table: Mapping[str, Decimal | int | str]) -> Parameters:
    numbers = {name: Fraction(value) for name, value in table.items() if name != "vol_shift_kind"}
    return Parameters(vol_shift_kind=str(table["vol_shift_kind"]), **numbers)


def read_fees(path: Path, tier: str = "default") -> dict[Kind, Rate]:
    """Rates by kind of instrument from a TOML file."""
    table = tomllib.loads(path.read_text(), parse_float=Decimal)[tier]
    return {
        kind: Rate(**{name: Fraction(value) for name, value in table[kind.value].items()})
        for kind in Kind
    }
