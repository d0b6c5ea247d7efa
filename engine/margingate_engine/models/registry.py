"""Every margin model by name: the one table to extend."""

from collections.abc import Callable, Mapping
from typing import Protocol

from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.span import SpanModel
from margingate_engine.scenarios.risk_arrays import RiskArrays


class MarginModel(Protocol):
    """What a methodology must be able to do."""

    name: str
    parameters_digest: str

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Underlying, name and value of every parameter, in order."""
        ...

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """Features of one lot of every instrument at this snapshot."""
        ...


ParameterTables = Mapping[str, Mapping[str, object]]

MODELS: dict[str, Callable[[ParameterTables], MarginModel]] = {
    "span": SpanModel.from_mapping,
}


def model(name: str, parameters: ParameterTables) -> MarginModel:
    """The named model with these parameters; InvalidInput naming what is wrong."""
    if name not in MODELS:
        raise InvalidInput("model", f"must be one of {', '.join(sorted(MODELS))}")
    return MODELS[name](parameters)
