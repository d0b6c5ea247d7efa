"""Expanded positional SPAN parameter files (`.pa2`), read line by line. [SCC-18, SCC-20]"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.inter import linked
from margingate_engine.models.span_cc.inter_parameters import InterSpread
from margingate_engine.models.span_cc.kinds import PriceRiskMethod
from margingate_engine.models.span_cc.parameters import CombinedCommodity, SpanCcParameters
from margingate_server.files import pa2_commodities, pa2_contracts, pa2_spreads
from margingate_server.files.pa2_columns import Record
from margingate_server.files.pa2_commodities import Commodities, Commodity
from margingate_server.files.pa2_contracts import ContractParts, ProductKey
from margingate_server.files.span_file import ContractColumns, SpanContracts, SpanFile
from margingate_server.files.span_xml import Watch

EXPANDED = "U2"
_LINE_MAX = 1_000
_WATCHED_LINES = 1_000
_NOT_NEEDED = {"T", "1", "5", "9", "91", "92", "R", "V", "X", "Y", "Z"}
"""Currencies, exchanges, groups, debt securities, settlement of variation, combinations: records
that requirements of the products in record 2 do not rest on."""


@dataclass(slots=True)
class Pa2Parts:
    """What was read so far."""

    business_date: int = 0
    is_settlement: bool = False
    commodities: Commodities = field(default_factory=dict)
    contracts: ContractParts = field(default_factory=ContractParts)
    spreads: dict[int, pa2_spreads.Spread] = field(default_factory=dict)


def read_pa2(path: Path, *, net_is_floored: bool, watch: Watch | None = None) -> SpanFile:
    """The parameters, arrays and deltas of a file; InvalidInput with the line of what is wrong.

    net_is_floored: whether the exchange floors risk less option value at 0, which no file says.
    Arrays are taken as they are published. watch: told how many bytes were read.
    """
    parts = Pa2Parts()
    for record in _records(path, watch):
        if not parts.business_date and record.kind != "0":
            raise record.wrong((1, 2), "are not 0, which comes first")
        if record.kind in _NOT_NEEDED:
            continue
        reader = _READERS.get(record.kind)
        if reader is None:
            raise record.wrong((1, 2), "are no record that is known")
        reader(record, parts)
    if wrong := pa2_contracts.unfinished(parts.contracts):
        raise wrong
    if not parts.business_date:
        raise InvalidInput("line 1", "is missing")
    return _assembled(parts, net_is_floored=net_is_floored)


def _records(path: Path, watch: Watch | None) -> Iterator[Record]:
    try:
        with path.open(encoding="latin-1", newline="\n") as file:
            number = done = 0
            while line := file.readline(_LINE_MAX + 1):
                number, done = number + 1, done + len(line)
                if watch is not None and number % _WATCHED_LINES == 0:
                    watch(done)
                if len(line) > _LINE_MAX:
                    raise InvalidInput(f"line {number}", "is too long")
                if text := line.rstrip("\r\n\x1a"):
                    yield Record(number, text)
    except OSError as error:
        raise InvalidInput("file", f"{path} cannot be read: {error.strerror}") from None


def _header(record: Record, parts: Pa2Parts) -> None:
    if record.word((36, 37)) != EXPANDED:
        raise record.wrong((36, 37), f"are not {EXPANDED}: the file is not of the expanded format")
    if parts.business_date:
        raise record.wrong((1, 2), "come a second time")
    parts.business_date = record.period((9, 14), (15, 16))
    parts.is_settlement = record.word((17, 17)) == "S"


def _about_commodities(read: Callable[[Record, Commodities], None]) -> "_Reader":
    return lambda record, parts: read(record, parts.commodities)


def _about_contracts(read: Callable[[Record, ContractParts], None]) -> "_Reader":
    return lambda record, parts: read(record, parts.contracts)


_Reader = Callable[[Record, Pa2Parts], None]
_READERS: Mapping[str, _Reader] = {
    "0": _header,
    "2": _about_commodities(pa2_commodities.read_definition),
    "3": _about_commodities(pa2_commodities.read_tiers),
    "S": _about_commodities(pa2_commodities.read_scanning),
    "C": _about_commodities(pa2_commodities.read_tier_spread),
    "E": _about_commodities(pa2_commodities.read_series_spread),
    "4": _about_commodities(pa2_commodities.read_delivery),
    "B": _about_contracts(pa2_contracts.read_calculation),
    "P": _about_contracts(pa2_contracts.read_quotation),
    "6": lambda record, parts: pa2_spreads.read_spread(record, parts.spreads),
    **{kind: _about_contracts(pa2_contracts.read_arrays) for kind in ("81", "82", "83", "84")},
}


def _assembled(parts: Pa2Parts, *, net_is_floored: bool) -> SpanFile:
    by_product = _commodity_by_product(parts.commodities)
    columns, codes, refused = ContractColumns(), list[str](), dict[str, str]()
    for contract in parts.contracts.contracts:
        product = contract.series.product
        commodity = by_product.get(product)
        reason = pa2_contracts.refusal(contract, parts.contracts.quotations)
        if commodity is None or reason:
            refused["/".join(product)] = reason or "is in no combined commodity"
            continue
        row = pa2_contracts.contract_row(
            contract, parts.contracts, commodity.products[product], commodity.multiple
        )
        columns.add(contract.record.field((3, 54)), row, 0)
        codes.append(commodity.code)
    commodities = tuple(
        _made(each, parts.contracts, net_is_floored=net_is_floored)
        for each in parts.commodities.values()
    )
    inter_spreads = _inter_spreads(parts, refused)
    refused |= {each.code: each.refusal for each in parts.commodities.values() if each.refusal}
    return SpanFile(
        business_date=parts.business_date,
        is_settlement=parts.is_settlement,
        parameters=SpanCcParameters(commodities=commodities, inter_spreads=inter_spreads),
        contracts=SpanContracts(columns, codes),
        refused=refused,
    )


def _commodity_by_product(commodities: Commodities) -> dict[ProductKey, Commodity]:
    found: dict[ProductKey, Commodity] = {}
    for commodity in commodities.values():
        for product in commodity.products:
            if product in found:
                raise commodity.record.wrong((23, 118), f"name {product[1]}, which has another")
            found[product] = commodity
    return found


def _made(
    commodity: Commodity, contracts: ContractParts, *, net_is_floored: bool
) -> CombinedCommodity:
    ranges = [
        (calculation.scan_range, calculation.scaling)
        for series, calculation in contracts.calculations.items()
        if series.product in commodity.products and series.product[2] == "FUT"
    ]
    is_ranged = commodity.price_risk_method is not PriceRiskMethod.NORMAL
    if is_ranged and any(scan_range is None for scan_range, _ in ranges):
        commodity.refusal = commodity.refusal or "its scan ranges are percentages"
    per_delta = [
        round(scan_range / scaling, 9) for scan_range, scaling in ranges if scan_range and scaling
    ]
    record = commodity.record
    try:
        return CombinedCommodity(
            code=commodity.code,
            currency=commodity.currency,
            price_risk_method=commodity.price_risk_method,
            # The smallest of several: a cap gives less credit than any other.
            price_scan_range=min(per_delta, default=Decimal(0)) * commodity.multiple,
            minimum_method=commodity.minimum_method,
            minimum_rates=commodity.minimum_rates(),
            caps_option_value=commodity.caps_option_value,
            net_is_floored=net_is_floored,
            tiers=tuple(commodity.tiers),
            spreads=() if commodity.refusal else commodity.spreads(),
            spot_rates=tuple(commodity.spot_rates),
            account_ratios=commodity.account_ratios(),
        )
    except InvalidInput as wrong:
        field = f"line {record.line} ({commodity.code}), {wrong.field}"
        raise InvalidInput(field, wrong.problem) from None


def _inter_spreads(parts: Pa2Parts, refused: dict[str, str]) -> tuple[InterSpread, ...]:
    """Spreads that can form credits; without all that a refused one is linked with. [SCC-19]"""
    made = {
        number: pa2_spreads.made(spread, parts.commodities)
        for number, spread in sorted(parts.spreads.items())
    }
    usable = [spread for spread in made.values() if spread is not None]
    unusable = {
        code
        for number, spread in made.items()
        if spread is None
        for code in parts.spreads[number].codes
    }
    touched = linked(usable, unusable)
    for number, spread in made.items():
        if spread is None:
            refused[f"spread {number}"] = parts.spreads[number].refusal
        elif spread.codes & touched:
            refused[f"spread {number}"] = "is linked with a spread that is not known"
    return tuple(spread for spread in usable if not spread.codes & touched)
