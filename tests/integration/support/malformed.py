"""Requests that no server may act on, with the field that is wrong with each."""

from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from tests.integration.support.wire import leg, now, order

PERPETUAL = "BTC-PERPETUAL"
LEG = leg(PERPETUAL, "10", "1000")
LONG = "x" * 65
NOT_DECIMAL = ("NaN", "Infinity", "1e3", "0x1", " 1", "1.", "१", "9" * 19, "1." + "0" * 19)


class Malformed(NamedTuple):
    """A request of a method like "MarginService/CheckOrder" and the field it is refused for."""

    method: str
    request: Message
    field: str


def every_malformed() -> list[Malformed]:
    """One of each mistake."""
    return [
        *_orders(),
        *_terms(),
        *_changes(),
        *_numbers(),
        *_ids(),
        *_lists(),
        *_streams(),
        *_rest(),
    ]


def check(**changes: object) -> margin.CheckOrderRequest:
    """A check that would be accepted, with changes."""
    usual: dict[str, object] = {
        "request_id": "bad",
        "account": "a",
        "order": order("o", LEG),
        "sent_time": now(),
    }
    return margin.CheckOrderRequest(**{**usual, **changes})  # type: ignore[arg-type]


def _check(field: str, **changes: object) -> Malformed:
    return Malformed("MarginService/CheckOrder", check(**changes), field)


def _with_leg(field: str, **changes: object) -> Malformed:
    wrong = types.OrderLeg()
    wrong.CopyFrom(LEG)
    for name, value in changes.items():
        setattr(wrong, name, value)
    return _check(f"order.legs[0].{field}", order=order("o", wrong))


def _orders() -> list[Malformed]:
    combo = types.Order(order_id="o", legs=[LEG, LEG], execution=7)  # type: ignore[arg-type]
    unsaid = types.Order(order_id="o", legs=[LEG, LEG])
    return [
        _check("order.order_id", order=None),
        _check("order.legs", order=order("o")),
        _check("order.legs", order=order("o", *(LEG,) * 33)),
        _check("order.execution", order=combo),
        _check("order.execution", order=unsaid),
        _check("sent_time", sent_time=None),
        _check("sent_time", sent_time=Timestamp(seconds=-1)),
        _check("sent_time", sent_time=Timestamp(seconds=now().seconds, nanos=-1)),
        _with_leg("side", side=0),
        _with_leg("side", side=3),
        _with_leg("side", side=-1),
        _with_leg("instrument", instrument=""),
        _with_leg("instrument", instrument="BTC PERPETUAL"),
        _with_leg("instrument", instrument="../../etc/passwd"),
        _with_leg("instrument", instrument="X" * 65),
    ]


def _terms() -> list[Malformed]:
    wrong = []
    for seconds, nanos in ((0, 0), (-5, 0), (0, 999_999_999), (2_592_000, 1), (5, -1), (1, 10**9)):
        ending = order("o", LEG)
        ending.hold_duration.CopyFrom(Duration(seconds=seconds, nanos=nanos))
        preview = margin.PreviewOrderRequest(account="a", order=ending)
        wrong += [
            _check("order.hold_duration", order=ending),
            Malformed("MarginService/PreviewOrder", preview, "order.hold_duration"),
        ]
    return wrong


def amend(**changes: object) -> margin.AmendOrderRequest:
    """A change of order o, with changes."""
    usual: dict[str, object] = {
        "request_id": "bad",
        "account": "a",
        "order_id": "o",
        "legs": [LEG],
        "sent_time": now(),
    }
    return margin.AmendOrderRequest(**{**usual, **changes})  # type: ignore[arg-type]


def _changes() -> list[Malformed]:
    sideless = types.OrderLeg(instrument=PERPETUAL, quantity="10")
    wrong = [
        Malformed("MarginService/AmendOrder", amend(**{field.partition("[")[0]: value}), field)
        for field, value in (
            ("request_id", ""),
            ("account", "a b"),
            ("order_id", LONG),
            ("legs", []),
            ("legs", [LEG] * 33),
            ("sent_time", None),
            ("legs[0].side", [sideless]),
            ("legs[1].quantity", [LEG, leg(PERPETUAL, "0")]),
            ("legs[0].limit_price", [leg(PERPETUAL, "10", "1e3")]),
            ("legs[0].instrument", [leg("", "10")]),
        )
    ]
    for rpc, kind in (
        ("ConfirmAmend", margin.ConfirmAmendRequest),
        ("RejectAmend", margin.RejectAmendRequest),
    ):
        for field in ("request_id", "account", "order_id"):
            request = kind(request_id="bad", account="a", order_id="o")
            setattr(request, field, "a b")
            wrong.append(Malformed(f"MarginService/{rpc}", request, field))
    return wrong


