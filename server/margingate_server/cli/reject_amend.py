"""`margingate reject-amend`."""

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.orders import venue_answer_table
from margingate_server.client import new_id

app = typer.Typer(add_completion=False)


@app.command()
def reject_amend(
    account: options.Account,
    order_id: options.OrderId,
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Tell that the venue did not take the pending change: only the old order is held."""
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.reject_amend(account, order_id, request_id=request_id)
        session.show(
            answer,
            lambda each: venue_answer_table(each, "the order is what it was"),
            {"request_id": request_id},
        )
