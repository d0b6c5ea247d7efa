"""The margins of all accounts of a real, small server, one turn of the loop at a time."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from margingate_engine.monitoring.states import MarginState
from margingate_engine.revaluation.account_holdings import AccountHoldings
from margingate_server import revaluation_loop
from margingate_server.app import Application
from margingate_server.config import ServerConfig
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.ledger.events import decode_event
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service import revaluing
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.desk import Desk
from tests.unit.rpc.memory_store import disk_full

NUMBERS = count(1)
SHORT = {"BTC-PERPETUAL": -1_000_000, "ETH-PERPETUAL": -400_000}
CASH = Decimal(150_000)


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """A server whose threads are not started: the tests take the loop's turns."""
    made = Application(
        ServerConfig(
            data_dir=tmp_path, port=0, http_port=0, is_frozen=True, has_seed_accounts=False
        )
    )
    yield made
    for each in (made._revaluation, made._upkeep):
        if not each._thread.ident:
            each.start()
    made.stop()


def open_account(application: Application, name: str, usd: Decimal = CASH) -> None:
    """An account that is short of perpetuals, with cash."""
    application._lane.decide(
        lambda desk, now_ns: (
            None,
            desk.accounts.create(name, "default", f"id-{next(NUMBERS)}", "d", now_ns)[1],
        )
    )
    hold(application, name, 1)
    deposit(application, name, usd)


def hold(application: Application, name: str, times: int) -> None:
    """So many times SHORT, entered at the marks."""
    stated = [
        StatedPosition(instrument=each, quantity=Decimal(times * quantity), price=None)
        for each, quantity in SHORT.items()
    ]
    application._lane.decide(
        lambda desk, now_ns: (
            None,
            desk.accounts.set_positions(name, stated, f"id-{next(NUMBERS)}", "d", now_ns)[1],
        )
    )


def deposit(application: Application, name: str, usd: Decimal) -> None:
    def use(desk: Desk, now_ns: int) -> tuple[None, int]:
        number = f"id-{next(NUMBERS)}"
        _, seq = desk.accounts.adjust_collateral(name, "USD", round(usd, 2), number, "d", now_ns)
        return None, seq

    application._lane.decide(use)


def requirement(application: Application, name: str) -> Decimal:
    """Initial margin of the positions, USD."""

    def use(desk: Desk, _now_ns: int) -> Decimal:
        risk = desk.accounts.account_risk(name)[1].risk
        assert risk is not None
        return Decimal(risk.positions_risk.initial) / 10**6

    return application._lane.read(use)


def states(application: Application) -> dict[str, MarginState]:
    return application._lane.read(
        lambda desk, _now_ns: {
            name: account.margin_state for name, account in desk.shard.state.accounts.items()
        }
    )


def published(application: Application) -> list[tuple[str, str]]:
    """Account and state of every such event in the store."""
    events = (decode_event(each.body) for each in application._store.read())
    return [(each.account, each.state) for each in events if isinstance(each, MarginStateChanged)]


def test_a_turn_margins_all_accounts_and_publishes_states_durably(
    application: Application,
) -> None:
    for name in ("fine", "called", "lost"):
        open_account(application, name)
    needed = requirement(application, "fine")
    deposit(application, "fine", 2 * needed)
    deposit(application, "called", needed * Decimal("0.95") - CASH)
    application._revaluation.turn()
    figures = application._desk.revaluing.latest
    assert figures is not None
    assert figures.accounts == ("fine", "called", "lost")
    assert figures.is_known_a.all()
    assert states(application) == {
        "fine": MarginState.HEALTHY,
        "called": MarginState.MARGIN_CALL,
        "lost": MarginState.LIQUIDATION,
    }
    assert published(application) == [("lost", "liquidation"), ("called", "margin_call")]
    application._revaluation.turn()
    assert len(published(application)) == 2


