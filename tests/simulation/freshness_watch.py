"""No acceptance while a price it rests on is missing or old, by true time. [I8]"""

from collections.abc import Iterable, Mapping

from margingate_engine.core.amounts import USD
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.portfolio.holdings import Portfolio
from tests.simulation.instruments import BY_NAME, INDEX
from tests.simulation.margin_watch import Accepted
from tests.simulation.server import AGE_LIMITS, Turn
from tests.simulation.simulated_clock import Instant
from tests.simulation.violation import hold

TOLERATED_NS = 10**9
"""A clock that steps back by up to a second is not noticed; ages are then as much too small."""


def judge_freshness(
    turn: Turn,
    event: Accepted,
    after: Portfolio,
    received: Mapping[str, Instant],
    now: Instant,
) -> None:
    """Violation unless every price that the acceptance rests on came in time."""
    market_time_ns = turn.view.snapshot.market_time_ns
    instruments = turn.view.table.instruments
    names = {instruments[row].name for row in _rows(after)}
    for name, limit_ns in _required(names, after.cash, market_time_ns):
        came = received.get(name)
        hold(came is not None, "I8", "{} never had a price: {}", name, event)
        assert came is not None
        age_ns = now.true_ns - came.true_ns
        is_young = age_ns <= limit_ns + TOLERATED_NS
        hold(is_young, "I8", "{} is {} s old: {}", name, age_ns / 1000000000.0, event)


def _rows(portfolio: Portfolio) -> set[int]:
    shapes = (*portfolio.legs.values(), *portfolio.amendments.values())
    return {*portfolio.positions, *(leg.row for legs in shapes for leg in legs)}


def _required(
    names: Iterable[str], cash: Iterable[str], market_time_ns: int
) -> Iterable[tuple[str, int]]:
    """Prices with the ages they may have; an expired contract keeps its last price."""
    coins = {asset for asset in cash if asset != USD and asset in INDEX}
    for name in names:
        instrument = BY_NAME[name]
        coins.add(instrument.underlying)
        has_expired = (instrument.expiry_ns or market_time_ns + 1) <= market_time_ns
        if instrument.kind is not InstrumentKind.SPOT and not has_expired:
            yield name, AGE_LIMITS.instrument_ns_max
    for coin in coins:
        yield f"index {coin}", AGE_LIMITS.underlying_ns_max
