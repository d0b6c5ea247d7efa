"""The order of `check`, `preview` and `amend`, from the words typed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import typer

from margingate_server.cli.parsing import leg_words
from margingate_server.client import Execution, Leg, Side

ExecutionOption = Annotated[
    Execution | None,
    typer.Option("--execution", help="How several legs may fill; required with --leg."),
]


ReduceOnlyOption = Annotated[
    bool,
    typer.Option("--reduce-only", help="The venue cuts the order to what closes a position."),
]
HOLD_SECONDS_MAX = 30 * 86_400.0
HoldOption = Annotated[
    float | None,
    typer.Option(
        "--hold",
        min=1.0,
        max=HOLD_SECONDS_MAX,
        metavar="SECONDS",
        help="The order's time in force ends then at the venue; absent: hold until released.",
    ),
]


def order_legs(
    first: tuple[str, Decimal, str, Decimal | None],
    more: Sequence[str] | None,
    execution: Execution | None,
) -> list[Leg]:
    """All legs; a usage error when there are several and nobody said how they may fill."""
    if more and execution is None:
        raise typer.BadParameter(
            "several legs need atomic-combo or independent-legs", param_hint="--execution"
        )
    return [
        Leg(Side(side), quantity, instrument, limit)
        for side, quantity, instrument, limit in (first, *map(leg_words, more or ()))
    ]
