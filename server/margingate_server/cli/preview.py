"""`margingate preview`."""

from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.exit_codes import REJECTED
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.order_words import ExecutionOption, ReduceOnlyOption, order_legs
from margingate_server.cli.session import connected
from margingate_server.cli.tables.decision import preview_tables
from margingate_server.client import Terms, is_accepted

app = typer.Typer(add_completion=False)


@app.command()
def preview(
    account: options.Account,
    side: options.OrderSide,
    quantity: options.Quantity,
    instrument: options.Instrument,
    *,
    limit: options.Limit = None,
    leg: options.Legs = None,
    execution: ExecutionOption = None,
    is_reduce_only: ReduceOnlyOption = False,
    is_explained: Annotated[
        bool, typer.Option("--explain", help="Add the calculation and every scenario.")
    ] = False,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Ask what a check would answer now; nothing is held or remembered.

    margingate preview desk-1 sell 5 ETH-PERPETUAL --limit 3500 --explain
    """
    legs = order_legs((side, quantity, instrument, limit), leg, execution)
    with connected(target, timeout, is_json) as session:
        answer = session.gate.preview_order(
            account,
            *legs,
            execution=execution,
            terms=Terms(is_reduce_only=is_reduce_only),
            explain=is_explained,
        )
        session.show(answer, preview_tables)
    if not is_accepted(answer.decision):
        raise typer.Exit(REJECTED)
