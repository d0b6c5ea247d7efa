"""Margin states, ratios and severities in their colours."""

from rich.text import Text

from margingate_server.cli.tables.layout import BAD, FAINT, GOOD
from margingate_server.cli.tables.texts import NONE, words

STYLES = {
    "HEALTHY": GOOD,
    "WARNING": "bold yellow",
    "MARGIN_CALL": BAD,
    "LIQUIDATION": "bold white on red",
    "UNKNOWN": "bold magenta",
    "INFO": FAINT,
    "CRITICAL": BAD,
}
BAR_CELLS = 40
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def coloured(name: str) -> Text:
    """A state or severity of the contract as words; a dash for none."""
    return Text(words(name) or NONE, style=STYLES.get(name, "bold"))


def share_text(ratio: float) -> str:
    """A ratio in per cent, of six figures or more as such."""
    if ratio == float("inf"):
        return "∞"
    return f"{ratio:,.2%}".replace("%", " %") if ratio < 1_000 else f"{ratio:,.0f} x"


def bar(ratio: float, style: str, cells: int = BAR_CELLS) -> Text:
    """A bar that is full at 1."""
    eighths = round(max(0.0, min(1.0, ratio)) * cells * 8)
    full, part = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    return Text.assemble((filled, style), ("·" * (cells - len(filled)), FAINT))
