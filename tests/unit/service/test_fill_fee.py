"""The fee of a fill that names none, with and without an index. [FEE-01]"""

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.service.fill_fee import schedule_fee
from tests.unit.engine.small_market import INSTRUMENTS, NANO, NO_FEES
from tests.unit.service.small_desk import SOME_FEES, SmallDesk, empty_desk, update

UNCAPPED: FeeTier = {kind: FeeRate(maker_ppm=0, taker_ppm=500) for kind in InstrumentKind}


def listed_desk() -> SmallDesk:
    """A desk with the small market listed, before its first price."""
    desk = empty_desk()
    market = desk.shard.market
    view = market.planned_listing(INSTRUMENTS)
    desk.shard.record(InstrumentsListed(instruments=INSTRUMENTS), desk.now_ns)
    market.view = view
    return desk


def fee(desk: SmallDesk, rates: FeeTier, name: str, price: int) -> int:
    """Of three lots at a price in the quote currency."""
    return schedule_fee(rates, desk.shard.market.view, desk.row(name), 3, price * NANO)


def test_without_an_index_a_linear_option_pays_the_cap_of_its_premium() -> None:
    desk = listed_desk()
    # 12.5 % of 0.3 x 1,000 USD; with an index of 100,000 it is 5 basis points of 30,000 USD.
    assert fee(desk, SOME_FEES, "CALL", 1_000) == 37_500_000
    desk.quote(update())
    assert fee(desk, SOME_FEES, "CALL", 1_000) == 15_000_000


def test_without_an_index_and_a_cap_the_fee_must_be_given() -> None:
    desk = listed_desk()
    with pytest.raises(InvalidInput) as refused:
        fee(desk, UNCAPPED, "CALL", 1_000)
    assert refused.value.field == "fee"
    assert fee(desk, NO_FEES, "CALL", 1_000) == 0
    desk.quote(update())
    assert fee(desk, UNCAPPED, "CALL", 1_000) == 15_000_000


def test_other_fees_need_no_index() -> None:
    desk = listed_desk()
    # 5 basis points: of 0.3 x 100,000 USD, of 0.3 coin, of 30 USD in coins at 100,000.
    assert fee(desk, UNCAPPED, "NEAR", 100_000) == 15_000_000
    assert fee(desk, UNCAPPED, "COIN-CALL", 1) == 150_000_000
    assert fee(desk, UNCAPPED, "COIN-PERPETUAL", 100_000) == 150_000


def test_a_refused_fee_changes_nothing_and_a_given_one_is_taken() -> None:
    desk = listed_desk().open(usd="100000", tier="charged")
    desk.fill("x", "CALL", 3, "1000")
    assert desk.account().portfolio.cash == {"USD": 100_000_000_000 - 300_000_000 - 37_500_000}
    desk.account().portfolio.fees = UNCAPPED
    events = len(desk.events())
    with pytest.raises(InvalidInput):
        desk.fill("x", "CALL", 3, "1000")
    assert len(desk.events()) == events
    desk.fill("x", "CALL", -3, "1000", fee="37.5")
    assert desk.account().portfolio.cash == {"USD": 100_000_000_000 - 75_000_000}
