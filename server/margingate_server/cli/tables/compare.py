"""A portfolio under several models, side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from textwrap import fill

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_engine.check.compare import Compared, gain
from margingate_engine.check.decide import binding_of, worst_of
from margingate_engine.core.amounts import MICRO, whole
from margingate_engine.models.strategy.deposit import Deposit, NotOffered
from margingate_engine.models.strategy.entry import Account
from margingate_server.cli.tables.layout import BAD, GOOD, facts, stale_text, table
from margingate_server.cli.tables.texts import NONE, money_text, words
from margingate_server.client import (
    CompareRegimesResponse,
    EntryDeposit,
    RegimeMargin,
    enum_name,
)

RULES_BASED = "strategy"
MODELS_ACROSS = 4
"""Columns of amounts that fit a window of 100 characters."""
WORDS_WIDTH, ABOUT_WIDTH = 64, 100
_AMOUNTS = (
    ("equity", "equity"),
    ("initial margin", "initial_margin"),
    ("maintenance margin", "maintenance_margin"),
    ("net option value", "net_option_value"),
    ("capital used", "capital_used"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositRow:
    """Deposit at entry in a kind of account, amounts as RegimeRow; empty with `not_offered`."""

    account: str
    gross_requirement: str = ""
    applied_proceeds: str = ""
    deposit: str = ""
    exactness: str = ""
    not_offered: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeRow:
    """What one model says. Amounts: USD as decimal text, empty where `missing` has no parameters.

    gain: 1 - capital used / that of rules-based margin; None without it. worst: (group, words).
    deposits: of rules-based margin alone.
    """

    model: str
    equity: str = ""
    initial_margin: str = ""
    maintenance_margin: str = ""
    net_option_value: str = ""
    capital_used: str = ""
    gain: float | None = None
    exactness: str = ""
    binding_component: str = ""
    worst: tuple[tuple[str, str], ...] = ()
    parameters_digest: str = ""
    missing: str = ""
    deposits: tuple[DepositRow, ...] = ()


def rows_of_answer(answer: CompareRegimesResponse) -> list[RegimeRow]:
    """What a server says."""
    return [_row_of_message(each) for each in answer.regimes]


def rows_of_comparison(every: Sequence[Compared]) -> list[RegimeRow]:
    """What was worked out here."""
    capitals = {
        each.model.name: each.figures.capital_used for each in every if each.figures is not None
    }
    return [_row_of_figures(each, capitals.get(RULES_BASED)) for each in every]


def json_rows(rows: Iterable[RegimeRow]) -> list[dict[str, object]]:
    """The rows as JSON has them."""
    return [
        {**asdict(row), "worst": [{"group": group, "words": text} for group, text in row.worst]}
        for row in rows
    ]


def comparison_tables(
    rows: Sequence[RegimeRow], title: str = "", about: str = ""
) -> RenderableType:
    """Columns of a few models at a time, then what binds each, and its worst scenarios."""
    return Group(
        *(
            _amounts_table(rows[first : first + MODELS_ACROSS], "" if first else title)
            for first in range(0, len(rows), MODELS_ACROSS)
        ),
        _binding_table(rows),
        facts([fact for row in rows for fact in _deposit_facts(row)]),
        facts([(f"{row.model} has no parameters for", row.missing) for row in rows]),
        Text(fill(about.strip(), ABOUT_WIDTH), style="dim"),
    )


def _amounts_table(rows: Sequence[RegimeRow], title: str) -> RenderableType:
    made = table("USD", *(f">{row.model}" for row in rows), title=title)
    for label, field in _AMOUNTS:
        made.add_row(label, *(_money(getattr(row, field)) for row in rows))
    made.add_row(f"gain on {RULES_BASED}", *(_gain(row.gain) for row in rows))
    made.add_row("exactness", *(row.exactness or NONE for row in rows))
    return made


def _binding_table(rows: Sequence[RegimeRow]) -> RenderableType:
    made = table("model", "binds", "worst scenario")
    for row in rows:
        if not row.missing:
            worst = "; ".join(map(": ".join, row.worst))
            made.add_row(row.model, words(row.binding_component), fill(worst, WORDS_WIDTH))
    return made


def answer_tables(answer: CompareRegimesResponse) -> RenderableType:
    """A server's comparison and the market that it rests on."""
    basis = answer.regimes[0].basis if answer.regimes else None
    return Group(
        comparison_tables(rows_of_answer(answer)),
        facts(
            [
                ("market version", str(basis.market_version) if basis else ""),
                ("prices", stale_text(is_stale=answer.stale)),
            ]
        ),
    )


