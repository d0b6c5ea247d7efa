"""Models as the ledger names them."""

from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.ledger.numbers import ModelNumbers


def model_numbers(model: MarginModel) -> ModelNumbers:
    """A model as an event carries it."""
    return ModelNumbers(model.name, model.parameters_digest, tuple(model.parameter_items()))
