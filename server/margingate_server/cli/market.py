"""`margingate market ...`."""

from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.parsing import positive_decimal
from margingate_server.cli.session import connected
from margingate_server.cli.tables.market import array_table, market_tables, settled_line
from margingate_server.client import (
    ExpiryPrice,
    GetMarketResponse,
    InstrumentState,
    Settlement,
    Timestamp,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Prices and risk arrays that decisions rest on; settlement of what has expired.",
)


@app.command()
def show(
    *,
    underlying: Annotated[str, typer.Option(metavar="COIN", help="Only this underlying.")] = "",
    expiry: Annotated[
        str, typer.Option(metavar="DATE", help="Only this expiry: 27DEC26 or 2026-12-27.")
    ] = "",
    match: Annotated[
        str, typer.Option(metavar="TEXT", help="Only instruments with this in their symbol.")
    ] = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show underlyings and instruments.

    margingate market show --underlying BTC --expiry 27DEC26 --match 100000
    """
    with connected(target, timeout, is_json) as session:
        market = session.gate.market.get(underlying.upper())
        _keep(market, expiry.upper(), match.upper())
        session.show(market, market_tables)


@app.command()
def array(
    instrument: options.Instrument,
    *,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="Of this model; absent: of the one accounts open.")
    ] = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show the risk array of an instrument: profit and loss of one long lot by scenario."""
    with connected(target, timeout, is_json) as session:
        session.show(
            session.gate.market.get_risk_array(instrument, model),
            lambda answer: array_table(answer, instrument),
        )


@app.command()
def settle(
    underlying: Annotated[str, typer.Argument(metavar="UNDERLYING", help="The coin, e.g. BTC.")],
    expiry: Annotated[
        str, typer.Argument(metavar="EXPIRY", help="Day of the expiry: 27DEC26 or 2026-12-27.")
    ],
    price: Annotated[
        Decimal,
        typer.Argument(
            parser=positive_decimal, metavar="PRICE", help="Of the underlying in USD, above 0."
        ),
    ],
    *,
    is_linear: Annotated[
        bool | None,
        typer.Option(
            "--linear/--inverse", help="Only what pays in USD, or in the coin; absent for both."
        ),
    ] = None,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Turn the positions of an expiry into cash; the same price again changes nothing.

    margingate market settle BTC 27DEC26 95012.34
    """
    with connected(target, timeout, is_json) as session:
        market = session.gate.market
        time = _expiry_time(market.get(underlying.upper()), expiry.upper())
        kind = {None: None, True: Settlement.LINEAR, False: Settlement.INVERSE}[is_linear]
        asked = ExpiryPrice(underlying.upper(), time, price, kind)
        session.show(market.publish_settlement_prices([asked]), settled_line)


def _expiry_time(market: GetMarketResponse, expiry: str) -> Timestamp:
    """The time of the day's expiry, which the instruments know."""
    times = {
        each.instrument.expiry_time.ToNanoseconds(): each.instrument.expiry_time
        for each in market.instruments
        if _expires(each, expiry)
    }
    if len(times) != 1:
        problem = "several times of the day" if times else "nothing that is listed"
        raise typer.BadParameter(f"{expiry!r} is the expiry of {problem}", param_hint="EXPIRY")
    (time,) = times.values()
    return time


def _keep(market: GetMarketResponse, expiry: str, match: str) -> None:
    kept = [
        each
        for each in market.instruments
        if match in each.instrument.instrument.upper() and (not expiry or _expires(each, expiry))
    ]
    market.ClearField("instruments")
    market.instruments.extend(kept)


def _expires(state: InstrumentState, expiry: str) -> bool:
    if not state.instrument.HasField("expiry_time"):
        return False
    day = state.instrument.expiry_time.ToDatetime()
    venue_day = f"{day.day}{day:%b%y}".upper()
    return expiry in {venue_day, f"{day:%Y-%m-%d}"}
