"""Every margin model by name: the one table to extend."""

from collections.abc import Callable, Mapping

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.cross import CrossModel
from margingate_engine.models.isolated import IsolatedModel
from margingate_engine.models.span import SpanModel
from margingate_engine.models.span_cc.model import SpanCcModel
from margingate_engine.models.strategy.model import StrategyModel
from margingate_engine.models.tims.model import TimsModel
from margingate_engine.models.var.model import VarModel
from margingate_engine.portfolio.margin_model import MarginModel

ParameterTables = Mapping[str, object]
"""A parameter file: numbers as int or Decimal, words as str, tables as mappings."""

MODELS: dict[str, Callable[[ParameterTables], MarginModel]] = {
    "span": SpanModel.from_mapping,
    "cross": CrossModel.from_mapping,
    "isolated": IsolatedModel.from_mapping,
    "tims": TimsModel.from_mapping,
    "var": VarModel.from_mapping,
    "strategy": StrategyModel.from_mapping,
    "span_cc": SpanCcModel.from_mapping,
}


def model(name: str, parameters: ParameterTables) -> MarginModel:
    """The named model with these parameters; InvalidInput naming what is wrong."""
    if name not in MODELS:
        raise InvalidInput("model", f"must be one of {', '.join(sorted(MODELS))}")
    return MODELS[name](parameters)
