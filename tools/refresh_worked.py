"""Works the portfolios of docs/capital-efficiency.md out again: figures and pictures.

    PYTHONPATH=engine:server:proto/gen:. python -m tools.refresh_worked

What stands between `<!-- figures: NAME -->` and `<!-- end -->` is replaced; the words around it are
people's.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from margingate_engine.check.compare import Compared, RegimeFigures, gain
from margingate_engine.check.decide import worst_of
from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.models.strategy.deposit import Deposit, NotOffered
from margingate_engine.models.strategy.entry import Account
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.comparing.picture import picture
from margingate_server.comparing.portfolio_file import FilePortfolio, worked_portfolios
from margingate_server.comparing.running import comparison
from margingate_server.files.models import read_models

PAGE = Path(__file__).parent.parent / "docs" / "capital-efficiency.md"
IMAGES = PAGE.with_name("images")
BLOCK = re.compile(r"(<!-- figures: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
RULES_BASED = "strategy"
SUMMARY = "summary"
DEPOSITS = "deposits"
NONE = "–"
_OF_A_DEPOSIT = ("gross", "proceeds", "deposit")


def main() -> None:
    """Rewrite the page and draw the pictures."""
    models = read_models({})
    blocks = figures(models)
    text = PAGE.read_text("utf-8")
    assert blocks_of(text).keys() == blocks.keys(), "the page has other blocks"
    PAGE.write_text(BLOCK.sub(lambda match: match[1] + blocks[match[2]] + match[4], text), "utf-8")
    for portfolio in worked_portfolios():
        holding, found = comparison(portfolio, models.values())
        image = IMAGES / f"worked-{portfolio.name}.svg"
        image.write_text(picture(portfolio, holding, found), "utf-8")
        print(f"{portfolio.title}: {image}")


def figures(models: Mapping[str, MarginModel]) -> dict[str, str]:
    """Blocks of the page by name, each ending in a line break."""
    blocks, summary, deposits = {}, [], []
    for portfolio in worked_portfolios():
        _, found = comparison(portfolio, models.values())
        known = {each.model.name: _figures(each) for each in found}
        legs = _table(("leg", "quantity", "vol", "mark, USD"), _legs(portfolio))
        blocks[portfolio.name] = _block([*legs, "", *_table(("USD", *known), _rows(known))])
        blocks[f"{portfolio.name}:binds"] = _block(_binding(found))
        capitals = [_money(each.capital_used) for each in known.values()]
        gains = _savings(known, lambda each: each.capital_used)
        cells = [
            capital if saved == NONE else f"{capital} ({saved})"
            for capital, saved in zip(capitals, gains, strict=True)
        ]
        summary.append((portfolio.title, *cells))
        deposits.append((portfolio.title, *_deposits(known[RULES_BASED])))
    blocks[SUMMARY] = _block(_table(("capital used, USD", *models), summary))
    kinds = [f"{each.value} account: {what}" for each in Account for what in _OF_A_DEPOSIT]
    blocks[DEPOSITS] = _block(_table(("USD", *kinds), deposits))
    return blocks


def models_named(page: str) -> list[str]:
    """The models that the summary of a page has a column for."""
    header = next(line for line in blocks_of(page)[SUMMARY].splitlines() if line)
    return [cell.strip() for cell in header.strip("|").split("|")[1:]]


def blocks_of(page: str) -> dict[str, str]:
    """What a page has in its blocks, by name."""
    return {match[2]: match[3] for match in BLOCK.finditer(page)}


def _figures(each: Compared) -> RegimeFigures:
    assert each.figures is not None, f"{each.model.name} has no parameters for {each.missing}"
    return each.figures


def _legs(portfolio: FilePortfolio) -> list[tuple[str, ...]]:
    return [
        (
            portfolio.table.instruments[row].name,
            f"{lots * portfolio.table.instruments[row].lot_nano / NANO:+g}",
            _vol(portfolio.table.instruments[row], portfolio.snapshot.vol_nano_i[row] / NANO),
            f"{portfolio.snapshot.mark_nano_i[row] / NANO:,.2f}",
        )
        for row, lots in portfolio.lots_by_row.items()
    ]


def _vol(instrument: Instrument, vol: float) -> str:
    return f"{vol:.1%}" if instrument.kind is InstrumentKind.OPTION else NONE


def _rows(known: Mapping[str, RegimeFigures]) -> list[tuple[str, ...]]:
    every = known.values()
    return [
        ("equity after buying", *(_money(each.risk.equity) for each in every)),
        ("initial margin", *(_money(each.risk.initial) for each in every)),
        (f"less than {RULES_BASED}", *_savings(known, lambda each: each.risk.initial)),
        ("maintenance margin", *(_money(each.risk.maintenance) for each in every)),
        ("net option value", *(_money(each.net_option_value) for each in every)),
        ("**capital used**", *(f"**{_money(each.capital_used)}**" for each in every)),
        (f"gain on {RULES_BASED}", *_savings(known, lambda each: each.capital_used)),
    ]


def _savings(
    known: Mapping[str, RegimeFigures], amount_of: Callable[[RegimeFigures], int]
) -> list[str]:
    """How much less each has of something than rules-based margin, as a share of that."""
    rules = known.get(RULES_BASED)
    saved = [
        None if rules in (None, each) else gain(amount_of(each), amount_of(rules))
        for each in known.values()
    ]
    return [NONE if each is None else f"{each:+.0%}" for each in saved]


def _deposits(figures: RegimeFigures) -> Iterator[str]:
    """Gross requirement, applied proceeds and deposit in each kind of account."""
    for kind in Account:
        yield from _deposit_cells(figures.deposits[kind])


def _deposit_cells(found: Deposit | NotOffered) -> tuple[str, ...]:
    if isinstance(found, NotOffered):
        return NONE, NONE, f"not offered: {found.subject}"
    return _money(found.gross), _money(found.applied_proceeds), f"**{_money(found.due)}**"


def _binding(found: Sequence[Compared]) -> list[str]:
    """What each requirement is made of, and what binds."""
    rows = []
    for each in found:
        own = _figures(each)
        for requirement, worst in zip(own.requirements, worst_of(own.requirements), strict=True):
            parts = [
                f"{charge.value.replace('_', ' ')} {_money(amount)}"
                for charge, amount in requirement.charges
                if amount
            ]
            rows.append((each.model.name, requirement.subject, "; ".join(parts), worst.description))
    return list(_table(("model", "group", "parts, USD", "binding"), rows))


def _block(lines: Sequence[str]) -> str:
    """Lines between blank ones, without which comments would belong to the table."""
    return "\n".join(("", *lines, "", ""))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _money(micro: int) -> str:
    return f"{micro / MICRO:,.2f}"


if __name__ == "__main__":
    main()
