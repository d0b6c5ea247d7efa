"""The looks of all tables, in one place."""

from rich import box
from rich.table import Table
from rich.text import Text

GOOD = "bold green"
BAD = "bold red"
FAINT = "dim"


def table(*columns: str, title: str = "") -> Table:
    """An empty table. A column named with a leading ">" holds numbers and is right-aligned."""
    made = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title=title or None,
        title_justify="left",
        title_style="bold",
    )
    for name in columns:
        made.add_column(
            name.removeprefix(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=True,
        )
    return made


def facts(rows: list[tuple[str, str | Text]]) -> Table:
    """Names and values without a frame; rows without a value are left out."""
    grid = Table.grid(padding=(0, 2, 0, 1))
    grid.add_column(style=FAINT, no_wrap=True)
    grid.add_column()
    for name, value in rows:
        if value:
            grid.add_row(name, value)
    return grid


def stale_text(*, is_stale: bool) -> Text:
    """That prices are too old to decide by; empty when they are not."""
    return Text("too old to decide by" if is_stale else "", style=BAD)
