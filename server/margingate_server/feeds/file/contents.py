"""What a market file says, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass

from margingate_engine.core.instruments import Instrument, InstrumentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Prices of one instrument; None where the file has none.

    time_ns: when the venue said so. mark_price: quote currency. mark_vol: per year as a fraction.
    forward_price: USD forward of the option's expiry. index_price: USD.
    """

    time_ns: int
    mark_price: float | None
    mark_vol: float | None = None
    forward_price: float | None = None
    index_price: float | None = None

    def is_usable_for(self, instrument: Instrument) -> bool:
        """True when everything is there that an update must say about `instrument`."""
        if self.mark_price is None:
            return False
        if instrument.kind is InstrumentKind.OPTION:
            return bool(self.mark_vol) and bool(self.forward_price)
        return self.mark_price > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContents:
    """Instruments, quotes and what was left out of them.

    index_by_underlying: USD, where the file states it beside the quotes. skipped: how many entries
    were not taken, by reason.
    """

    instruments: tuple[Instrument, ...]
    quote_by_name: Mapping[str, Quote]
    index_by_underlying: Mapping[str, float]
    skipped: Mapping[str, int]
