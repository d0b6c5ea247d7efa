"""`margingate account ...`."""

from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.parsing import position_rows, position_words, positive_decimal
from margingate_server.cli.session import connected
from margingate_server.cli.tables.account import (
    account_tables,
    accounts_table,
    balance_tables,
    created_table,
    statement_tables,
)
from margingate_server.client import StatedPosition, new_id

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Accounts, their collateral and positions."
)

Amount = Annotated[
    Decimal, typer.Argument(parser=positive_decimal, metavar="AMOUNT", help="More than 0.")
]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", help="USD or a coin, e.g. BTC.")]


@app.command()
def create(
    account: options.Account,
    *,
    fee_tier: Annotated[
        str, typer.Option("--fee-tier", metavar="NAME", help="Tier of the fee schedule.")
    ] = "default",
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Open an account."""
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.accounts.create(account, fee_tier=fee_tier, request_id=request_id)
        session.show(answer, created_table, {"request_id": request_id})


@app.command()
def show(
    account: options.Account,
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show an account with balances, positions and margin."""
    with connected(target, timeout, is_json) as session:
        session.show(session.gate.accounts.get(account), account_tables)


@app.command("list")
def list_accounts(
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """List all accounts."""
    with connected(target, timeout, is_json) as session:
        session.show(session.gate.accounts.list(), accounts_table)


@app.command()
def deposit(
    account: options.Account,
    amount: Amount,
    currency: Currency,
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Book a deposit.

    margingate account deposit desk-1 100000 USD
    """
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.accounts.adjust_collateral(
            account, currency, amount, request_id=request_id
        )
        session.show(answer, balance_tables, {"request_id": request_id})


@app.command()
def withdraw(
    account: options.Account,
    amount: Amount,
    currency: Currency,
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Book a withdrawal, which must leave the account margined and its cash covered."""
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.accounts.adjust_collateral(
            account, currency, -amount, request_id=request_id
        )
        session.show(answer, balance_tables, {"request_id": request_id})


@app.command()
def set_positions(
    account: options.Account,
    positions: Annotated[
        list[str] | None,
        typer.Argument(metavar="INSTRUMENT=QUANTITY[@PRICE]...", help="Signed, long positive."),
    ] = None,
    *,
    file: Annotated[
        typer.FileText | None,
        typer.Option(help="CSV with the columns instrument,quantity[,entry_price]; - for stdin."),
    ] = None,
    is_flat: Annotated[bool, typer.Option("--flat", help="The statement has no position.")] = False,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Replace all positions by a statement's; what it does not name becomes flat.

    margingate account set-positions desk-1 BTC-PERPETUAL=-1000@95000 BTC-27DEC26-100000-C=2.5
    """
    if [bool(positions), file is not None, is_flat].count(True) != 1:
        raise typer.BadParameter("give positions, or --file, or --flat")
    rows = position_rows(file) if file else [position_words(each) for each in positions or ()]
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.accounts.set_positions(
            account, [StatedPosition(*row) for row in rows], request_id=request_id
        )
        session.show(answer, statement_tables, {"request_id": request_id})
