"""`margingate fill`."""

from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.parsing import any_decimal
from margingate_server.cli.session import connected
from margingate_server.cli.tables.orders import fill_table
from margingate_server.client import Leg, new_id

app = typer.Typer(add_completion=False)


@app.command()
def fill(
    account: options.Account,
    order_id: options.OrderId,
    side: options.OrderSide,
    quantity: options.Quantity,
    instrument: options.Instrument,
    price: Annotated[
        Decimal, typer.Argument(parser=any_decimal, metavar="PRICE", help="In the quote currency.")
    ],
    *,
    fee: Annotated[
        Decimal | None,
        typer.Option(
            parser=any_decimal,
            metavar="AMOUNT",
            help="In the settlement currency, positive when paid; absent means the schedule's.",
        ),
    ] = None,
    fill_id: Annotated[
        str,
        typer.Option("--fill-id", metavar="ID", help="The venue's execution id; made if absent."),
    ] = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Report an execution: position and cash move, the hold shrinks. Never refused for margin.

    margingate fill desk-1 my-order buy 1 BTC-27DEC26-100000-C 0.0345
    """
    fill_id = fill_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.report_fill(
            account, order_id, Leg(side, quantity, instrument, price), fill_id=fill_id, fee=fee
        )
        session.show(answer, fill_table, {"fill_id": fill_id})
