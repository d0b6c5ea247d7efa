"""The table of commands. A command's module is imported when it runs, so that help is fast."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("serve", "Run a server."),
    "check": ("check", "Ask for an order; a yes holds its margin."),
    "preview": ("preview", "Ask what a check would answer; holds nothing."),
    "amend": ("amend", "Ask for a change of an open order; a yes holds for both shapes of it."),
    "confirm-amend": ("confirm_amend", "The venue took the change of an order."),
    "reject-amend": ("reject_amend", "The venue did not take the change of an order."),
    "release": ("release", "Give back what an order holds."),
    "release-all": ("release_all", "Give back what every order of an account holds."),
    "fill": ("fill", "Report an execution."),
    "max-size": ("max_size", "Largest buy and sell that would be accepted."),
    "decision": ("decision", "What was answered for a request id."),
    "orders": ("orders", "Open orders of an account."),
    "account": ("account", "Accounts, their collateral and positions."),
    "regime": ("regime", "By which model an account is margined, and changing it."),
    "move-margin": ("move_margin", "Move margin to a position that has a wallet, or back."),
    "margin": ("margin", "Margin of an account and how it comes about."),
    "watch": ("watch", "An account's margin as it moves."),
    "top": ("top", "Accounts nearest to liquidation."),
    "alerts": ("alerts", "What somebody may have to act on, past and to come."),
    "compare": ("compare", "A portfolio under every margin model, side by side."),
    "market": ("market", "Prices and risk arrays that decisions rest on."),
    "models": ("models", "Margin models and their parameters."),
    "backtest": ("backtest", "Set margins on past prices and count the losses beyond them."),
    "crash-study": ("crash_study", "A recorded market with drawn accounts: states and coverage."),
    "reload": ("reload", "Have a server read parameters, fees and policy again."),
    "admin": ("admin", "Suspensions, kill switches and limits."),
    "validate": ("validate", "Run published examples through the engine and compare."),
    "span": ("span_file", "Read a published SPAN file; requirements of a portfolio by it."),
    "ledger": ("ledger", "Verify, snapshot, export, back up and restore a ledger."),
}
"""Name, in the order of help: module of this package that has it as `app`, and its help."""


class CommandTable(TyperGroup):
    """The commands of the table: named at once, imported when one of them runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What help shows of a command; None for a name that is not in the table."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: Sequence[str]) -> Any:
        """The command that runs, with the arguments left for it."""
        name, _, rest = super().resolve_command(ctx, list(args))
        assert name is not None
        module = import_module(f"margingate_server.cli.{COMMANDS[name][0]}")
        command = typer.main.get_command(module.app)
        command.name = name
        return name, command, rest


app = typer.Typer(cls=CommandTable, no_args_is_help=True, pretty_exceptions_enable=False)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"margingate {version('margingate')}")
        raise typer.Exit


@app.callback()
def root(
    is_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """May this account send this order? The pre-trade portfolio margin check."""
    del is_version
