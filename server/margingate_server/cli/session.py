"""One command's connection: its gate, its output, and its end when there is no answer."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import TypeVar

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from margingate_server.cli.exit_codes import REFUSED, UNANSWERED
from margingate_server.client import (
    MarginGate,
    MargingateCallError,
    Message,
    RetryPolicy,
    to_json,
    to_json_line,
)

COLUMNS_MIN = 160
"""No table is cut to fit a narrow window, or a pipe: the window may wrap it, grep finds it."""

_RETRY = RetryPolicy()
_Answer = TypeVar("_Answer", bound=Message)


@dataclass(frozen=True, slots=True)
class Session:
    """The gate, and whether answers are printed as JSON."""

    gate: MarginGate
    is_json: bool

    def show(
        self,
        answer: _Answer,
        render: Callable[[_Answer], RenderableType],
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Prints the answer: as JSON with the `extra` fields first, or as `render` draws it."""
        if self.is_json:
            print(to_json(answer, extra))
        else:
            printer().print(render(answer))

    def show_line(self, answer: _Answer, render: Callable[[_Answer], Text]) -> None:
        """Prints one of many answers on a line of its own, at once."""
        if self.is_json:
            print(to_json_line(answer), flush=True)
        else:
            printer().print(render(answer), soft_wrap=True)


def printer() -> Console:
    """What prints tables and lines, however narrow the window is."""
    return screen(max(COLUMNS_MIN, get_terminal_size().columns))


def screen(width: int | None = None) -> Console:
    """What draws on the terminal. Brackets in words of the server are text, never markup."""
    return Console(markup=False, highlight=False, emoji=False, width=width)


@contextmanager
def connected(target: str, timeout_seconds: float, is_json: bool) -> Iterator[Session]:
    """A session with `target`; without an answer the command ends with a line and an exit code."""
    try:
        gate = MarginGate.connect(
            target, timeout_seconds=timeout_seconds / _RETRY.tries_max, retry=_RETRY
        )
        with gate:
            yield Session(gate, is_json)
    except MargingateCallError as error:
        typer.echo(f"margingate: {_sentence(error, target)}", err=True)
        raise typer.Exit(UNANSWERED if error.is_unanswered else REFUSED) from None
    except UnicodeEncodeError:
        raise typer.BadParameter("a name is not UTF-8 text") from None


def _sentence(error: MargingateCallError, target: str) -> str:
    if not error.is_unanswered:
        return " ".join(str(error).split())
    lines = [
        f"no answer from {target} ({error.code}: {error.details})",
        "  is a server running there? `make run` starts one",
    ]
    if error.request_id:
        lines.append(
            f"  the request may have taken effect; repeat it under its id {error.request_id}"
        )
    return "\n".join(lines)
