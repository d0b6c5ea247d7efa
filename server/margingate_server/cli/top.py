"""`margingate top`."""

from time import sleep
from typing import Annotated

import typer
from rich.live import Live

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected, screen
from margingate_server.cli.tables.ranking import ranking_table
from margingate_server.client import AccountRanking, RankAccountsResponse

app = typer.Typer(add_completion=False)


@app.command()
def top(
    *,
    by: Annotated[
        AccountRanking, typer.Option(help="Greatest margin ratio, or least headroom, first.")
    ] = AccountRanking.RATIO,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1_000, help="How many.")] = 20,
    every: Annotated[
        float,
        typer.Option(min=0.0, metavar="SECONDS", help="Ask again so often, until Ctrl-C; 0: once."),
    ] = 0.0,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show the accounts nearest to liquidation, by the margin of their positions.

    margingate top --by headroom -n 10 --every 2
    """
    with connected(target, timeout, is_json) as session:

        def ask() -> RankAccountsResponse:
            return session.gate.accounts.rank(by, count=count)

        if not every or is_json or not screen().is_terminal:
            session.show(ask(), ranking_table)
            while every:
                sleep(every)
                session.show(ask(), ranking_table)
            return
        with Live(ranking_table(ask()), console=screen(), auto_refresh=False) as live:
            while True:
                sleep(every)
                live.update(ranking_table(ask()), refresh=True)
