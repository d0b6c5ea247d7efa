"""Prices, risk arrays and models."""

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from margingate_server.cli.tables.collateral import terms_tables
from margingate_server.cli.tables.layout import BAD, GOOD, facts, table
from margingate_server.cli.tables.texts import NONE, price_text, time_text, words
from margingate_server.client import (
    GetMarketResponse,
    GetRiskArrayResponse,
    InstrumentState,
    ListModelsResponse,
    MarginModel,
    PublishSettlementPricesResponse,
    UnderlyingState,
    enum_name,
)


def market_tables(answer: GetMarketResponse) -> RenderableType:
    """Underlyings, then instruments."""
    return Group(
        facts([("market", f"version {answer.market_version} of {time_text(answer.market_time)}")]),
        _underlyings_table(answer),
        _instruments_table(answer),
    )


def array_table(answer: GetRiskArrayResponse, instrument: str) -> RenderableType:
    """P&L of one long lot by scenario; the worst row of a long and of a short lot marked."""
    made = table(">#", "scenario", ">P&L, USD", "", title=f"{instrument}, one lot long")
    pnl = list(answer.pnl_per_lot)
    lowest, highest = min(pnl, default=0.0), max(pnl, default=0.0)
    for number, (description, each) in enumerate(
        zip(answer.descriptions, pnl, strict=False), start=1
    ):
        mark = "worst long" if each == lowest < 0 else "worst short" if each == highest > 0 else ""
        made.add_row(str(number), description, f"{each:,.6f}", Text(mark, style=BAD))
    rows: list[tuple[str, str | Text]] = [
        ("lot", answer.lot_size),
        ("forward delta of a lot", f"{answer.forward_delta_per_lot:,.6f} USD for 100 %"),
        ("short option minimum", f"{answer.short_option_minimum_per_lot:,.6f} USD a short lot"),
        ("market", f"version {answer.market_version}"),
        ("parameters", answer.parameters_digest[:12]),
    ]
    return Group(made, facts(rows))


SCENARIOS_SHOWN = 20
VALUE_MAX = 60


def models_tables(answer: ListModelsResponse) -> RenderableType:
    """For each model its parameters by underlying, and its scenarios; what assets count."""
    models = (part for model in answer.models for part in _model_parts(model))
    return Group(*models, *terms_tables(answer.collateral))


def settled_line(answer: PublishSettlementPricesResponse) -> RenderableType:
    """How much became cash."""
    if not answer.instrument_count:
        return Text("had settled at that price before; nothing changed")
    return Text(
        f"{answer.instrument_count} instruments settled: {answer.position_count} positions are "
        f"cash now; accounts that changed: {answer.account_count}",
        style=GOOD,
    )


def _model_parts(model: MarginModel) -> list[RenderableType]:
    is_nested = any("." in each.underlying for each in model.parameters)
    made = _nested_parameters(model) if is_nested else _parameters(model)
    scenarios = table(">#", "scenario")
    for number, description in enumerate(model.scenario_descriptions[:SCENARIOS_SHOWN], start=1):
        scenarios.add_row(str(number), description)
    if len(model.scenario_descriptions) > SCENARIOS_SHOWN:
        scenarios.caption = f"the first {SCENARIOS_SHOWN} of {len(model.scenario_descriptions)}"
    rows: list[tuple[str, str | Text]] = [
        ("regime", words(enum_name(model, "regime"))),
        ("equity", words(enum_name(model, "equity_basis"))),
        ("with open orders", words(enum_name(model, "worst_fill"))),
        ("digest", model.parameters_digest),
    ]
    return [made, facts(rows), *([scenarios] if scenarios.row_count else [])]


def _short(value: str) -> str:
    """A parameter's text; of a long list how many there are."""
    return value if len(value) <= VALUE_MAX else f"{len(value.split())} numbers"


def _parameters(model: MarginModel) -> Table:
    """A column per underlying."""
    underlyings = sorted({each.underlying for each in model.parameters})
    names = list(dict.fromkeys(each.name for each in model.parameters))
    value = {(each.underlying, each.name): each.value for each in model.parameters}
    made = table("parameter", *(f">{each}" for each in underlyings), title=f"model {model.model}")
    for name in names:
        made.add_row(words(name), *(_short(value.get((each, name), NONE)) for each in underlyings))
    return made


def _nested_parameters(model: MarginModel) -> Table:
    """A row per parameter: tables within tables would need a column each."""
    made = table("table", "parameter", ">value", title=f"model {model.model}")
    named = None
    for each in model.parameters:
        is_same = each.underlying == named
        made.add_row("" if is_same else each.underlying, words(each.name), each.value)
        named = each.underlying
    return made


def _underlyings_table(answer: GetMarketResponse) -> Table:
    made = table("underlying", ">index, USD", ">age, s", "state")
    for each in answer.underlyings:
        made.add_row(
            each.underlying,
            f"{each.index_price:,.2f}",
            f"{each.age_seconds:.1f}",
            _underlying_words(each),
        )
    return made


def _underlying_words(state: UnderlyingState) -> Text:
    if state.stale:
        return Text("stale", style=BAD)
    return Text(_doubt(state), style=BAD) if state.doubt else Text("fresh", style=GOOD)


def _doubt(state: UnderlyingState | InstrumentState) -> str:
    return words(enum_name(state, "doubt"))


def _instruments_table(answer: GetMarketResponse) -> Table:
    """Narrow on purpose: expiries are in the symbols, and what has no price says so as its age."""
    made = table(
        "instrument", "kind", ">mark", ">vol", ">forward", ">lot", ">tick", ">age, s",
        title=f"{len(answer.instruments)} instruments",
    )  # fmt: skip
    for each in answer.instruments:
        made.add_row(*_instrument_cells(each))
    return made


def _instrument_cells(state: InstrumentState) -> list[str | Text]:
    terms = state.instrument
    prices = [NONE, "", ""]
    if state.priced:
        prices = [
            price_text(state.mark_price),
            f"{state.mark_vol:.2%}" if state.mark_vol else "",
            f"{state.forward_price:,.2f}" if state.forward_price else "",
        ]
    kind = words(f"{enum_name(terms, 'settlement')} {enum_name(terms, 'kind')}")
    return [terms.instrument, kind, *prices, terms.lot_size, terms.tick_size, _age(state)]


def _age(state: InstrumentState) -> Text:
    if state.instrument.halted:
        return Text("halted", style=BAD)
    if not state.priced:
        return Text("no price", style=BAD)
    age = Text(f"{state.age_seconds:.1f}")
    if state.doubt:
        age.append(f" {_doubt(state)}", style=BAD)
    elif surcharge := Decimal(state.surcharge_rate or 0):
        age.append(f" +{surcharge:%}", style=BAD)
    return age
