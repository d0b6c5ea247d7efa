"""Combined commodities of a positional SPAN file: records 2, 3, S, C, E and 4. [SCC-20]"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.calendar_parameters import (
    AccountRatio,
    CalendarSpread,
    MinimumRate,
    SpotRate,
    SpreadLeg,
    Tier,
)
from margingate_engine.models.span_cc.kinds import (
    ChargeMethod,
    MinimumMethod,
    PriceRiskMethod,
    Side,
)
from margingate_server.files.pa2_columns import COMMODITY, Columns, Record
from margingate_server.files.pa2_contracts import ProductKey

PartT = TypeVar("PartT")

LAST_PERIOD = 99991299
ACCOUNT_TYPES = ("member", "hedger", "speculator")

_PRICE_RISK = {
    "": PriceRiskMethod.NORMAL,
    "1": PriceRiskMethod.NORMAL,
    "2": PriceRiskMethod.CAP,
    "3": PriceRiskMethod.SCANRANGE,
}
_MINIMUM = {"": MinimumMethod.GROSS, "2": MinimumMethod.GROSS, "1": MinimumMethod.MAX}
_TIERED_SCANS = {"02": "its months", "10": "tiers", "21": "tiers", "22": "tiers"}
_TIERED_SPREADS = {"02", "20", "21", "23"}


@dataclass(slots=True, kw_only=True)
class Commodity:
    """What was read of one combined commodity; refusal: why it cannot be margined, or empty."""

    record: Record
    code: str
    currency: str
    multiple: Decimal
    is_premium_style: bool
    caps_option_value: bool
    products: dict[ProductKey, Decimal] = field(default_factory=dict)
    tiers: list[Tier] = field(default_factory=list)
    series_spreads: dict[int, CalendarSpread] = field(default_factory=dict)
    tier_spreads: dict[int, CalendarSpread] = field(default_factory=dict)
    spot_rates: list[SpotRate] = field(default_factory=list)
    minimum_rate: Decimal = Decimal(0)
    minimum_method: MinimumMethod = MinimumMethod.GROSS
    price_risk_method: PriceRiskMethod = PriceRiskMethod.NORMAL
    initial: tuple[Decimal, ...] = ()
    maintenance: tuple[Decimal, ...] = ()
    spreads_tiers_apart: bool = False
    refusal: str = ""

    def spreads(self) -> tuple[CalendarSpread, ...]:
        """Spreads in the order in which they form: of equal priorities those of series first."""
        both = [*self.series_spreads.values(), *self.tier_spreads.values()]
        return tuple(sorted(both, key=lambda spread: spread.priority))

    def minimum_rates(self) -> tuple[MinimumRate, ...]:
        """One rate for options of every period."""
        return (MinimumRate(first=0, last=LAST_PERIOD, rate=self.minimum_rate),)

    def account_ratios(self) -> tuple[AccountRatio, ...]:
        """Ratios by type of account; none where the file gives only one of the two."""
        return tuple(
            AccountRatio(account_type=kind, maintenance=maintenance, initial=initial)
            for kind, maintenance, initial in zip(
                ACCOUNT_TYPES, self.maintenance, self.initial, strict=False
            )
        )


Commodities = dict[str, Commodity]


def read_definition(record: Record, found: Commodities) -> None:
    """A record 2; a further one of the same commodity lists more products."""
    code = record.needed((7, 12))
    multiple = Decimal(1).scaleb(record.whole_or((13, 13), 0))
    commodity = found.setdefault(
        code,
        Commodity(
            record=record,
            code=code,
            currency=record.needed((14, 16)),
            multiple=multiple,
            is_premium_style=record.word((18, 18)) != "F",
            caps_option_value=record.word((19, 19)) == "Y",
        ),
    )
    for first in range(23, 119, 16):
        product = record.word((first, first + 9))
        if product:
            places = record.whole_or((first + 13, first + 13), 0) * record.sign(first + 14)
            kind = record.needed((first + 10, first + 12))
            key = (record.needed((3, 5)), product, kind)
            commodity.products[key] = multiple.scaleb(-places)


def read_tiers(record: Record, found: Commodities) -> None:
    """A record 3: tiers of calendar spreads, and initial over maintenance margin."""
    commodity = commodity_of(record, found)
    method = record.needed((9, 10))
    if method not in {"01", "10"}:
        commodity.refusal = f"calendar charge method {method} is not known"
        return
    for index, first in enumerate(range(11, 67, 14)):
        number = record.whole_or((first, first + 1), 0)
        if method == "10" and number:
            days = 81 + 4 * index
            commodity.tiers.append(
                _made(
                    record,
                    Tier,
                    number=number,
                    first=record.period((first + 2, first + 7), (days, days + 1)),
                    last=record.period((first + 8, first + 13), (days + 2, days + 3), last=True),
                )
            )
    if record.word((69, 80)):
        commodity.initial = tuple(record.number((at, at + 3), 3) for at in (69, 73, 77))


def read_scanning(record: Record, found: Commodities) -> None:
    """A record S: how months are scanned and spread, and the price risk method."""
    commodity, method = commodity_of(record, found), record.needed((9, 10))
    if method in _TIERED_SCANS:
        commodity.refusal = f"scans {_TIERED_SCANS[method]} apart"
    elif method == "30":
        commodity.refusal = "has several short option minimums"
    elif method not in {"01", *_TIERED_SPREADS}:
        commodity.refusal = f"scanning method {method} is not known"
    commodity.spreads_tiers_apart |= method in _TIERED_SPREADS
    risk = record.word((83, 83))
    if risk not in _PRICE_RISK:
        raise record.wrong((83, 83), "are no price risk method")
    if method not in {"23", "30"}:
        commodity.price_risk_method = _PRICE_RISK[risk]


def read_tier_spread(record: Record, found: Commodities) -> None:
    """A record C: a spread between tiers; a further one of the same priority lists more legs."""
    commodity = commodity_of(record, found)
    if (method := record.needed((9, 10))) != "10":
        commodity.refusal = f"calendar charge method {method} is not known"
        return
    legs = [
        _made(
            record,
            SpreadLeg,
            tier=record.whole((first + 2, first + 3)),
            period=None,
            ratio=record.number((first + 4, first + 5), 0),
            side=_side(record, first + 6),
        )
        for first in range(22, 78, 7)
        if record.word((first, first + 6)).strip("0")
    ]
    rate = record.number((15, 21), 0) * commodity.multiple
    _add_spread(record, commodity.tier_spreads, (11, 12), rate, legs)


def read_series_spread(record: Record, found: Commodities) -> None:
    """A record E: a spread between months."""
    commodity = commodity_of(record, found)
    legs = []
    for first in range(21, 77, 14):
        if not record.word((first, first + 3)).strip("0"):
            continue
        month = record.whole((first, first + 3))
        if not 1 <= month % 100 <= 12:
            raise record.wrong((first, first + 3), "are no month YYMM")
        leg = _made(
            record,
            SpreadLeg,
            tier=None,
            period=(200_000 + month) * 100,
            ratio=record.number((first + 7, first + 12), 4),
            side=_side(record, first + 13),
        )
        legs.append(leg)
    rate = record.number((14, 20), 0) * commodity.multiple
    _add_spread(record, commodity.series_spreads, (9, 13), rate, legs)


def read_delivery(record: Record, found: Commodities) -> None:
    """A record 4: delivery charges, short option minimum, risk to maintenance factors."""
    commodity, method = commodity_of(record, found), record.needed((9, 10))
    if method not in {"01", "10"}:
        commodity.refusal = f"delivery charge method {method} is not known"
        return
    for first, day in ((13, 57), (35, 59)):
        if method == "10" and record.word((first, first + 7)).strip("0"):
            commodity.spot_rates.append(
                SpotRate(
                    period=record.period((first + 2, first + 7), (day, day + 1)),
                    spread_rate=commodity.multiple * record.number((first + 8, first + 14), 0),
                    outright_rate=commodity.multiple * record.number((first + 15, first + 21), 0),
                )
            )
    commodity.minimum_rate = commodity.multiple * record.whole_or((63, 69), 0)
    if record.word((70, 78)):
        commodity.maintenance = tuple(record.number((at, at + 2), 2) for at in (70, 73, 76))
    minimum = record.word((79, 79))
    if minimum not in _MINIMUM:
        raise record.wrong((79, 79), "are no short option minimum method")
    commodity.minimum_method = _MINIMUM[minimum]


def commodity_of(record: Record, found: Commodities) -> Commodity:
    """The commodity that a record is about; InvalidInput when no record 2 defined it."""
    code = record.needed(COMMODITY)
    if code not in found:
        raise record.wrong(COMMODITY, f"name {code}, which no record 2 defined")
    return found[code]


def _add_spread(
    record: Record,
    spreads: dict[int, CalendarSpread],
    priority: Columns,
    rate: Decimal,
    legs: list[SpreadLeg],
) -> None:
    number = record.whole(priority)
    before = spreads[number].legs if number in spreads else ()
    spreads[number] = _made(
        record,
        CalendarSpread,
        priority=number,
        method=ChargeMethod.FLAT,
        rate=rate,
        legs=(*before, *legs),
    )


def _side(record: Record, column: int) -> Side:
    text = record.word((column, column))
    if text not in {"A", "B"}:
        raise record.wrong((column, column), "are no side A or B")
    return Side(text)


def _made(record: Record, kind: type[PartT], **values: object) -> PartT:
    """A part of the parameters; a mistake names the line."""
    try:
        return kind(**values)
    except InvalidInput as wrong:
        field = f"line {record.line} ({record.kind}), {wrong.field}"
        raise InvalidInput(field, wrong.problem) from None
