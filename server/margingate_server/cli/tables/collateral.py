"""What assets count: by terms, and those of an account."""

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from margingate_server.cli.tables.layout import BAD, table
from margingate_server.cli.tables.texts import money_text, price_text
from margingate_server.client import CollateralTerms, CollateralValue


def collateral_tables(values: Iterable[CollateralValue]) -> list[RenderableType]:
    """A table of the assets, USD; none where there is nothing but USD."""
    made = table(
        *("asset", ">balance", ">index", ">value", ">haircut", ">beyond cap", ">counted", ""),
        title="equity by asset, USD",
    )
    shown = list(values)
    for each in shown:
        is_usd = each.currency == "USD"
        made.add_row(
            "USD and marks" if is_usd else each.currency,
            "" if is_usd else each.balance,
            "" if is_usd else price_text(each.index_price),
            money_text(each.value),
            money_text(each.haircut) if each.haircut != "0" else "",
            money_text(each.beyond_cap) if each.beyond_cap != "0" else "",
            money_text(each.counted),
            Text("off its peg" if each.depegged else "", style=BAD),
        )
    return [made] if any(each.currency != "USD" for each in shown) else []


def terms_tables(terms: Iterable[CollateralTerms]) -> list[RenderableType]:
    """A table of terms by asset; none without any."""
    made = table(
        *("asset", ">haircut", ">on debts", ">cap, USD", ">peg lost below", ">haircut then"),
        title="collateral under every model",
    )
    for each in terms:
        made.add_row(
            each.currency,
            each.haircut,
            each.debt_haircut,
            money_text(each.cap) if each.cap else "",
            each.peg_threshold,
            each.depeg_haircut,
        )
    return [made] if made.row_count else []
