"""Fills and releases, and what they leave in the books."""

import random
from fractions import Fraction

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate.v1.margin_service_pb2_grpc import MarginServiceStub
from tests.integration.main_job.comparison import TOLERANCE
from tests.integration.main_job.report import Report
from tests.integration.main_job.wire import read_risk, text, units
from tests.reference.fills import unit
from tests.reference.oracle import Oracle
from tests.reference.orders import OpenLeg


class Lifecycle:
    """Tells the server and the oracle the same."""

    def __init__(
        self, oracle: Oracle, stub: MarginServiceStub, report: Report, source: random.Random
    ) -> None:
        self._oracle = oracle
        self._stub = stub
        self._report = report
        self._source = source

    def fill(self, name: str, number: int) -> None:
        """Fills a part or all of an open leg at its limit or better, and now and then twice."""
        picked = self._pick(name)
        if picked is None:
            return
        order_id, leg = picked
        execution = OpenLeg(
            symbol=leg.symbol,
            side=leg.side,
            lots=self._source.choice((leg.lots, self._source.randint(1, leg.lots))),
            price=leg.price,
        )
        fee = self._fee(execution)
        request = self._fill_request(name, order_id, execution, fee, f"f-{number}")
        answer = self._stub.ReportFill(request)
        self._oracle.fill(name, order_id, execution, fee)
        self._report.fills += 1
        if answer.flag != types.LIFECYCLE_FLAG_UNSPECIFIED or answer.replayed:
            self._report.miss(f"{name} fill {request}: {answer}")
        self._compare_fill(name, execution, leg, answer)
        if self._source.random() < 0.1 and not self._stub.ReportFill(request).replayed:
            self._report.miss(f"{name} fill {request} was applied twice")

    def release(self, name: str, number: int) -> None:
        """Releases an open order."""
        picked = self._pick(name)
        if picked is None:
            return
        request = margin.ReleaseOrderRequest(
            request_id=f"x-{number}", account=name, order_id=picked[0]
        )
        answer = self._stub.ReleaseOrder(request)
        self._oracle.release(name, picked[0])
        self._report.releases += 1
        if not answer.released or answer.flag != types.LIFECYCLE_FLAG_UNSPECIFIED:
            self._report.miss(f"{name} release {picked[0]}: {answer}")
        self._compare_risk(f"{name} release {picked[0]}", name, answer.risk)

    def compare_books(self, name: str, answer: accounts.GetAccountResponse) -> None:
        """Cash and positions to the last unit, margin within tolerance."""
        account, instruments = self._oracle.accounts[name], self._oracle.book.instruments
        cash = {b.currency: units(b.amount, unit(b.currency)) for b in answer.balances}
        expected_cash = {asset: amount for asset, amount in account.cash.items() if amount}
        if {asset: amount for asset, amount in cash.items() if amount} != expected_cash:
            self._report.miss(f"{name} cash {cash}, oracle {expected_cash}")
        held = {p.instrument: Fraction(p.quantity) for p in answer.positions}
        expected = {s: p.lots * instruments[s].lot for s, p in account.positions.items()}
        if held != expected:
            self._report.miss(f"{name} positions {held}, oracle {expected}")
        self._compare_risk(f"{name} books", name, answer.risk)

    def compare_orders(self, name: str, request: margin.ListOrdersRequest) -> None:
        """Open orders with their open quantities."""
        request.page_size = 1000
        instruments = self._oracle.book.instruments
        found = {
            order.order_id: sorted(
                (leg.instrument, Fraction(leg.quantity)) for leg in order.legs if leg.quantity
            )
            for order in self._stub.ListOrders(request).orders
        }
        expected = {
            order.order_id: sorted(
                (leg.symbol, leg.lots * instruments[leg.symbol].lot) for leg in order.legs
            )
            for order in self._oracle.accounts[name].orders.values()
        }
        if _open(found) != _open(expected):
            self._report.miss(f"{name} orders {found}, oracle {expected}")

    def _pick(self, name: str) -> tuple[str, OpenLeg] | None:
        working = [
            (order.order_id, leg)
            for order in self._oracle.accounts[name].orders.values()
            for leg in order.legs
            if leg.lots
        ]
        return self._source.choice(working) if working else None

    def _fee(self, execution: OpenLeg) -> int | None:
        """A fee of the venue, or None for the schedule's."""
        held = self._oracle.book.largest_fee(execution.symbol, execution.lots, execution.price)
        return self._source.choice((None, 0, held, held // 2))

    def _fill_request(
        self, name: str, order_id: str, execution: OpenLeg, fee: int | None, fill_id: str
    ) -> margin.ReportFillRequest:
        instrument = self._oracle.book.instruments[execution.symbol]
        paid = None if fee is None else Fraction(fee, unit(instrument.settlement))
        return margin.ReportFillRequest(
            fill_id=fill_id,
            account=name,
            order_id=order_id,
            instrument=execution.symbol,
            side=types.SIDE_BUY if execution.side > 0 else types.SIDE_SELL,
            quantity=text(execution.lots * instrument.lot),
            price=text(execution.price),
            fee="" if paid is None else text(paid),
        )

    def _compare_fill(
        self, name: str, execution: OpenLeg, leg: OpenLeg, answer: margin.ReportFillResponse
    ) -> None:
        lot = self._oracle.book.instruments[execution.symbol].lot
        position = self._oracle.accounts[name].lots(execution.symbol) * lot
        if (Fraction(answer.position), Fraction(answer.open_quantity)) != (
            position,
            leg.lots * lot,
        ):
            self._report.miss(f"{name} fill {execution}: {answer}, oracle {position}, {leg.lots}")
        self._compare_risk(f"{name} fill {execution}", name, answer.risk)

    def _compare_risk(self, what: str, name: str, wire: types.Risk) -> None:
        account = self._oracle.accounts[name]
        expected, found = self._oracle.risk(name), read_risk(wire)
        gross = self._oracle.decider.gross(account)
        gaps = (found.initial - expected.initial, found.maintenance - expected.maintenance)
        if found.equity != expected.equity or any(abs(g) * TOLERANCE > gross for g in gaps):
            self._report.miss(f"{what}: {found}, oracle {expected}")


def _open(
    orders: dict[str, list[tuple[str, Fraction]]],
) -> dict[str, list[tuple[str, Fraction]]]:
    """Only what is still open."""
    return {order: [leg for leg in legs if leg[1]] for order, legs in orders.items()}
