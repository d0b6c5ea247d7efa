"""What clients do: one small function each, with its weight."""

from collections.abc import Callable
from time import time_ns

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.crash.client import Client
from tests.crash.contracts import stamp
from tests.crash.journal import Purpose


def check(client: Client) -> None:
    """A new order."""
    order = client.draws.order(client.fresh_id("o"))
    client.check(client.account(), order, client.fresh_id("r"))


def check_taken_order_id(client: Client) -> None:
    """A new request with an order id that is taken."""
    sent = client.draws.pick([*client.sent, *client.closed])
    if sent is not None:
        order = client.draws.order(sent.order.order_id)
        client.check(sent.account, order, client.fresh_id("r"))


def check_batch(client: Client) -> None:
    """Several orders with one commit."""
    items = [
        margin.BatchCheckItem(
            request_id=client.fresh_id("r"), order=client.draws.order(client.fresh_id("o"))
        )
        for _ in range(client.source.randint(2, 6))
    ]
    request = margin.BatchCheckOrdersRequest(
        account=client.account(), items=items, sent_time=stamp(time_ns())
    )
    client.ask("BatchCheckOrders", request)


def release(client: Client) -> None:
    """Give back an order; now and then one that nobody knows, or one that is closed."""
    dice = client.source.random()
    sent = client.draws.pick(client.closed if dice < 0.1 else client.sent)
    if sent is None:
        return
    order_id = "nobody-knows" if dice > 0.97 else sent.order.order_id
    request = margin.ReleaseOrderRequest(
        request_id=client.fresh_id("x"), account=sent.account, order_id=order_id
    )
    if client.ask("ReleaseOrder", request) is not None and dice >= 0.1 and sent in client.sent:
        client.sent.remove(sent)
        client.closed.append(sent)


def release_all(client: Client) -> None:
    """Give back every order of an account, those of other clients too."""
    account = client.account()
    request = margin.ReleaseAllRequest(request_id=client.fresh_id("x"), account=account)
    client.ask("ReleaseAll", request)
    gone = [each for each in client.sent if each.account == account]
    for each in gone:
        client.sent.remove(each)
    client.closed.extend(gone)


def fill(client: Client) -> None:
    """An execution of an open order: all or a part; now and then too much, or of a closed one."""
    dice = client.source.random()
    sent = client.draws.pick(client.closed if dice < 0.1 else client.sent)
    if sent is None:
        return
    leg = client.source.choice(sent.order.legs)
    quantity, price = client.draws.fill_of(leg)
    if dice > 0.92:
        quantity = leg.quantity
    fee = client.source.choice(("", "", "0", "0.01"))
    request = margin.ReportFillRequest(
        fill_id=client.fresh_id("f"),
        account=sent.account,
        order_id="nobody-knows" if 0.1 <= dice < 0.14 else sent.order.order_id,
        instrument=leg.instrument,
        side=leg.side,
        quantity=quantity,
        price=price,
        fee=fee,
    )
    answer = client.ask("ReportFill", request)
    if isinstance(answer, margin.ReportFillResponse) and sent in client.sent:
        is_late = answer.flag == types.LIFECYCLE_FLAG_LATE
        if is_late or (answer.open_quantity == "0" and len(sent.order.legs) == 1):
            client.sent.remove(sent)
            client.closed.append(sent)


def amend(client: Client) -> None:
    """A change of an open order, whether or not an earlier one waits for the venue."""
    sent = client.draws.pick(client.sent)
    if sent is None:
        return
    request = margin.AmendOrderRequest(
        request_id=client.fresh_id("m"),
        account=sent.account,
        order_id=sent.order.order_id,
        legs=client.draws.amended(sent.order.legs),
        sent_time=stamp(time_ns()),
    )
    client.ask("AmendOrder", request)


