"""`margingate max-size`."""

from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.parsing import any_decimal
from margingate_server.cli.session import connected
from margingate_server.cli.tables.orders import max_size_table

app = typer.Typer(add_completion=False)


@app.command()
def max_size(
    account: options.Account,
    instrument: options.Instrument,
    *,
    buy: Annotated[
        Decimal | None,
        typer.Option(parser=any_decimal, metavar="PRICE", help="Buy limit; absent at the market."),
    ] = None,
    sell: Annotated[
        Decimal | None,
        typer.Option(parser=any_decimal, metavar="PRICE", help="Sell limit; absent at the market."),
    ] = None,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show the largest buy and sell that would be accepted now, and what limits them.

    margingate max-size desk-1 BTC-PERPETUAL --buy 95000 --sell 95010
    """
    with connected(target, timeout, is_json) as session:
        answer = session.gate.get_max_order_size(
            account, instrument, buy_price=buy, sell_price=sell
        )
        session.show(answer, max_size_table)