def test_who_changed_is_followed_before_everybody_is_margined_again(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account(application, "a")
    deposit(application, "a", 2 * requirement(application, "a"))
    application._revaluation.turn()
    latest = application._desk.revaluing.latest
    monkeypatch.setattr(application._revaluation, "_due_seconds", float("inf"))
    hold(application, "a", 4)
    application._revaluation.turn()
    assert application._desk.revaluing.latest is latest
    assert published(application) == [("a", "liquidation")]


def test_while_the_ledger_is_down_nothing_is_published_and_then_it_is(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account(application, "lost")

    def failing(*_: object) -> None:
        raise disk_full()

    with monkeypatch.context() as patched:
        patched.setattr(application._journal, "append", failing)
        application._revaluation.turn()
    with pytest.raises(LedgerDown):
        application._lane.decide(lambda _desk, _now_ns: (None, 1))
    assert published(application) == []
    application._upkeep.turn()
    assert states(application) == {"lost": MarginState.HEALTHY}
    application._revaluation.turn()
    assert published(application) == [("lost", "liquidation")]


def test_while_the_ledger_is_down_figures_go_on_with_prices(application: Application) -> None:
    open_account(application, "lost")
    application._lane.mark_down()
    application._lane.show_durable(application._builder.open_desk)
    shown = application._lane.look(lambda desk, _now_ns: desk)
    for factor in (1.001, 0.998):
        before = shown.shard.market.view
        index = float(before.snapshot.index_nano_u[before.table.underlyings.index("BTC")]) / 1e9
        update = MarketUpdate(
            market_time_ns=before.snapshot.market_time_ns,
            index_by_underlying={"BTC": index * factor},
            names=(),
            mark_price_i=np.zeros(0),
            mark_vol_i=np.zeros(0),
            forward_price_i=np.zeros(0),
        )
        application._publisher.publish(update, application._clock.seconds())
        assert shown.shard.market.view.arrays is not before.arrays
        application._revaluation.turn()
        figures = shown.revaluing.latest
        assert figures is not None
        assert figures.arrays is shown.shard.market.view.arrays
    assert states(application) == {"lost": MarginState.HEALTHY}


def test_a_turn_that_fails_is_counted_and_everybody_sees_that_nothing_gets_on(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(type(application._desk.revaluing), "figures", failing)
    monkeypatch.setattr(revaluation_loop, "_stand_back", failing)  # no rights to be polite
    application._tell_at_scrapes()
    turns = application._revaluation.turns
    application._revaluation.start()
    deadline = monotonic() + 5.0
    while turns.error_count < 3:
        assert monotonic() < deadline
        sleep(0.01)
    age = turns.age_seconds
    text = generate_latest(application._metrics.registry).decode()
    assert 'margingate_background_errors_total{thread="revaluation"}' in text
    assert turns.age_seconds >= age > 0


def test_an_account_that_fails_is_counted_and_logged_once_while_others_are_followed(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad", "lost"):
        open_account(application, name)
    genuine = revaluing.holdings_of

    def but_for_bad(account: str, *rest: Any) -> AccountHoldings:
        if account == "bad":
            raise MemoryError("planted")
        return genuine(account, *rest)

    with monkeypatch.context() as planted, capture_logs() as lines:
        planted.setattr(revaluing, "holdings_of", but_for_bad)
        application._revaluation.turn()
        application._revaluation._due_seconds = 0.0
        application._revaluation.turn()
    count = application._metrics.registry.get_sample_value("margingate_account_failures_total")
    assert count == 2
    (line,) = [each for each in lines if each["event"] == "account_failed"]
    assert line["account"] == "bad"
    assert ("lost", "liquidation") in published(application)
    application._revaluation._due_seconds = 0.0
    application._revaluation.turn()
    figures = application._desk.revaluing.latest
    assert figures is not None
    assert figures.is_known_a.all()


def test_the_thread_follows_prices_and_fills_within_a_second(application: Application) -> None:
    application._revaluation.start()
    open_account(application, "lost")
    deadline = monotonic() + 1.0
    while not published(application):
        assert monotonic() < deadline
        sleep(0.01)