def confirm_amend(client: Client) -> None:
    """The venue took a change; or nobody knows of one."""
    sent = client.draws.pick(client.amended or client.sent)
    if sent is None:
        return
    request = margin.ConfirmAmendRequest(
        request_id=client.fresh_id("m"), account=sent.account, order_id=sent.order.order_id
    )
    if client.ask("ConfirmAmend", request) is not None and sent in client.amended:
        client.amended.remove(sent)
        client.sent.append(sent)


def reject_amend(client: Client) -> None:
    """The venue did not take a change."""
    sent = client.draws.pick(client.amended or client.sent)
    if sent is None:
        return
    request = margin.RejectAmendRequest(
        request_id=client.fresh_id("m"), account=sent.account, order_id=sent.order.order_id
    )
    if client.ask("RejectAmend", request) is not None and sent in client.amended:
        client.amended.remove(sent)


def adjust_collateral(client: Client) -> None:
    """A deposit or a withdrawal."""
    currency, amount = client.source.choice(
        (("USD", 20_000), ("USD", 3_000), ("BTC", "0.25"), ("ETH", 5))
    )
    sign = client.source.choice(("", "-"))
    request = accounts.AdjustCollateralRequest(
        request_id=client.fresh_id("c"),
        account=client.account(),
        currency=currency,
        amount=f"{sign}{amount}",
    )
    client.ask("AdjustCollateral", request)


def set_positions(client: Client) -> None:
    """A statement of the venue: a few positions, or none."""
    request = accounts.SetPositionsRequest(
        request_id=client.fresh_id("s"),
        account=client.account(),
        positions=client.draws.statement(),
    )
    client.ask("SetPositions", request)


def ask_again(client: Client) -> None:
    """An earlier request once more, the same in every byte."""
    if client.promised:
        method, request = client.source.choice(client.promised)
        client.ask(method, request, Purpose.AGAIN)


def ask_otherwise(client: Client) -> None:
    """An id that was answered, with another body: must be refused."""
    method, request = client.source.choice(client.promised or [("", types.Order())])
    if isinstance(request, margin.ReportFillRequest):
        other = margin.ReportFillRequest()
        other.CopyFrom(request)
        other.order_id = "another"
        client.ask(method, other, Purpose.CONFLICT)
    elif isinstance(request, margin.CheckOrderRequest):
        order = client.draws.order(client.fresh_id("o"))
        changed = margin.CheckOrderRequest(
            request_id=request.request_id,
            account=request.account,
            order=order,
            sent_time=stamp(time_ns()),
        )
        client.ask(method, changed, Purpose.CONFLICT)


def get_decision(client: Client) -> None:
    """What was answered for an order."""
    known = [
        request
        for _, request in client.promised[-200:]
        if isinstance(request, margin.CheckOrderRequest | margin.AmendOrderRequest)
    ]
    if known:
        request = client.source.choice(known)
        client.ask(
            "GetDecision",
            margin.GetDecisionRequest(account=request.account, request_id=request.request_id),
        )


def get_account(client: Client) -> None:
    """An account as it stands."""
    client.ask("GetAccount", accounts.GetAccountRequest(account=client.account()))


def get_margin(client: Client) -> None:
    """The margin of an account as it stands."""
    client.ask("GetMargin", accounts.GetMarginRequest(account=client.account()))


ACTIONS: dict[Callable[[Client], None], int] = {
    check: 36,
    check_taken_order_id: 2,
    check_batch: 7,
    release: 14,
    release_all: 1,
    fill: 14,
    amend: 7,
    confirm_amend: 4,
    reject_amend: 2,
    adjust_collateral: 5,
    set_positions: 1,
    ask_again: 9,
    ask_otherwise: 2,
    get_decision: 4,
    get_account: 4,
    get_margin: 5,
}


def act(client: Client) -> None:
    """One thing that a router does, by weight."""
    (action,) = client.source.choices(list(ACTIONS), list(ACTIONS.values()))
    action(client)
