"""`margingate regime`."""

from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.exit_codes import REJECTED
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.regime import change_tables, regime_table
from margingate_server.client import new_id

app = typer.Typer(add_completion=False)


@app.command()
def regime(
    account: options.Account,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Change to it; absent: show the regime of now.")
    ] = "",
    *,
    is_validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Say what it would come to; change nothing.")
    ] = False,
    is_forced: Annotated[
        bool, typer.Option("--force", help="Whatever the account is short of; needs --reason.")
    ] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it is forced.")] = "",
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show by which model an account is margined, or change it.

    margingate regime desk-1 cross --validate-only
    """
    if is_forced != bool(reason):
        raise typer.BadParameter("--force and --reason belong together")
    if not model and (is_validate_only or is_forced):
        raise typer.BadParameter("a change needs a model", param_hint="MODEL")
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        if not model:
            session.show(session.gate.accounts.get(account), regime_table)
            return
        answer = session.gate.accounts.set_regime(
            account,
            model,
            validate_only=is_validate_only,
            force_reason=reason,
            request_id=request_id,
        )
        session.show(
            answer,
            lambda each: change_tables(each, model, is_validate_only=is_validate_only),
            {} if is_validate_only else {"request_id": request_id},
        )
        if not answer.allowed:
            raise typer.Exit(REJECTED)
