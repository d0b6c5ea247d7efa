"""`margingate admin ...`."""

from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.parsing import positive_decimal
from margingate_server.cli.session import connected
from margingate_server.cli.tables.admin import (
    changed_line,
    kill_switch_table,
    limits_table,
    limits_tables,
)
from margingate_server.client import KillMode, KillScope, new_id

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Suspensions, kill switches and limits."
)

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for people.")]
Scope = Annotated[KillScope, typer.Argument(metavar="SCOPE", help="all, account or underlying.")]
Subject = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="The account or underlying; none for all.")
]
MaybeAccount = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The account; absent for the default of all.")
]


def _bound(name: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, parser=positive_decimal, metavar="NUMBER", help=text
    )
    return option


@app.command()
def suspend(
    account: options.Account,
    *,
    reason: Reason = "",
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Refuse every order of an account until it is resumed; releases and fills go on."""
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.admin.suspend_account(account, reason=reason, request_id=request_id)
        session.show(
            answer,
            lambda each: changed_line(each.changed, f"{account} suspended", "was so before"),
            {"request_id": request_id},
        )


@app.command()
def experience(
    account: options.Account,
    tier: Annotated[int, typer.Argument(min=0, max=9, metavar="TIER", help="0 (none) to 9.")],
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Say how experienced an account's owner is; regimes may ask for a least tier."""
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.admin.set_experience(account, tier, request_id=request_id)
        session.show(
            answer,
            lambda each: changed_line(True, f"{account} has tier {each.experience_tier}", ""),
            {"request_id": request_id},
        )


@app.command()
def resume(
    account: options.Account,
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Lift a suspension."""
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.admin.resume_account(account, request_id=request_id)
        session.show(
            answer,
            lambda each: changed_line(each.changed, f"{account} resumed", "was not suspended"),
            {"request_id": request_id},
        )


@app.command()
def kill(
    scope: Scope,
    subject: Subject = "",
    *,
    mode: Annotated[KillMode, typer.Option(help="What still passes.")] = KillMode.BLOCK_ALL,
    reason: Reason = "",
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Refuse orders in a scope until `unkill`.

    margingate admin kill underlying BTC --mode reduce-only --reason "index in doubt"
    """
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.admin.engage_kill_switch(
            scope, subject, mode=mode, reason=reason, request_id=request_id
        )
        session.show(
            answer, lambda each: kill_switch_table([each.kill_switch]), {"request_id": request_id}
        )


@app.command()
def unkill(
    scope: Scope,
    subject: Subject = "",
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Lift the kill switch of a scope."""
    request_id = request_id or new_id()
    lifted = f"kill switch of {scope} {subject}".strip() + " lifted"
    with connected(target, timeout, is_json) as session:
        answer = session.gate.admin.release_kill_switch(scope, subject, request_id=request_id)
        session.show(
            answer,
            lambda each: changed_line(each.changed, lifted, "was not in force"),
            {"request_id": request_id},
        )


@app.command()
def set_limits(
    account: MaybeAccount = "",
    *,
    is_default: Annotated[
        bool, typer.Option("--default", help="Set the default of all accounts.")
    ] = False,
    quantity: Annotated[Decimal | None, _bound("--max-quantity", "Largest leg in coins.")] = None,
    quantity_usd: Annotated[
        Decimal | None, _bound("--max-quantity-usd", "Largest leg of an inverse future, USD.")
    ] = None,
    notional: Annotated[
        Decimal | None, _bound("--max-notional", "Largest notional of an order, USD.")
    ] = None,
    collar: Annotated[
        Decimal | None,
        _bound("--collar", "How far a price may be worse than the mark; 0.1 is 10 %."),
    ] = None,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Replace ALL limits of an account, or of --default; what is not given is no limit.

    margingate admin set-limits desk-1 --max-notional 5000000 --collar 0.1
    """
    if bool(account) == is_default:
        raise typer.BadParameter("give an account, or --default")
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.admin.set_limits(
            account,
            max_order_quantity=quantity,
            max_order_quantity_usd=quantity_usd,
            max_order_notional=notional,
            price_collar=collar,
            request_id=request_id,
        )
        session.show(
            answer,
            lambda each: limits_table({"in force": each.effective}),
            {"request_id": request_id},
        )


@app.command()
def limits(
    account: MaybeAccount = "",
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show the limits in force and the kill switches."""
    with connected(target, timeout, is_json) as session:
        session.show(session.gate.admin.get_limits(account), limits_tables)
