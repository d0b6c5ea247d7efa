"""The market of every measurement: the simulated chain as it starts, and orders that fit it."""

from random import Random

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import model
from margingate_server.feeds.simulated.feed import SimulatedFeed
from margingate_server.files.toml_tables import read_tables
from margingate_server.service.market import Market, MarketView

SEED = 7
TRADED = 600
TRADED_DAYS_MIN = 2
TICKS_MIN = 20
DAY_NS = 86_400 * 10**9


def simulated_view(now_ns: int) -> MarketView:
    """The chain with its prices and risk arrays at its start, as a server begins with it."""
    feed = SimulatedFeed(SEED, now_ns, is_frozen=True)
    market = Market(model("span", read_tables(None, "span.toml")), InstrumentTable([]))
    market.view = market.planned_listing(feed.instruments())
    market.view = market.planned_update(feed.update(now_ns), now_ns)
    return market.view


def limit_nano(view: MarketView, row: int) -> int:
    """The multiple of the tick at or below the mark, 1e-9 of the quote currency."""
    mark_nano = int(view.snapshot.mark_nano_i[row])
    tick_nano = view.table.instruments[row].tick_nano_at(mark_nano)
    return mark_nano // tick_nano * tick_nano


def traded_rows(view: MarketView) -> list[int]:
    """Rows of options and futures that will not expire meanwhile and cost many ticks."""
    first_expiry_ns = view.snapshot.market_time_ns + TRADED_DAYS_MIN * DAY_NS
    rows = [
        row
        for row, each in enumerate(view.table.instruments)
        if each.kind is not InstrumentKind.SPOT
        and view.arrays.priced_i[row]
        and (each.expiry_ns is None or each.expiry_ns >= first_expiry_ns)
        and limit_nano(view, row) >= TICKS_MIN * each.tick_nano
    ]
    return Random(SEED).sample(rows, TRADED)
