"""How old the prices are that an answer would rest on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from margingate_engine.core.amounts import NANO, USD
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.service.market import CLOCK_BACK_NS_MAX, MarketView

FOREVER_NS = 2**62


def age_ns(observed_ns: int, now_ns: int) -> int:
    """Nanoseconds since a price was received.

    FOREVER_NS when it never was, or when the clock has stepped back since and nobody knows.
    """
    age = now_ns - observed_ns
    return FOREVER_NS if observed_ns < 0 or age < -CLOCK_BACK_NS_MAX else max(0, age)


def age_seconds(observed_ns: int, now_ns: int) -> float:
    """As `age_ns`, in seconds; infinite instead of FOREVER_NS."""
    age = age_ns(observed_ns, now_ns)
    return float("inf") if age == FOREVER_NS else age / NANO


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeLimits:
    """Largest ages in nanoseconds: of an index, and of an instrument's own price."""

    underlying_ns_max: int
    instrument_ns_max: int


class Oldest(NamedTuple):
    """The oldest prices among some things: server's clock when received, and whose."""

    underlying_ns: int = FOREVER_NS
    underlying: str = ""
    instrument_ns: int = FOREVER_NS
    instrument: str = ""

    def joined(self, other: "Oldest") -> "Oldest":
        """The older of both, each kind for itself."""
        if other.underlying_ns >= self.underlying_ns and other.instrument_ns >= self.instrument_ns:
            return self
        first = self if self.underlying_ns <= other.underlying_ns else other
        second = self if self.instrument_ns <= other.instrument_ns else other
        return Oldest(
            first.underlying_ns, first.underlying, second.instrument_ns, second.instrument
        )

    def stale_subject(self, now_ns: int, limits: AgeLimits) -> str | None:
        """Whose price is too old; None when none is."""
        if self.underlying and age_ns(self.underlying_ns, now_ns) > limits.underlying_ns_max:
            return self.underlying
        if self.instrument and age_ns(self.instrument_ns, now_ns) > limits.instrument_ns_max:
            return self.instrument
        return None


def oldest_of_rows(view: MarketView, rows: Iterable[int]) -> Oldest:
    """The oldest price among instruments and their underlyings.

    An expired instrument keeps its last price until it is settled; its own age does not count.
    """
    table, snapshot = view.table, view.snapshot
    underlying, instrument = (FOREVER_NS, ""), (FOREVER_NS, "")
    for row in rows:
        each = table.instruments[row]
        observed_ns = int(snapshot.observed_ns_u[table.underlying_i[row]])
        if observed_ns < underlying[0]:
            underlying = (observed_ns, each.underlying)
        if (each.expiry_ns or FOREVER_NS) <= snapshot.market_time_ns:
            continue
        observed_ns = int(snapshot.observed_ns_i[row])
        if observed_ns < instrument[0] and each.kind is not InstrumentKind.SPOT:
            instrument = (observed_ns, each.name)
    return Oldest(*underlying, *instrument)


def oldest_of_portfolio(view: MarketView, portfolio: Portfolio) -> Oldest:
    """The oldest price among everything held, on order, or held as a coin."""
    rows = set(portfolio.positions)
    for legs_by_order in (portfolio.legs, portfolio.amendments):
        rows.update(leg.row for legs in legs_by_order.values() for leg in legs)
    oldest = oldest_of_rows(view, rows)
    for asset in portfolio.cash:
        if asset != USD and asset in view.table.underlyings:
            number = view.table.underlyings.index(asset)
            oldest = oldest.joined(Oldest(int(view.snapshot.observed_ns_u[number]), asset))
    return oldest
