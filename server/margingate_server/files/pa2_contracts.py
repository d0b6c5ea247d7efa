"""Contracts of a positional SPAN file: records B, P and 81 to 84. [SCC-20]"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.totals import Right
from margingate_server.files.pa2_columns import (
    ARRAY_FIRST,
    ARRAY_ID,
    EXCHANGE,
    LONG_ARRAYS,
    PRODUCT,
    SHORT_ARRAYS,
    ArrayLayout,
    Columns,
    Record,
)
from margingate_server.files.span_file import MICRO_MAX, ContractRow

FIRST_VALUES, SECOND_VALUES = 9, 7

ProductKey = tuple[str, str, str]
"""Exchange, product code and product type (FUT, PHY, OOF, OOP, OOC ...)."""


class SeriesKey(NamedTuple):
    """A product and the months of the future and of the option, as written."""

    product: ProductKey
    future: str
    option: str


class Calculation(NamedTuple):
    """From a B record: delta scaling factor and price scan range, None where it is a percentage."""

    scaling: Decimal
    scan_range: Decimal | None


class Quotation(NamedTuple):
    """From a P record: places of prices and strikes, money per price, whether premiums are paid."""

    price_places: int
    strike_places: int
    factor: Decimal
    is_premium_style: bool
    is_decimal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedContract:
    """From a pair of array records, as written; prices and values are digits without a point."""

    record: Record
    series: SeriesKey
    right: Right | None
    strike: int
    values: tuple[int, ...]
    delta: Decimal
    price: int
    has_own_factor: bool
    period: int
    option_period: int


@dataclass(slots=True)
class ContractParts:
    """Array records read so far, and what is said of their series and products."""

    calculations: dict[SeriesKey, Calculation] = field(default_factory=dict)
    quotations: dict[ProductKey, Quotation] = field(default_factory=dict)
    contracts: list[PublishedContract] = field(default_factory=list)
    first: Record | None = None


def read_calculation(record: Record, parts: ContractParts) -> None:
    """A record B: scaling factor and scan range of a series."""
    series = SeriesKey(product_key(record, (16, 18)), record.word((19, 26)), record.word((28, 35)))
    is_percentage = record.word((165, 165)) == "P"
    exponent = record.whole_or((166, 167), 0) * record.sign(168)
    parts.calculations[series] = Calculation(
        scaling=record.number((86, 91), 4),
        scan_range=None if is_percentage else record.number((53, 57), 0).scaleb(exponent),
    )


def read_quotation(record: Record, parts: ContractParts) -> None:
    """A record P: how the prices of a product become money."""
    exponent = record.whole_or((74, 75), 0) * record.sign(73)
    alignments = {record.word((40, 40)), record.word((41, 41))}
    parts.quotations[product_key(record, (16, 18))] = Quotation(
        price_places=record.whole((34, 36)),
        strike_places=record.whole_or((37, 39), 0),
        factor=record.number((42, 55), 7).scaleb(exponent),
        is_premium_style=record.word((117, 121)) != "FUT",
        is_decimal=alignments <= {"", "0"},
    )


def read_arrays(record: Record, parts: ContractParts) -> None:
    """A record 81 to 84; the second of a pair follows the first at once."""
    if record.kind in {"81", "83"}:
        if parts.first is not None:
            raise parts.first.wrong((1, 2), "are not followed by the other half of the array")
        parts.first = record
        return
    first, parts.first = parts.first, None
    wanted = {"82": "81", "84": "83"}[record.kind]
    if first is None or first.kind != wanted:
        raise record.wrong((1, 2), f"do not follow a record {wanted}")
    if first.word(ARRAY_ID) != record.word(ARRAY_ID):
        raise record.wrong(ARRAY_ID, "name another contract than the record before")
    layout = SHORT_ARRAYS if record.kind == "82" else LONG_ARRAYS
    parts.contracts.append(_contract(first, record, layout))


def product_key(record: Record, kind: Columns) -> ProductKey:
    """Exchange, product code and type."""
    return record.needed(EXCHANGE), record.needed(PRODUCT), record.needed(kind)


def _contract(first: Record, second: Record, layout: ArrayLayout) -> PublishedContract:
    product = product_key(first, (26, 28))
    is_option = product[2].startswith("OO")
    right = first.word((29, 29))
    if is_option != (right in {"C", "P"}):
        raise first.wrong((29, 29), "do not fit the product type")
    future = first.period((30, 35), (36, 37)) if first.word((30, 35)).strip("0") else 0
    option = first.period((39, 44), (45, 46)) if is_option else 0
    delta_last = layout.delta[1]
    return PublishedContract(
        record=second,
        series=SeriesKey(product, first.word((30, 37)), first.word((39, 46))),
        right=Right(right) if is_option else None,
        strike=second.sign(layout.strike_sign) * first.whole((48, 54)) if is_option else 0,
        values=(*_values(first, layout, FIRST_VALUES), *_values(second, layout, SECOND_VALUES)),
        delta=second.number(layout.delta, 4) * second.sign(delta_last + 1),
        price=second.whole_or(layout.price, 0) * second.sign(layout.price[1] + 1),
        has_own_factor=bool(second.word(layout.special_factor).strip("0")),
        period=future or option,
        option_period=option or future,
    )


def _values(record: Record, layout: ArrayLayout, count: int) -> list[int]:
    step = layout.width + 1
    columns = [ARRAY_FIRST + number * step for number in range(count)]
    return [
        record.whole((first, first + layout.width - 1)) * record.sign(first + layout.width)
        for first in columns
    ]


def contract_row(
    contract: PublishedContract, parts: ContractParts, unit: Decimal, multiple: Decimal
) -> ContractRow:
    """A contract in money. unit: money of one array value. multiple: of the risk exponent."""
    record, (product, _, _) = contract.record, contract.series
    calculation = parts.calculations.get(contract.series)
    if calculation is None:
        raise record.wrong(ARRAY_ID, "name a series without a B record")
    loss = tuple(round(value * unit * MICRO) for value in contract.values)
    if any(abs(value) >= MICRO_MAX for value in loss):
        raise record.wrong((ARRAY_FIRST, 132), "hold a number that is out of range")
    value, strike = 0, ""
    if contract.right is not None:
        quotation = quotation_of(contract, parts.quotations)
        money = Decimal(contract.price).scaleb(-quotation.price_places) * quotation.factor
        value = round(money * multiple * MICRO) if quotation.is_premium_style else 0
        strike = format(Decimal(contract.strike).scaleb(-quotation.strike_places), "f")
        if abs(value) >= MICRO_MAX:
            raise record.wrong((111, 117), "hold a price that is out of range")
    right = contract.right.value if contract.right else ""
    dates = f"{contract.period}/{contract.option_period if contract.right else ''}"
    return ContractRow(
        key=f"{product[0]}/{product[1]}/{product[2]}/{right}/{dates}/{strike}",
        loss=loss,
        delta_nano=round(contract.delta * calculation.scaling * NANO),
        period=contract.period,
        right=contract.right,
        minimum_period=contract.option_period,
        option_value=value,
    )


def quotation_of(
    contract: PublishedContract, quotations: Mapping[ProductKey, Quotation]
) -> Quotation:
    """How a contract is quoted; InvalidInput without a P record."""
    quotation = quotations.get(contract.series.product)
    if quotation is None:
        raise contract.record.wrong(PRODUCT, "name a product without a P record")
    return quotation


def refusal(contract: PublishedContract, quotations: Mapping[ProductKey, Quotation]) -> str:
    """Why contracts like this one cannot be valued, or empty."""
    if contract.right is None:
        return ""
    if not quotation_of(contract, quotations).is_decimal:
        return "its prices are fractions"
    return "its contracts have factors of their own" if contract.has_own_factor else ""


def unfinished(parts: ContractParts) -> InvalidInput | None:
    """The mistake of an array whose second half is missing at the end of the file."""
    return None if parts.first is None else parts.first.wrong((1, 2), "have no second half")
