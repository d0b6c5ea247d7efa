"""Spreads between commodities of a positional SPAN file: records 6. [SCC-20]"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.inter_parameters import InterLeg, InterSpread
from margingate_engine.models.span_cc.kinds import InterMethod, Side
from margingate_server.files.pa2_columns import Record
from margingate_server.files.pa2_commodities import Commodity

_METHODS = {"02": InterMethod.DELTA, "04": InterMethod.SCANNING}
_LEG_WIDTH, _LEG_COUNT = 18, 4


@dataclass(slots=True, kw_only=True)
class Spread:
    """What the records of one priority say."""

    record: Record
    priority: int
    method: str
    legs: list[InterLeg] = field(default_factory=list)
    refusal: str = ""

    @property
    def codes(self) -> frozenset[str]:
        """The commodities that it names."""
        return frozenset(leg.commodity for leg in self.legs)


def read_spread(record: Record, found: dict[int, Spread]) -> None:
    """A record 6; a further one of the same priority lists more legs."""
    priority = record.whole((6, 9))
    spread = found.setdefault(
        priority, Spread(record=record, priority=priority, method=record.needed((89, 90)))
    )
    spread.refusal = spread.refusal or _refusal(record)
    rate = record.number((10, 16), 4) / 100
    has_own_rates = record.word((122, 122)) == "Y"
    for number in range(_LEG_COUNT):
        first = 17 + number * _LEG_WIDTH
        if not record.word((first + 4, first + 9)):
            continue
        own = (
            record.number((123 + 7 * number, 129 + 7 * number), 4) / 100 if has_own_rates else rate
        )
        side = record.word((first + 17, first + 17)) or "A"
        if side not in {"A", "B"}:
            raise record.wrong((first + 17, first + 17), "are no side A or B")
        spread.legs.append(
            _leg(
                record,
                commodity=record.word((first + 4, first + 9)),
                ratio=record.number((first + 10, first + 16), 4),
                side=Side(side),
                credit_rate=own,
                is_required=record.word((first + 3, first + 3)) != "N",
            )
        )


def made(spread: Spread, commodities: Mapping[str, Commodity]) -> InterSpread | None:
    """The spread, or None with its refusal set; InvalidInput where its records contradict."""
    record, target = spread.record, spread.record.word((95, 100))
    if not spread.refusal:
        spread.refusal = _commodity_refusal(spread, target, commodities)
    if spread.refusal:
        return None
    method, legs = _METHODS[spread.method], spread.legs
    is_scanning = method is InterMethod.SCANNING
    if is_scanning and target not in spread.codes:
        legs = [*legs, _target_leg(record, target, legs[0].credit_rate)]
    target_ratio = next((leg.ratio for leg in legs if leg.commodity == target), None)
    try:
        return InterSpread(
            priority=spread.priority,
            method=method,
            legs=tuple(legs),
            target=target if is_scanning else None,
            target_ratio=target_ratio if is_scanning else None,
            legs_min=max(2, record.whole_or((118, 121), 2)) if is_scanning else len(legs),
        )
    except InvalidInput as wrong:
        raise InvalidInput(f"line {record.line} (6), {wrong.field}", wrong.problem) from None


def _target_leg(record: Record, target: str, credit_rate: Decimal) -> InterLeg:
    return _leg(
        record,
        commodity=target,
        ratio=record.number((111, 117), 4),
        side=Side.A,
        credit_rate=credit_rate,
        is_required=record.word((94, 94)) != "N",
    )


def _leg(
    record: Record,
    *,
    commodity: str,
    ratio: Decimal,
    side: Side,
    credit_rate: Decimal,
    is_required: bool,
) -> InterLeg:
    try:
        return InterLeg(
            commodity=commodity,
            ratio=ratio,
            side=side,
            credit_rate=credit_rate,
            is_required=is_required,
        )
    except InvalidInput as wrong:
        raise InvalidInput(f"line {record.line} (6), {wrong.field}", wrong.problem) from None


def _refusal(record: Record) -> str:
    method, group = record.needed((89, 90)), record.word((110, 110))
    if method not in _METHODS:
        return f"method {method} is not known"
    if record.word((101, 101)) not in {"", "W"}:
        return "a credit that is no part of weighted price risk is not known"
    if method == "02" and record.word((102, 109)).strip("0"):
        return "spreads tiers apart"
    if method == "02" and group not in {"", "N", "I"}:
        return "forms before the calendar spreads"
    if record.word((151, 151)) in {"N", "H"}:
        return "does not count for every account"
    return ""


def _commodity_refusal(spread: Spread, target: str, commodities: Mapping[str, Commodity]) -> str:
    for code in sorted(spread.codes | ({target} - {""})):
        if code not in commodities:
            return f"{code} is not in the file"
        if commodities[code].refusal:
            return f"{code}: {commodities[code].refusal}"
        if commodities[code].spreads_tiers_apart:
            return f"{code} spreads its tiers apart"
    if len({commodities[code].currency for code in spread.codes}) > 1:
        return "its legs have different currencies"
    return ""
