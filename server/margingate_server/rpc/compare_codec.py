"""Comparisons of regimes and stated portfolios between the wire and the use cases."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.check.compare import Compared, RegimeFigures, gain
from margingate_engine.check.decide import binding_of, worst_of
from margingate_engine.check.explain import explanation, scenario_tables
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.deposit import Deposit, NotOffered
from margingate_engine.models.strategy.entry import Account
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.rpc.decimals import parse_decimal, usd_text
from margingate_server.rpc.decision_codec import (
    basis_message,
    component_message,
    exactness,
    risk_message,
    scenario_messages,
    worst_messages,
)
from margingate_server.rpc.fields import (
    count_between,
    instrument_name,
    underlying_name,
)
from margingate_server.rpc.model_codec import REGIMES
from margingate_server.service.comparing import Moment

POSITIONS_MAX = 1_000
CURRENCIES_MAX = 100
RULES_BASED = "strategy"
"""The model whose capital is what the others save or cost more of."""

Positions = list[tuple[str, Decimal]]
Collateral = dict[str, Decimal]


def parse_statement(message: pb.StatedPortfolio) -> tuple[Positions, Collateral]:
    """(instrument and signed quantity of each position, amount by currency)."""
    count_between(len(message.positions), 0, POSITIONS_MAX, "portfolio.positions")
    count_between(len(message.collateral), 0, CURRENCIES_MAX, "portfolio.collateral")
    positions = [
        _position(each, f"portfolio.positions[{number}]")
        for number, each in enumerate(message.positions)
    ]
    collateral: Collateral = {}
    for number, each in enumerate(message.collateral):
        path = f"portfolio.collateral[{number}]"
        currency = underlying_name(each.currency, f"{path}.currency")
        if currency in collateral:
            raise InvalidInput("portfolio.collateral", "names one currency twice")
        collateral[currency] = parse_decimal(each.amount, f"{path}.amount")
    return positions, collateral


def _position(message: types.Position, path: str) -> tuple[str, Decimal]:
    for field, _ in message.ListFields():
        if field.name not in {"instrument", "quantity"}:
            raise InvalidInput(f"{path}.{field.name}", "must be empty: it is bought at its mark")
    return (
        instrument_name(message.instrument, f"{path}.instrument"),
        parse_decimal(message.quantity, f"{path}.quantity"),
    )


def regime_messages(
    moment: Moment, every: Sequence[Compared], account_version: int
) -> list[pb.RegimeMargin]:
    """One message for each model, with what it saves of the rules-based capital."""
    by_name = {each.model.name: each.figures for each in every}
    rules = by_name.get(RULES_BASED)
    return [_regime(moment, each, rules, account_version) for each in every]


def _regime(
    moment: Moment, compared: Compared, rules: RegimeFigures | None, account_version: int
) -> pb.RegimeMargin:
    figures = compared.figures
    message = pb.RegimeMargin(
        basis=basis_message(moment.view, account_version, moment.now_ns, compared.model),
        regime=REGIMES[compared.model.regime],
        missing=compared.missing,
    )
    if figures is None:
        return message
    message.risk.CopyFrom(_risk(figures))
    message.net_option_value = usd_text(figures.net_option_value)
    message.capital_used = usd_text(figures.capital_used)
    saved = None if rules is None else gain(figures.capital_used, rules.capital_used)
    if saved is not None:
        message.gain = saved
    message.exactness = exactness(is_exact=figures.is_exact)
    message.binding_component = binding_of(figures.requirements).value
    message.worst.extend(worst_messages(worst_of(figures.requirements)))
    _set_deposits(message, figures.deposits)
    return message


def simulation_message(
    moment: Moment, model: MarginModel, figures: RegimeFigures
) -> pb.SimulatePortfolioResponse:
    """The margin of a portfolio that nobody holds, and how it comes about."""
    message = pb.SimulatePortfolioResponse(
        risk=_risk(figures),
        net_option_value=usd_text(figures.net_option_value),
        capital_used=usd_text(figures.capital_used),
        exactness=exactness(is_exact=figures.is_exact),
        explanation=component_message(explanation(figures.account)),
        scenarios=scenario_messages(scenario_tables(figures.account)),
        worst=worst_messages(worst_of(figures.requirements)),
        basis=basis_message(moment.view, 0, moment.now_ns, model),
    )
    _set_deposits(message, figures.deposits)
    return message


def _set_deposits(
    message: pb.RegimeMargin | pb.SimulatePortfolioResponse,
    deposits: Mapping[Account, Deposit | NotOffered],
) -> None:
    if deposits:
        message.margin_account_deposit.CopyFrom(_deposit(deposits[Account.MARGIN]))
        message.cash_account_deposit.CopyFrom(_deposit(deposits[Account.CASH]))


def _deposit(found: Deposit | NotOffered) -> pb.EntryDeposit:
    if isinstance(found, NotOffered):
        return pb.EntryDeposit(not_offered=found.subject)
    return pb.EntryDeposit(
        gross_requirement=usd_text(found.gross),
        applied_proceeds=usd_text(found.applied_proceeds),
        deposit=usd_text(found.due),
        exactness=exactness(is_exact=found.is_exact),
    )


def _risk(figures: RegimeFigures) -> types.Risk:
    message = risk_message(figures.risk)
    assert message is not None
    return message
