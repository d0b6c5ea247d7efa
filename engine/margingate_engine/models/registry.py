"""Every margin model by name: the one table to extend."""

from collections.abc import Callable, Mapping

from margingate_engine.core.errors import InvalidInput, ModelFailure
from margingate_engine.models.cross import CrossModel
from margingate_engine.models.isolated import IsolatedModel
from margingate_engine.models.span import SpanModel
from margingate_engine.models.span_cc.model import SpanCcModel
from margingate_engine.models.strategy.model import StrategyModel
from margingate_engine.models.tims.model import TimsModel
from margingate_engine.models.var.model import VarModel
from margingate_engine.portfolio.collateral import NO_TERMS, CollateralTerms
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

_STATED = (
    *("name", "regime", "parameters_digest", "equity_basis", "collateral", "worst_fill"),
    *("has_wallets", "parameter_items", "risk_arrays", "group_margin", "requirements"),
    *("maintenance", "size_kinks"),
)


def model(
    name: str, parameters: ParameterTables, collateral: CollateralTerms = NO_TERMS
) -> MarginModel:
    """The named model with these parameters, coins counted by `collateral`.

    InvalidInput naming what is wrong with the parameters.
    ModelFailure for one that does not say what its regime and its equity are, how good its worst
    fill, or lacks a requirement: nothing of that has a default.
    """
    if name not in MODELS:
        raise InvalidInput("model", f"must be one of {', '.join(sorted(MODELS))}")
    made = MODELS[name](parameters)
    lacking = [each for each in _STATED if not hasattr(made, each)]
    if lacking:
        raise ModelFailure(f"the model {name} does not state {', '.join(lacking)}")
    made.collateral = collateral
    return made
