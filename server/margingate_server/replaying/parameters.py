"""The model that decided, from the event that loaded its parameters."""

from decimal import Decimal, InvalidOperation
from typing import Any

from margingate_engine.models.registry import model
from margingate_engine.portfolio.collateral import CollateralTerms
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.ledger.collateral import collateral_terms
from margingate_server.ledger.events import ParametersLoaded


def models_of(event: ParametersLoaded) -> tuple[MarginModel, dict[str, MarginModel]]:
    """(the model of most accounts, the others by name) with the parameters of the event.

    InvalidInput names what this build refuses. Whether they are those that were loaded then, their
    digests say.
    """
    terms = collateral_terms(event.collateral)
    others = {each.model: _model(each.model, each.parameters, terms) for each in event.others}
    return _model(event.model, event.parameters, terms), others


def _model(
    name: str, parameters: tuple[tuple[str, str, str], ...], terms: CollateralTerms
) -> MarginModel:
    document: dict[str, Any] = {}
    for section, parameter, value in parameters:
        table = document
        for part in section.split(".") if section else ():
            table = table.setdefault(part, {})
        table[parameter] = _value(value)
    return model(name, document, terms)


def _value(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
