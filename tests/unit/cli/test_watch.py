"""`watch`, `alerts`, `top`."""

import io

import pytest
from google.protobuf.duration_pb2 import Duration
from rich.console import Console

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_server.cli.tables.states import bar, share_text
from margingate_server.cli.tables.watching import trend, watch_panel
from margingate_server.cli.watch import View
from margingate_server.client import MargingateCallError
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer, Refusal, grpc

SEEN = pb.WatchAccountResponse(
    account="desk-1",
    risk=answers.AFTER,
    positions_only=answers.BEFORE,
    state=pb.MARGIN_STATE_MARGIN_CALL,
    published_state=pb.MARGIN_STATE_WARNING,
    margin_ratio=0.15,
    exactness=types.EXACTNESS_EXACT,
    worst=[types.WorstScenario(group="BTC", scenario=13, description="price -1, vol up")],
    basis=answers.BASIS,
    price_age=Duration(seconds=2, nanos=500_000_000),
    oldest_price="BTC-PERPETUAL",
)
BLIND = pb.WatchAccountResponse(
    account="desk-1", state=pb.MARGIN_STATE_UNKNOWN, basis=answers.BASIS, missing="BTC"
)
CALLED = pb.StreamAlertsResponse(
    cursor=4711,
    alert=pb.Alert(
        time=answers.AT,
        kind=pb.ALERT_KIND_MARGIN_STATE_CHANGED,
        severity=pb.ALERT_SEVERITY_CRITICAL,
        account="desk-1",
        text="margin call: equity is [below] the initial margin",
        from_state=pb.MARGIN_STATE_WARNING,
        to_state=pb.MARGIN_STATE_MARGIN_CALL,
        figures=[pb.AlertFigure(name="missing_to_initial_margin", amount="1234.5")],
        order_ids=["o-1", "o-2"],
        order_ids_cut=True,
    ),
)
KILLED = pb.StreamAlertsResponse(
    cursor=4712,
    alert=pb.Alert(
        time=answers.AT,
        kind=pb.ALERT_KIND_KILL_SWITCH_ENGAGED,
        severity=pb.ALERT_SEVERITY_INFO,
        text="kill switch of everything: no order passes",
    ),
)
CAUGHT_UP = pb.StreamAlertsResponse(cursor=4720, caught_up=True)
LATER = pb.StreamAlertsResponse(cursor=4721, alert=pb.Alert(text="later"))
GONE = Refusal(code=grpc.StatusCode.NOT_FOUND, message="no account desk-1", reason="GONE")
RANKED = pb.RankAccountsResponse(
    accounts=[
        pb.RankedAccount(
            account="desk-1",
            positions_only=answers.AFTER,
            headroom="-20000.5",
            margin_ratio=float("inf"),
            state=pb.MARGIN_STATE_LIQUIDATION,
        ),
        pb.RankedAccount(
            account="desk-2",
            positions_only=answers.BEFORE,
            headroom="80000",
            margin_ratio=0.15,
            state=pb.MARGIN_STATE_HEALTHY,
        ),
    ],
    account_count=2_000,
    unknown_count=3,
    market_version=42,
    market_time=answers.AT,
)

AHEAD = pb.GetOutlookResponse(
    basis=answers.BASIS,
    positions_only=answers.AFTER,
    liquidation_prices=[
        pb.LiquidationPrice(
            underlying="BTC", index_price="90000", down_price="79200", down_move=-0.12
        )
    ],
    next_expiry=pb.ExpiryProjection(
        expiry_time=answers.AT, instruments=["BTC-1", "BTC-2"], positions_only=answers.BEFORE
    ),
    suggested_reduction=[
        pb.SuggestedTrade(instrument="BTC-PERPETUAL", quantity="-30", mark_price=90_000.5)
    ],
    after_reduction=answers.BEFORE,
    reduction_is_enough=True,
    order_ids=["o-7"],
)


class FixedClock:
    """A clock that is put."""

    now = 0.0

    def now_ns(self) -> int:
        return 0

    def seconds(self) -> float:
        return self.now


def drawn(*parts: object) -> str:
    page = Console(file=io.StringIO(), width=120, markup=False)
    for part in parts:
        page.print(part)
    return page.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_pipe_gets_a_line_for_each_message(run: Run, server: FakeServer) -> None:
    server.answers("WatchAccount", [SEEN, BLIND])
    ran = run("watch", "desk-1", "--count", "2")
    first, second = ran.out.splitlines()
    assert ran.code == 0
    assert first.split("  ") == [
        *("2027-01-15 08:00:00.250Z", "margin call", "ratio 15.00 %", "equity 100,000.00"),
        *("initial 120,000.50", "maintenance 15,000.00", "headroom -20,000.50"),
        *("market 42, BTC-PERPETUAL 2.5 s old", "worst BTC 13: price -1, vol up"),
    ]
    assert "unknown  no margin: BTC has no price" in second