def _row_of_message(message: RegimeMargin) -> RegimeRow:
    basis = message.basis
    if not message.HasField("risk"):
        return RegimeRow(
            model=basis.model, parameters_digest=basis.parameters_digest, missing=message.missing
        )
    return RegimeRow(
        model=basis.model,
        equity=message.risk.equity,
        initial_margin=message.risk.initial_margin,
        maintenance_margin=message.risk.maintenance_margin,
        net_option_value=message.net_option_value,
        capital_used=message.capital_used,
        gain=message.gain if message.HasField("gain") else None,
        exactness=words(enum_name(message, "exactness")),
        binding_component=message.binding_component,
        worst=tuple((each.group, each.description) for each in message.worst),
        parameters_digest=basis.parameters_digest,
        deposits=tuple(_deposits_of_message(message)),
    )


def _deposits_of_message(message: RegimeMargin) -> Iterator[DepositRow]:
    if message.HasField("margin_account_deposit"):
        yield _deposit_of_message(Account.MARGIN, message.margin_account_deposit)
    if message.HasField("cash_account_deposit"):
        yield _deposit_of_message(Account.CASH, message.cash_account_deposit)


def _deposit_of_message(kind: Account, message: EntryDeposit) -> DepositRow:
    return DepositRow(
        account=kind.value,
        gross_requirement=message.gross_requirement,
        applied_proceeds=message.applied_proceeds,
        deposit=message.deposit,
        exactness="" if message.not_offered else words(enum_name(message, "exactness")),
        not_offered=message.not_offered,
    )


def _row_of_figures(each: Compared, rules_based: int | None) -> RegimeRow:
    name, digest, figures = each.model.name, each.model.parameters_digest, each.figures
    if figures is None:
        return RegimeRow(model=name, parameters_digest=digest, missing=each.missing)
    return RegimeRow(
        model=name,
        equity=_usd(figures.risk.equity),
        initial_margin=_usd(figures.risk.initial),
        maintenance_margin=_usd(figures.risk.maintenance),
        net_option_value=_usd(figures.net_option_value),
        capital_used=_usd(figures.capital_used),
        gain=None if rules_based is None else gain(figures.capital_used, rules_based),
        exactness=_exactness(is_exact=figures.is_exact),
        binding_component=binding_of(figures.requirements).value,
        worst=tuple((each.group, each.description) for each in worst_of(figures.requirements)),
        parameters_digest=digest,
        deposits=tuple(
            _deposit_of_figures(kind, found) for kind, found in figures.deposits.items()
        ),
    )


def _deposit_of_figures(kind: Account, found: Deposit | NotOffered) -> DepositRow:
    if isinstance(found, NotOffered):
        return DepositRow(account=kind.value, not_offered=found.subject)
    return DepositRow(
        account=kind.value,
        gross_requirement=_usd(found.gross),
        applied_proceeds=_usd(found.applied_proceeds),
        deposit=_usd(found.due),
        exactness=_exactness(is_exact=found.is_exact),
    )


def _deposit_facts(row: RegimeRow) -> Iterator[tuple[str, str]]:
    """Name and words of each deposit of a model."""
    for each in row.deposits:
        yield f"deposit at entry, {each.account} account", _deposit_words(each)


def _deposit_words(row: DepositRow) -> str:
    if row.not_offered:
        return f"not offered with {row.not_offered}"
    gross, applied = money_text(row.gross_requirement), money_text(row.applied_proceeds)
    bound = " (bound)" if row.exactness == "bound" else ""
    return f"{money_text(row.deposit)} = gross {gross} less proceeds {applied}{bound}"


def _exactness(*, is_exact: bool) -> str:
    return "exact" if is_exact else "bound"


def _usd(micro: int) -> str:
    return f"{whole(micro, MICRO):f}"


def _money(amount: str) -> Text:
    return Text(money_text(amount), style=BAD if amount.startswith("-") else "")


def _gain(share: float | None) -> Text:
    if share is None:
        return Text(NONE)
    return Text(f"{share:+.1%}", style=GOOD if share > 0 else BAD if share < 0 else "")
