"""The server's market, learned through GetMarket, as the oracle takes it."""

from dataclasses import dataclass

import grpc

from margingate.v1 import market_service_pb2 as messages
from margingate.v1.market_service_pb2_grpc import MarketServiceStub
from tests.integration.main_job.wire import read_instrument, time_ns
from tests.reference.contracts import Instrument, Market
from tests.reference.rounding import nano

PAGE = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Instruments and prices that the server decides on."""

    instruments: dict[str, Instrument]
    market: Market


def learn_market(target: str) -> Snapshot:
    """The whole market, page by page."""
    with grpc.insecure_channel(target) as channel:
        stub = MarketServiceStub(channel)
        pages = [stub.GetMarket(messages.GetMarketRequest(page_size=PAGE))]
        while pages[-1].next_page_token:
            token = pages[-1].next_page_token
            pages.append(
                stub.GetMarket(messages.GetMarketRequest(page_size=PAGE, page_token=token))
            )
    assert len({page.market_version for page in pages}) == 1, "the market moved between pages"
    states = [state for page in pages for state in page.instruments]
    priced = [state for state in states if state.priced]
    options = [state for state in priced if state.instrument.strike]
    return Snapshot(
        instruments={s.instrument.instrument: read_instrument(s.instrument) for s in states},
        market=Market(
            time_ns=time_ns(pages[0].market_time),
            index={u.underlying: nano(u.index_price) for u in pages[0].underlyings},
            mark={s.instrument.instrument: nano(s.mark_price) for s in priced},
            vol={s.instrument.instrument: nano(s.mark_vol) for s in options},
            forward={s.instrument.instrument: nano(s.forward_price) for s in options},
        ),
    )