def test_a_watcher_asks_for_its_interval(run: Run, server: FakeServer) -> None:
    server.answers("WatchAccount", [SEEN])
    run("watch", "desk-1", "--count", "1", "--interval", "0.5")
    (asked,) = server.asked("WatchAccount")
    assert asked.min_interval.ToMilliseconds() == 500
    assert run("watch", "desk-1", "--interval", "0.05").code == 2


def test_json_is_a_line_for_each_message(run: Run, server: FakeServer) -> None:
    server.answers("WatchAccount", [SEEN, SEEN])
    ran = run("watch", "desk-1", "--count", "2", "--json")
    lines = ran.out.splitlines()
    assert len(lines) == 2
    assert all('"margin_ratio": 0.15' in line for line in lines)


def test_an_account_that_cannot_be_watched_ends_the_command(run: Run, server: FakeServer) -> None:
    server.answers("WatchAccount", [GONE])
    ran = run("watch", "desk-1")
    assert (ran.code, ran.out) == (4, "")
    assert "no account desk-1" in ran.err


def test_the_panel_has_state_bars_and_what_it_rests_on() -> None:
    page = drawn(watch_panel(SEEN, [0.10, 0.12, 0.15], 1.5, ""))
    for words in (
        *("desk-1", "margin call   published: warning", "120,000.50", "-20,000.50"),
        *("maintenance / equity", "15.00 %", "120.00 %", "10.00 % to 15.00 %", "▁▄█"),
        *("13: price -1, vol up", "version 42", "BTC-PERPETUAL 4.0 s old"),
    ):
        assert words in page, words
    stale = pb.WatchAccountResponse()
    stale.CopyFrom(SEEN)
    stale.stale = True
    assert "too old to decide by" in drawn(watch_panel(stale, [], 0.0, ""))
    assert "too old" not in page


def test_the_panel_says_what_is_wrong() -> None:
    assert "waiting for the first message" in drawn(
        watch_panel(pb.WatchAccountResponse(), [], 0.0, "")
    )
    assert "trying again" in drawn(watch_panel(SEEN, [], 0.0, "interrupted, trying again"))
    assert "no margin: BTC has no price" in drawn(watch_panel(BLIND, [], 0.0, ""))


def test_the_panel_says_when_the_server_has_gone_quiet_and_that_it_is_asked_again() -> None:
    clock = FixedClock()
    view = View(interval_seconds=1.0, clock=clock)
    view.take(SEEN)
    clock.now = 7.0
    assert "has said nothing" not in drawn(view.panel())
    clock.now = 8.0
    assert "the server has said nothing for 8 s" in drawn(view.panel())
    view.interrupted(MargingateCallError("UNAVAILABLE", "nothing came for 16 s"))
    assert "trying again: UNAVAILABLE: nothing came for 16 s" in drawn(view.panel())
    view.take(SEEN)
    assert "nothing" not in drawn(view.panel())


@pytest.mark.parametrize(
    ("ratios", "steps"),
    [
        ([], ""),
        ([0.5], "▁"),
        ([0.1, 0.2], "▁█"),
        ([0.1, 0.1001], "▁▁"),
        ([float("inf"), 0.1, 0.2], "█▁█"),
        ([float("inf")], "█"),
    ],
)
def test_a_trend_goes_from_the_least_to_the_greatest(ratios: list[float], steps: str) -> None:
    assert trend(ratios) == steps


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.0885, "8.85 %"), (1.2, "120.00 %"), (float("inf"), "∞"), (5e4, "50,000 x")],
)
def test_ratios_are_per_cent(ratio: float, text: str) -> None:
    assert share_text(ratio) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.0, "····"), (0.5, "██··"), (0.53, "██▏·"), (1.0, "████"), (9.0, "████")]
)
def test_a_bar_is_full_at_one(ratio: float, text: str) -> None:
    assert bar(ratio, "", 4).plain == text


