"""`margingate amend`."""

import typer

from margingate_server.cli import options
from margingate_server.cli.exit_codes import REJECTED
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.parsing import leg_words
from margingate_server.cli.session import connected
from margingate_server.cli.tables.decision import check_table
from margingate_server.client import Leg, Side, may_send, new_id

app = typer.Typer(add_completion=False)


@app.command()
def amend(
    account: options.Account,
    order_id: options.OrderId,
    side: options.OrderSide,
    quantity: options.Quantity,
    instrument: options.Instrument,
    *,
    limit: options.Limit = None,
    leg: options.Legs = None,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Ask for a change of an open order: every leg with its new total quantity and limit.

    margingate amend desk-1 o-17 buy 5 BTC-27DEC26-100000-C --limit 0.04
    """
    request_id = request_id or new_id()
    legs = [
        Leg(Side(each_side), each_quantity, each_instrument, each_limit)
        for each_side, each_quantity, each_instrument, each_limit in (
            (side, quantity, instrument, limit),
            *map(leg_words, leg or ()),
        )
    ]
    with connected(target, timeout, is_json) as session:
        answer = session.gate.amend_order(account, order_id, *legs, request_id=request_id)
        session.show(answer, lambda each: check_table(each, request_id), {"request_id": request_id})
    if not may_send(answer):
        raise typer.Exit(REJECTED)
