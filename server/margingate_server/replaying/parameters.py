"""The model that decided, from the event that loaded its parameters."""

from decimal import Decimal, InvalidOperation

from margingate_engine.models.registry import model
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.ledger.events import ParametersLoaded


def model_of(event: ParametersLoaded) -> MarginModel:
    """The model with the parameters of the event; InvalidInput names what this build refuses.

    Whether it is the one that was loaded then, its digest says.
    """
    tables: dict[str, dict[str, object]] = {}
    for underlying, name, value in event.parameters:
        tables.setdefault(underlying, {})[name] = _value(value)
    return model(event.model, tables)


def _value(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
