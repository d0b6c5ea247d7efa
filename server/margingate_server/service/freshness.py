"""How old and how certain the prices are that an answer would rest on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from margingate_engine.core.amounts import NANO, USD
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.quality.doubt import Doubt
from margingate_server.service.clock_steps import CLOCK_BACK_NS_MAX
from margingate_server.service.market import MarketView

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


def age_at_expiry_ns(observed_ns: int, expiry_ns: int) -> int:
    """How old the last price was when its instrument expired, nanoseconds.

    0 for one that was never there, which is no matter of age, and in a market of the past, of which
    no clock tells.
    """
    return max(0, expiry_ns - observed_ns) if observed_ns >= 0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeLimits:
    """Largest ages in nanoseconds: of an index, and of an instrument's own price."""

    underlying_ns_max: int
    instrument_ns_max: int


class Oldest(NamedTuple):
    """The oldest prices among some things: server's clock when received, and whose.

    suspect: whose price is in doubt, empty when none is, and why. expired: whose price was oldest
    when it expired, and how old; it stays so until it is settled.
    """

    underlying_ns: int = FOREVER_NS
    underlying: str = ""
    instrument_ns: int = FOREVER_NS
    instrument: str = ""
    suspect: str = ""
    doubt: Doubt = Doubt.NONE
    expired_age_ns: int = 0
    expired: str = ""

    def joined(self, other: "Oldest") -> "Oldest":
        """The older of both, each kind for itself; of two in doubt the first."""
        is_older = (
            other.underlying_ns < self.underlying_ns
            or other.instrument_ns < self.instrument_ns
            or other.expired_age_ns > self.expired_age_ns
        )
        if not is_older and (self.suspect or not other.suspect):
            return self
        of_underlying = self if self.underlying_ns <= other.underlying_ns else other
        of_instrument = self if self.instrument_ns <= other.instrument_ns else other
        of_doubt = self if self.suspect else other
        of_expired = self if self.expired_age_ns >= other.expired_age_ns else other
        return Oldest(
            underlying_ns=of_underlying.underlying_ns,
            underlying=of_underlying.underlying,
            instrument_ns=of_instrument.instrument_ns,
            instrument=of_instrument.instrument,
            suspect=of_doubt.suspect,
            doubt=of_doubt.doubt,
            expired_age_ns=of_expired.expired_age_ns,
            expired=of_expired.expired,
        )

    def stale_subject(self, now_ns: int, limits: AgeLimits) -> str | None:
        """Whose price is too old; None when none is."""
        if self.underlying and age_ns(self.underlying_ns, now_ns) > limits.underlying_ns_max:
            return self.underlying
        if self.instrument and age_ns(self.instrument_ns, now_ns) > limits.instrument_ns_max:
            return self.instrument
        return self.expired if self.expired_age_ns > limits.instrument_ns_max else None

    def unfit(self, now_ns: int, limits: AgeLimits) -> tuple[RejectReason, str] | None:
        """(why nothing may rest on these prices, whose), None when it may."""
        stale = self.stale_subject(now_ns, limits)
        if stale is not None:
            return RejectReason.MARKET_DATA_STALE, stale
        return (RejectReason.MARKET_DATA_SUSPECT, self.suspect) if self.suspect else None


def oldest_of_rows(view: MarketView, rows: Iterable[int]) -> Oldest:
    """The oldest price among instruments and their underlyings, and the first in doubt.

    An expired instrument keeps its last price until it is settled, and the age it expired with.
    """
    table, snapshot = view.table, view.snapshot
    underlying, instrument, expired = (FOREVER_NS, ""), (FOREVER_NS, ""), (0, "")
    checked = tuple(rows)
    for row in checked:
        each = table.instruments[row]
        observed_ns = int(snapshot.observed_ns_u[table.underlying_i[row]])
        if observed_ns < underlying[0]:
            underlying = (observed_ns, each.underlying)
        observed_ns = int(snapshot.observed_ns_i[row])
        if each.expiry_ns is not None and each.expiry_ns <= snapshot.market_time_ns:
            age = age_at_expiry_ns(observed_ns, each.expiry_ns)
            expired = (age, each.name) if age > expired[0] else expired
        elif observed_ns < instrument[0] and each.kind is not InstrumentKind.SPOT:
            instrument = (observed_ns, each.name)
    suspect = _suspect_of_rows(view, checked) if view.has_doubt else ("", Doubt.NONE)
    return Oldest(*underlying, *instrument, *suspect, *expired)


def _suspect_of_rows(view: MarketView, rows: Iterable[int]) -> tuple[str, Doubt]:
    """(whose price is in doubt, why) of the first among instruments and underlyings."""
    table, snapshot = view.table, view.snapshot
    for row in rows:
        number, each = int(table.underlying_i[row]), table.instruments[row]
        if snapshot.doubt_u[number]:
            return each.underlying, Doubt(int(snapshot.doubt_u[number]))
        if snapshot.doubt_i[row]:
            return each.name, Doubt(int(snapshot.doubt_i[row]))
    return "", Doubt.NONE


def oldest_of_portfolio(view: MarketView, portfolio: Portfolio) -> Oldest:
    """The oldest price among everything held, on order, or held as a coin."""
    rows = set(portfolio.positions)
    for legs_by_order in (portfolio.legs, portfolio.amendments):
        rows.update(leg.row for legs in legs_by_order.values() for leg in legs)
    return oldest_of_holdings(view, rows, portfolio.cash)


def oldest_of_holdings(view: MarketView, rows: Iterable[int], assets: Iterable[str]) -> Oldest:
    """The oldest price among instruments, and coins that are held as such."""
    oldest = oldest_of_rows(view, rows)
    for asset in assets:
        if asset != USD and asset in view.table.underlyings:
            number = view.table.underlyings.index(asset)
            doubt = Doubt(int(view.snapshot.doubt_u[number])) if view.has_doubt else Doubt.NONE
            coin = Oldest(
                underlying_ns=int(view.snapshot.observed_ns_u[number]),
                underlying=asset,
                suspect=asset if doubt else "",
                doubt=doubt,
            )
            oldest = oldest.joined(coin)
    return oldest