def _numbers() -> list[Malformed]:
    wrong = [
        _with_leg(field, **{field: text})
        for field in ("quantity", "limit_price")
        for text in (*NOT_DECIMAL, "-1")
    ]
    wrong += [_with_leg("quantity", quantity=text) for text in ("", "0", "-0", "0.000")]
    for text in NOT_DECIMAL:
        adjustment = accounts.AdjustCollateralRequest(
            request_id="bad", account="a", currency="USD", amount=text
        )
        limits = admin.SetLimitsRequest(
            request_id="bad", account="a", limits=admin.Limits(price_collar=text)
        )
        move = accounts.MoveMarginRequest(
            request_id="bad", account="a", instrument="BTC-PERPETUAL", amount=text
        )
        wrong += [
            Malformed("AccountService/AdjustCollateral", adjustment, "amount"),
            Malformed("AccountService/MoveMargin", move, "amount"),
            Malformed("AdminService/SetLimits", limits, "limits.price_collar"),
            _fill("quantity", quantity=text),
            _fill("price", price=text),
            _fill("fee", fee=text),
        ]
    return wrong


def _fill(field: str, **changes: object) -> Malformed:
    usual: dict[str, object] = {
        "fill_id": "bad",
        "account": "a",
        "order_id": "o",
        "instrument": PERPETUAL,
        "side": types.SIDE_BUY,
        "quantity": "10",
        "price": "1000",
    }
    request = margin.ReportFillRequest(**{**usual, **changes})  # type: ignore[arg-type]
    return Malformed("MarginService/ReportFill", request, field)


def _ids() -> list[Malformed]:
    wrong = []
    for bad in ("", LONG, "a b", "a/b", "ä", "x" * 100_000):
        wrong += [
            _check("request_id", request_id=bad),
            _check("account", account=bad),
            _check("order.order_id", order=order(bad, LEG)),
            _fill("fill_id", fill_id=bad),
            Malformed(
                "MarginService/ReleaseOrder",
                margin.ReleaseOrderRequest(request_id="bad", account="a", order_id=bad),
                "order_id",
            ),
            Malformed(
                "AccountService/CreateAccount",
                accounts.CreateAccountRequest(request_id="bad", account=bad),
                "account",
            ),
        ]
    return wrong


def _lists() -> list[Malformed]:
    def batch(count: int, *legs: types.OrderLeg) -> margin.BatchCheckOrdersRequest:
        items = [
            margin.BatchCheckItem(request_id=f"r-{n}", order=order(f"o-{n}", *legs))
            for n in range(count)
        ]
        return margin.BatchCheckOrdersRequest(account="a", items=items, sent_time=now())

    one_bad = batch(3, LEG)
    one_bad.items[2].order.legs[0].quantity = "x"
    positions = [types.Position(instrument=PERPETUAL, quantity="10")] * 1_001
    method = "MarginService/BatchCheckOrders"
    return [
        Malformed(method, batch(0), "items"),
        Malformed(method, batch(1_001, LEG), "items"),
        Malformed(method, batch(40, *(LEG,) * 26), "items"),
        Malformed(method, one_bad, "items[2].order.legs[0].quantity"),
        Malformed(
            "MarginService/ListOrders",
            margin.ListOrdersRequest(account="a", page_size=1_001),
            "page_size",
        ),
        Malformed(
            "AccountService/SetPositions",
            accounts.SetPositionsRequest(request_id="bad", account="a", positions=positions),
            "positions",
        ),
    ]


def _streams() -> list[Malformed]:
    watched = accounts.WatchAccountRequest(account="a")
    watched.min_interval.FromMilliseconds(99)
    alerts, method = accounts.StreamAlertsRequest, "AccountService/StreamAlerts"
    return [
        Malformed("AccountService/WatchAccount", watched, "min_interval"),
        Malformed("AccountService/WatchAccount", accounts.WatchAccountRequest(), "account"),
        Malformed(method, alerts(cursor=-1), "cursor"),
        Malformed(method, alerts(cursor=1, from_now=True), "from_now"),
        Malformed(method, alerts(min_severity=9), "min_severity"),  # type: ignore[arg-type]
        Malformed(method, alerts(kinds=[1, 99]), "kinds[1]"),  # type: ignore[list-item]
        Malformed(
            "AccountService/RankAccounts", accounts.RankAccountsRequest(page_size=-1), "page_size"
        ),
        Malformed(
            "AccountService/GetOutlook", accounts.GetOutlookRequest(account="a b"), "account"
        ),
    ]


def _rest() -> list[Malformed]:
    quotes = market.PublishQuotesRequest(
        market_time=now(),
        instruments=[PERPETUAL],
        mark_prices=[float("nan")],
        mark_vols=[0.0],
        forward_prices=[0.0],
    )
    kill = admin.EngageKillSwitchRequest(request_id="bad", scope=9, mode=1)  # type: ignore[arg-type]
    return [
        Malformed("MarketService/PublishQuotes", quotes, "mark_prices"),
        Malformed("AdminService/EngageKillSwitch", kill, "scope"),
        Malformed(
            "AdminService/SuspendAccount",
            admin.SuspendAccountRequest(request_id="bad", account="a", reason="x" * 257),
            "reason",
        ),
        Malformed(
            "MarketService/PublishInstruments",
            market.PublishInstrumentsRequest(instruments=[types.Instrument(instrument="X")]),
            "instruments[0].kind",
        ),
        Malformed(
            "AccountService/AdjustCollateral",
            accounts.AdjustCollateralRequest(
                request_id="bad", account="a", currency="USD", amount="0"
            ),
            "amount",
        ),
    ]
