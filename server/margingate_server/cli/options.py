"""Arguments and options that several commands share."""

from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli.parsing import any_decimal, positive_decimal
from margingate_server.client import Side

TARGET = "127.0.0.1:50051"
TIMEOUT_SECONDS = 5.0


Target = Annotated[
    str,
    typer.Option(
        "--target",
        envvar="MARGINGATE_TARGET",
        metavar="HOST:PORT",
        help="Server to ask; https://HOST:PORT with TLS.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", min=0.01, metavar="SECONDS", help="Longest wait, retries included."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
RequestId = Annotated[
    str,
    typer.Option("--request-id", metavar="ID", help="Id to repeat the request by; made if absent."),
]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account.")]
Instrument = Annotated[
    str, typer.Argument(metavar="INSTRUMENT", help="Venue symbol, e.g. BTC-PERPETUAL.")
]
OrderSide = Annotated[
    Side, typer.Argument(metavar="SIDE", help="buy or sell.", case_sensitive=False)
]
Quantity = Annotated[
    Decimal,
    typer.Argument(
        parser=positive_decimal,
        metavar="QUANTITY",
        help="In the venue's unit: coins; USD for inverse futures.",
    ),
]
Limit = Annotated[
    Decimal | None,
    typer.Option(
        "--limit", parser=any_decimal, metavar="PRICE", help="Limit price; absent at the market."
    ),
]
Legs = Annotated[
    list[str] | None,
    typer.Option(
        "--leg",
        metavar="'SIDE QUANTITY INSTRUMENT [LIMIT]'",
        help="One more leg, e.g. 'sell 1000 BTC-PERPETUAL 95000'. Repeatable.",
    ),
]
OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", help="Id of the order.")]
