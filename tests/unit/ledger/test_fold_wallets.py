"""Wallets of positions as events leave them. [ISO-02, ISO-03, ISO-06]"""

import pytest

from margingate_server.ledger import events as e
from margingate_server.ledger import numbers as n
from margingate_server.ledger import regime_events as r
from margingate_server.ledger import wallet_events as w
from margingate_server.ledger.fold import apply
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.state_codec import decode_state, encode_state
from tests.unit.engine.small_market import INSTRUMENTS, NANO, USD

NEAR, PUT = "NEAR", "PUT"


def events(*more: e.AnyEvent) -> ShardState:
    state = ShardState()
    opening = (
        e.ParametersLoaded(
            model="isolated",
            digest="",
            parameters=(),
            fees=tuple(
                n.FeeNumbers("default", kind, 0, 0, None)
                for kind in ("option", "future", "perpetual", "spot")
            ),
        ),
        e.InstrumentsListed(instruments=INSTRUMENTS),
        e.AccountOpened(account="a", fee_tier="default"),
        fill(NEAR, 1, 10),
        moved(NEAR, 1_000),
    )
    for seq, event in enumerate((*opening, *more), 1):
        apply(state, event, seq, seq)
    return state


def fill(
    instrument: str, side: int, lots: int, wallet_units: int = 0, settled: int | None = None
) -> e.FillReported:
    return e.FillReported(
        account="a",
        request_id="",
        order_id="o",
        instrument=instrument,
        side=side,
        lots=lots,
        price_nano=100 * NANO,
        flow=-side * lots * 10 * USD,
        fee=0,
        coins=0,
        flag="unknown_order",
        settled_units=settled,
        wallet_units=wallet_units,
    )


def moved(instrument: str, wallet: int) -> w.MarginMoved:
    return w.MarginMoved(
        account="a", instrument=instrument, units=0, wallet=wallet, market_digest="d"
    )


def wallets(state: ShardState) -> dict[str, int]:
    held = state.accounts["a"].portfolio.wallets
    return {state.table.instruments[row].name: wallet for row, wallet in held.items()}


@pytest.mark.parametrize(
    ("event", "wallet"),
    [
        (fill(NEAR, 1, 5), 1_000),
        (fill(NEAR, 1, 5, wallet_units=7), 1_007),
        (fill(NEAR, -1, 3), 700),
        (fill(NEAR, -1, 3, wallet_units=50), 750),
        (fill(NEAR, -1, 10), 0),
        (fill(NEAR, -1, 12), 0),
        (fill(NEAR, -1, 12, wallet_units=9), 9),
        (fill(PUT, -1, 3), 1_000),
        (fill(NEAR, 1, 1, settled=0), 0),
        (moved(NEAR, 5), 5),
        (moved(NEAR, 0), 0),
        (r.RegimeSet(account="a", model="cross"), 0),
        (e.CollateralAdjusted(account="a", asset="USD", units=5, balance=5), 1_000),
    ],
)
def test_a_wallet_follows_its_position(event: e.AnyEvent, wallet: int) -> None:
    assert wallets(events(event)) == ({NEAR: wallet} if wallet else {})


def test_a_statement_keeps_the_wallets_of_what_it_leaves() -> None:
    def stated(*positions: n.PositionNumbers) -> e.PositionsSet:
        return e.PositionsSet(account="a", positions=positions, breaks=())

    assert wallets(events(stated(n.PositionNumbers(NEAR, 4, 0)))) == {NEAR: 400}
    assert wallets(events(stated(n.PositionNumbers(NEAR, -4, 0)))) == {}
    assert wallets(events(stated(n.PositionNumbers(PUT, -4, 0)))) == {}


def test_settlement_frees_the_wallet() -> None:
    settled = e.PositionsSettled(
        account="a", positions=(n.SettledNumbers(NEAR, 10, 5),), instruments=(NEAR,)
    )
    assert wallets(events(settled)) == {}


def test_the_same_model_again_leaves_the_wallets() -> None:
    state = events(r.RegimeSet(account="a", model="isolated"), moved(NEAR, 3))
    apply(state, r.RegimeSet(account="a", model="isolated"), 9, 9)
    assert wallets(state) == {NEAR: 3}


def fallen(model: str, *left: w.WalletNumbers) -> r.RegimeFellBack:
    return r.RegimeFellBack(
        account="a",
        model=model,
        shortfall=0,
        liquidation_not_before_ns=1,
        market_digest="d",
        wallets=left,
    )


def test_a_fall_back_leaves_no_wallets() -> None:
    assert wallets(events(fallen("cross"))) == {}


def test_a_change_comes_with_the_wallets_that_it_names() -> None:
    cross = r.RegimeSet(account="a", model="cross")
    named = w.WalletNumbers(NEAR, 5), w.WalletNumbers(PUT, -3)
    back = r.RegimeSet(account="a", model="isolated", wallets=named)
    for change in (back, fallen("isolated", *named)):
        assert wallets(events(cross, change)) == {NEAR: 5, PUT: -3}
        assert e.decode_event(e.encode_event(change)) == change


def test_a_change_of_older_logs_comes_with_none() -> None:
    stored = b'{"kind":"regime_set","account":"a","model":"isolated"}'
    assert wallets(events(e.decode_event(stored))) == {}


def test_a_snapshot_has_the_wallets() -> None:
    state = events()
    again, _ = decode_state(encode_state(state, 0))
    assert wallets(again) == {NEAR: 1_000}
