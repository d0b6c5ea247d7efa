"""Accounts and orders from a seed, as calls to a server.

Every account is so well funded, and every order so small, that each order is accepted. Nothing is
released: the cost of a check does not grow with the open orders, which `engine_costs` shows in the
same run, and releases would take their time from the checks that are counted.
"""

import time
from collections.abc import Iterator
from itertools import count
from random import Random

from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate_server.rpc.decimals import nano_text
from margingate_server.service.market import MarketView
from tests.bench.http2 import Call
from tests.bench.market import SEED, limit_nano, traded_rows
from tests.bench.traffic import Traffic, batch_decisions, check_decisions, preview_decisions

ACCOUNTS = 1_000
POSITIONS = 20
POSITION_LOTS_MAX = 100
OPEN_ORDERS = 5
BATCH = 100
DEPOSITS = {"USD": "20000000", "BTC": "500", "ETH": "5000"}
MARGIN, ACCOUNT = "/margingate.v1.MarginService", "/margingate.v1.AccountService"
SIDES = (types.SIDE_BUY, types.SIDE_SELL)


class Population:
    """Opening calls, and endless calls about orders; no two of its checks share a request id."""

    def __init__(self, view: MarketView) -> None:
        self._random = Random(SEED)
        self._names = [f"bench-{number:04d}" for number in range(ACCOUNTS)]
        self._numbers = count(1)
        self._sent_time = Timestamp(seconds=int(time.time()))
        self._lots = [
            (each.name, each.lot_nano, nano_text(limit_nano(view, row)))
            for row in traded_rows(view)
            for each in (view.table.instruments[row],)
        ]

    def opening(self) -> Iterator[list[Call]]:
        """Calls that open the accounts, in stages of which each needs the one before."""
        names = self._names
        yield [
            Call(
                f"{ACCOUNT}/CreateAccount",
                accounts.CreateAccountRequest(account=name, request_id="open").SerializeToString(),
            )
            for name in names
        ]
        yield [self._deposit(name, *each) for name in names for each in DEPOSITS.items()]
        yield [self._statement(name) for name in names]
        yield [self._batch(name, OPEN_ORDERS) for name in names]

    def checks(self) -> Traffic:
        """Orders of one lot of random accounts."""
        return Traffic(
            calls=self._checks(),
            counter="margingate_decisions_total",
            orders_per_call=1,
            decisions=check_decisions,
        )

    def previews(self) -> Traffic:
        """The same, to be looked at only."""
        return Traffic(
            calls=self._previews(),
            counter="margingate_previews_total",
            orders_per_call=1,
            decisions=preview_decisions,
        )

    def batches(self) -> Traffic:
        """BATCH orders of one random account at a time."""
        return Traffic(
            calls=self._batches(),
            counter="margingate_decisions_total",
            orders_per_call=BATCH,
            decisions=batch_decisions,
        )

    def _checks(self) -> Iterator[Call]:
        while True:
            order = self._order()
            request = margin.CheckOrderRequest(
                request_id=order.order_id,
                account=self._random.choice(self._names),
                order=order,
                sent_time=self._sent_time,
            )
            yield Call(f"{MARGIN}/CheckOrder", request.SerializeToString())

    def _previews(self) -> Iterator[Call]:
        while True:
            request = margin.PreviewOrderRequest(
                account=self._random.choice(self._names), order=self._order()
            )
            yield Call(f"{MARGIN}/PreviewOrder", request.SerializeToString())

    def _batches(self) -> Iterator[Call]:
        while True:
            yield self._batch(self._random.choice(self._names), BATCH)

    def _order(self) -> types.Order:
        name, lot_nano, limit = self._random.choice(self._lots)
        leg = types.OrderLeg(
            instrument=name,
            side=self._random.choice(SIDES),
            quantity=nano_text(lot_nano),
            limit_price=limit,
        )
        return types.Order(order_id=f"order-{next(self._numbers):08d}", legs=[leg])

    def _deposit(self, name: str, currency: str, amount: str) -> Call:
        request = accounts.AdjustCollateralRequest(
            request_id=f"deposit-{currency}", account=name, currency=currency, amount=amount
        )
        return Call(f"{ACCOUNT}/AdjustCollateral", request.SerializeToString())

    def _statement(self, name: str) -> Call:
        held = self._random.sample(self._lots, POSITIONS)
        positions = [
            types.Position(instrument=instrument, quantity=self._quantity(lot_nano))
            for instrument, lot_nano, _ in held
        ]
        request = accounts.SetPositionsRequest(
            request_id="statement", account=name, positions=positions
        )
        return Call(f"{ACCOUNT}/SetPositions", request.SerializeToString())

    def _quantity(self, lot_nano: int) -> str:
        lots = self._random.randint(1, POSITION_LOTS_MAX) * self._random.choice((1, -1))
        return nano_text(lots * lot_nano)

    def _batch(self, name: str, size: int) -> Call:
        orders = [self._order() for _ in range(size)]
        request = margin.BatchCheckOrdersRequest(
            account=name,
            items=[margin.BatchCheckItem(request_id=each.order_id, order=each) for each in orders],
            sent_time=self._sent_time,
        )
        return Call(f"{MARGIN}/BatchCheckOrders", request.SerializeToString())