def test_alerts_of_the_past_end_where_the_ledger_does(run: Run, server: FakeServer) -> None:
    server.answers("StreamAlerts", [CALLED, KILLED, CAUGHT_UP, LATER])
    ran = run("alerts")
    assert ran.code == 0
    called, killed = (line.split() for line in ran.out.splitlines())
    assert " ".join(called) == (
        "2027-01-15 08:00:00.250Z 4711 critical desk-1 margin call: equity is [below] the initial "
        "margin (was warning) missing to initial margin 1,234.50 cancel: o-1, o-2, and more"
    )
    assert " ".join(killed) == (
        "2027-01-15 08:00:00.250Z 4712 info all accounts kill switch of everything: no order passes"
    )
    (asked,) = server.asked("StreamAlerts")
    assert asked == pb.StreamAlertsRequest(min_severity=pb.ALERT_SEVERITY_INFO)


def test_following_goes_on_until_the_stream_is_over(run: Run, server: FakeServer) -> None:
    server.answers("StreamAlerts", [CAUGHT_UP, LATER, GONE])
    ran = run("alerts", "--follow")
    assert "later" in ran.out
    assert server.asked("StreamAlerts")[0].from_now


def test_alerts_are_chosen_by_account_severity_and_kind(run: Run, server: FakeServer) -> None:
    server.answers("StreamAlerts", [CAUGHT_UP])
    words = ("--since", "7", "--account", "desk-1", "--severity", "warning")
    assert run("alerts", *words, "--kind", "limits_set", "--kind", "regime_fell_back").code == 0
    assert server.asked("StreamAlerts") == [
        pb.StreamAlertsRequest(
            account="desk-1",
            cursor=7,
            min_severity=pb.ALERT_SEVERITY_WARNING,
            kinds=[pb.ALERT_KIND_LIMITS_SET, pb.ALERT_KIND_REGIME_FELL_BACK],
        )
    ]


def test_top_has_a_row_for_each_account(run: Run, server: FakeServer) -> None:
    server.answers("RankAccounts", RANKED)
    ran = run("top", "--by", "headroom", "-n", "2")
    assert ran.code == 0
    assert ran.row("1  desk-1")[:4] == ["1", "desk-1", "liquidation", "∞"]
    assert ran.row("2  desk-2")[:5] == ["2", "desk-2", "healthy", "15.00", "%"]
    assert ran.row("2  desk-2")[-1] == "80,000.00"
    assert "2 of 2000 accounts, 3 without a known margin; market version 42" in ran.out
    assert server.asked("RankAccounts") == [
        pb.RankAccountsRequest(by=pb.ACCOUNT_RANKING_HEADROOM, page_size=2)
    ]
    assert run("top", "--json").json["account_count"] == 2_000


def test_an_outlook_has_prices_the_next_expiry_and_what_to_close(
    run: Run, server: FakeServer
) -> None:
    server.answers("GetOutlook", AHEAD)
    ran = run("margin", "outlook", "desk-1")
    assert ran.code == 0
    assert ran.row("BTC  ") == ["BTC", "90,000.00", "79,200.00", "-12.0", "%", "–", "–"]
    assert ran.row("USD ")[1:] == [
        *("positions", "now", "after", "2027-01-15", "08:00Z", "after", "the", "trades", "below"),
    ]
    assert ran.row("headroom") == ["headroom", "-20,000.50", "80,000.00", "80,000.00"]
    assert ran.row("BTC-PERPETUAL") == ["BTC-PERPETUAL", "-30", "90,000.5"]
    for words in ("BTC-1, BTC-2", "equity covers the initial margin then", "o-7"):
        assert words in ran.out
    assert server.asked("GetOutlook") == [pb.GetOutlookRequest(account="desk-1")]


def test_an_outlook_of_nothing_says_so(run: Run, server: FakeServer) -> None:
    server.answers("GetOutlook", pb.GetOutlookResponse(positions_only=answers.BEFORE))
    ran = run("margin", "outlook", "desk-1")
    assert "nothing that could be liquidated" in ran.out
    assert "to close" not in ran.out


def test_an_account_shows_its_margin_state(run: Run, server: FakeServer) -> None:
    called = pb.AccountSummary(account="desk-1", published_state=pb.MARGIN_STATE_MARGIN_CALL)
    calm = pb.AccountSummary(account="desk-2", published_state=pb.MARGIN_STATE_HEALTHY)
    server.answers(
        "GetAccount", pb.GetAccountResponse(account=called, state=pb.MARGIN_STATE_WARNING)
    )
    server.answers("ListAccounts", pb.ListAccountsResponse(accounts=[called, calm]))
    ran = run("account", "show", "desk-1")
    assert ran.row("state") == ["state", "margin", "call"]
    assert ran.row("margin state now") == ["margin", "state", "now", "warning"]
    listed = run("account", "list")
    assert listed.row("desk-1")[1:3] == ["margin", "call"]
    assert listed.row("desk-2")[1] == "active"
