"""An account that is watched: a panel that moves, or a line for each message."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from margingate_server.cli.tables.layout import BAD, FAINT, facts
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.states import BAR_CELLS, STYLES, bar, coloured, share_text
from margingate_server.cli.tables.texts import NONE, money_text, time_text
from margingate_server.client import WatchAccountResponse, WorstScenario, enum_name

PANEL_WIDTH = 92
TREND_SPAN_MIN = 0.01
"""A ratio that moves by less is drawn as one that hardly moves."""

_STEPS = "▁▂▃▄▅▆▇█"


def watch_panel(
    answer: WatchAccountResponse, ratios: Sequence[float], waited_seconds: float, note: str
) -> RenderableType:
    """All about the account now. ratios: margin ratios so far. note: what is wrong, or ""."""
    if not answer.account:
        return Panel(Text(note or "waiting for the first message", style=FAINT), width=PANEL_WIDTH)
    parts: list[RenderableType] = [_headline(answer)]
    if answer.HasField("risk"):
        both = {"positions alone": answer.positions_only, "with open orders": answer.risk}
        parts += [risks_table(both), facts(_bars(answer, ratios))]
    else:
        parts.append(Text(f"\nno margin: {answer.missing} has no price\n", style=BAD))
    rows: list[tuple[str, str | Text]] = [
        (f"worst for {each.group}", scenario_text(each)) for each in answer.worst
    ]
    rows += [
        (
            "market",
            f"version {answer.basis.market_version} of {time_text(answer.basis.market_time)}",
        ),
        ("oldest price", _age(answer, waited_seconds)),
    ]
    parts.append(facts([*rows, ("", Text(note, style=BAD))]))
    title = Text.assemble((f" {answer.account} ", "bold"), (f"{answer.basis.model} ", FAINT))
    border = STYLES.get(enum_name(answer, "state"), "dim").removeprefix("bold ")
    return Panel(
        Group(*parts),
        title=title,
        title_align="left",
        subtitle=Text("Ctrl-C ends", style=FAINT),
        subtitle_align="right",
        border_style=border,
        width=PANEL_WIDTH,
    )


def watch_line(answer: WatchAccountResponse) -> Text:
    """The same on one line."""
    line = Text(time_text(answer.basis.decision_time) + "  ", style=FAINT)
    line.append_text(coloured(enum_name(answer, "state")))
    if answer.HasField("risk"):
        line.append(f"  ratio {share_text(answer.margin_ratio)}", style="bold")
        for name, amount in (
            ("equity", answer.risk.equity),
            ("initial", answer.risk.initial_margin),
            ("maintenance", answer.risk.maintenance_margin),
            ("headroom", answer.risk.headroom),
        ):
            line.append(f"  {name} ", style=FAINT)
            line.append(money_text(amount), style=BAD if amount.startswith("-") else "")
    else:
        line.append(f"  no margin: {answer.missing} has no price", style=BAD)
    line.append(f"  market {answer.basis.market_version}, ", style=FAINT)
    line.append_text(_age(answer, 0.0))
    for each in answer.worst:
        line.append(f"  worst {each.group} {scenario_text(each)}", style=FAINT)
    return line


def scenario_text(worst: WorstScenario) -> str:
    """Number and words of a scenario; words alone where none binds."""
    return f"{worst.scenario}: {worst.description}" if worst.scenario > 0 else worst.description


def trend(ratios: Sequence[float]) -> str:
    """Steps from the least of the ratios to the greatest, or to TREND_SPAN_MIN more than that."""
    finite = [each for each in ratios if each < float("inf")]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    last = len(_STEPS) - 1
    share = last / max(high - low, TREND_SPAN_MIN)
    heights = (last if each > high else round((each - low) * share) for each in ratios)
    return "".join(_STEPS[height] for height in heights)


def _headline(answer: WatchAccountResponse) -> Text:
    now, published = enum_name(answer, "state"), enum_name(answer, "published_state")
    line = coloured(now)
    if published not in ("", now):
        line = Text.assemble(line, ("   published: ", FAINT), coloured(published))
    return line


def _bars(answer: WatchAccountResponse, ratios: Sequence[float]) -> list[tuple[str, str | Text]]:
    style = STYLES.get(enum_name(answer, "state"), "").removeprefix("bold ")
    style = "red" if "on red" in style else style
    equity, initial = float(answer.risk.equity), float(answer.risk.initial_margin)
    used = initial / equity if equity > 0 else float("inf") if initial else 0.0
    rows: list[tuple[str, str | Text]] = [
        ("maintenance / equity", _bar(answer.margin_ratio, style)),
        ("initial, orders / equity", _bar(used, style)),
    ]
    shown = trend(ratios[-BAR_CELLS:])
    if len(shown) > 1:
        span = f"  {share_text(min(ratios))} to {share_text(max(ratios))}"
        rows.append(("ratio so far", Text.assemble(shown.ljust(BAR_CELLS), (span, FAINT))))
    return rows


def _bar(ratio: float, style: str) -> Text:
    return Text.assemble(bar(ratio, style), f"  {share_text(ratio)}")


def _age(answer: WatchAccountResponse, waited_seconds: float) -> Text:
    if not answer.HasField("price_age"):
        return Text(NONE)
    seconds = answer.price_age.ToNanoseconds() / 1e9 + waited_seconds
    text = Text(f"{answer.oldest_price} {seconds:.1f} s old")
    if answer.stale:
        text.append("  too old to decide by", style=BAD)
    return text
