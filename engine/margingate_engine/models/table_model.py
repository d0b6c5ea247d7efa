"""What models have in common whose parameters are one table per underlying."""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from margingate_engine.core.amounts import PPM
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.parameter_table import digest, tables_of
from margingate_engine.portfolio.collateral import NO_TERMS, CollateralTerms
from margingate_engine.portfolio.risk_arrays import GroupArrays


class Parameters(Protocol):
    """Parameters of one underlying."""

    def items(self) -> list[tuple[str, str]]:
        """Names and values as canonical text, by name."""
        ...


ParametersT = TypeVar("ParametersT", bound=Parameters)


class TableModel(Generic[ParametersT]):
    """Base of a model; PARAMETERS reads the table of one underlying with `from_mapping`."""

    PARAMETERS: ClassVar[Any]
    collateral: CollateralTerms = NO_TERMS

    def __init__(self, parameters: Mapping[str, ParametersT]) -> None:
        self.parameters = dict(parameters)
        self.parameters_digest = digest(self.parameter_items())

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> Self:
        """The model from one table per underlying; InvalidInput names what is wrong."""
        tables = tables_of(raw)
        return cls({name: cls.PARAMETERS.from_mapping(name, each) for name, each in tables.items()})

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Underlying, name and value of every parameter, in order."""
        return [
            (underlying, name, value)
            for underlying in sorted(self.parameters)
            for name, value in self.parameters[underlying].items()
        ]


def group_without_scenarios(
    table: InstrumentTable, snapshot: MarketSnapshot, underlying: str, *, haircut_ppm: int
) -> GroupArrays | None:
    """An underlying whose coins are worth their price less a haircut; None without an index price.

    The feature of its coins is their whole value.
    """
    number = table.underlyings.index(underlying) if underlying in table.underlyings else None
    index_nano = 0 if number is None else int(snapshot.index_nano_u[number])
    if index_nano <= 0:
        return None
    return GroupArrays(
        underlying=underlying,
        descriptions=(),
        index_nano=index_nano,
        coin_factor_s=(),
        coin_feature_ppm=PPM,
        haircut_ppm=haircut_ppm,
    )
