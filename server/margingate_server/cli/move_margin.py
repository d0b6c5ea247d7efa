"""`margingate move-margin`."""

from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.parsing import any_decimal
from margingate_server.cli.session import connected
from margingate_server.cli.tables.margin import moved_tables
from margingate_server.client import new_id

app = typer.Typer(add_completion=False)


# An amount below zero looks like an option, which would otherwise be an unknown one.
@app.command(context_settings={"ignore_unknown_options": True})
def move_margin(
    account: options.Account,
    instrument: options.Instrument,
    amount: Annotated[
        Decimal,
        typer.Argument(
            parser=any_decimal, metavar="AMOUNT", help="USD; negative from the position."
        ),
    ],
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Move margin from the free wallet of an account to a position, or back.

    margingate move-margin desk-1 BTC-PERPETUAL 500
    """
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.accounts.move_margin(
            account, instrument, amount, request_id=request_id
        )
        session.show(answer, moved_tables, {"request_id": request_id})
