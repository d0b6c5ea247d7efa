"""The market of every measurement: a simulated chain as it starts, and orders that fit it."""

import time
from random import Random

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import model
from margingate_server.clock import SystemClock
from margingate_server.config import ServerConfig
from margingate_server.feeds.spec import open_feed
from margingate_server.files.toml_tables import read_tables
from margingate_server.service.market import Market, MarketView

SEED = 7
TRADED = 600
TRADED_DAYS_MIN = 2
TICKS_MIN = 20
DAY_NS = 86_400 * 10**9


def simulated_view(*, is_frozen: bool) -> MarketView:
    """The chain, its prices and risk arrays as a server that starts now begins with them."""
    spec, now_ns = "simulated:frozen" if is_frozen else "simulated", time.time_ns()
    seed = ServerConfig().seed
    feed = open_feed(spec, seed=seed, start_ns=now_ns, clock=SystemClock())
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
