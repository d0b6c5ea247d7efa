"""`margingate check`."""

from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.exit_codes import REJECTED
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.order_words import (
    ExecutionOption,
    HoldOption,
    ReduceOnlyOption,
    order_legs,
)
from margingate_server.cli.session import connected
from margingate_server.cli.tables.decision import check_table
from margingate_server.client import Terms, may_send, new_id

app = typer.Typer(add_completion=False)


@app.command()
def check(
    account: options.Account,
    side: options.OrderSide,
    quantity: options.Quantity,
    instrument: options.Instrument,
    *,
    limit: options.Limit = None,
    leg: options.Legs = None,
    execution: ExecutionOption = None,
    is_reduce_only: ReduceOnlyOption = False,
    hold: HoldOption = None,
    order_id: Annotated[
        str, typer.Option("--order-id", metavar="ID", help="Id of the order; made if absent.")
    ] = "",
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Ask for an order; a yes holds its margin until the order is released or filled.

    margingate check desk-1 buy 2.5 BTC-27DEC26-100000-C --limit 0.0345
    """
    legs = order_legs((side, quantity, instrument, limit), leg, execution)
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.check_order(
            account,
            *legs,
            order_id=order_id,
            execution=execution,
            terms=Terms(is_reduce_only=is_reduce_only, hold_seconds=hold),
            request_id=request_id,
        )
        session.show(answer, lambda each: check_table(each, request_id), {"request_id": request_id})
    if not may_send(answer):
        raise typer.Exit(REJECTED)
