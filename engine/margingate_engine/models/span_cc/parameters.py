"""Parameters of the combined commodities of a SPAN file: typed, bounded, without defaults."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from itertools import pairwise
from typing import Any

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.calendar_parameters import (
    RATE_MAX,
    AccountRatio,
    CalendarSpread,
    MinimumRate,
    SpotRate,
    SpreadLeg,
    Tier,
    check_number,
)
from margingate_engine.models.span_cc.inter_parameters import InterSpread
from margingate_engine.models.span_cc.kinds import ChargeMethod, MinimumMethod, PriceRiskMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedCommodity:
    """One combined commodity; money in its margin currency. [SCC-01]

    price_scan_range: the price scan range in money per delta. caps_option_value: net option value
    counts up to the risk. net_is_floored: risk less option value is reported as at least 0.
    """

    code: str
    currency: str
    price_risk_method: PriceRiskMethod
    price_scan_range: Decimal
    minimum_method: MinimumMethod
    minimum_rates: tuple[MinimumRate, ...]
    caps_option_value: bool
    net_is_floored: bool
    tiers: tuple[Tier, ...]
    spreads: tuple[CalendarSpread, ...]
    spot_rates: tuple[SpotRate, ...]
    account_ratios: tuple[AccountRatio, ...]

    def __post_init__(self) -> None:
        """Refuse parts that contradict each other, naming the first that does."""
        check_number("price_scan_range", self.price_scan_range, Decimal(0), RATE_MAX)
        _refuse_overlaps("tiers", [(tier.first, tier.last) for tier in self.tiers])
        _refuse_overlaps("minimum_rates", [(rate.first, rate.last) for rate in self.minimum_rates])
        _refuse_repeats("tiers", [tier.number for tier in self.tiers])
        _refuse_repeats("spot_rates", [rate.period for rate in self.spot_rates])
        _refuse_repeats("account_ratios", [each.account_type for each in self.account_ratios])
        for index, spread in enumerate(self.spreads):
            self._check_spread(f"spreads[{index}]", spread)

    def _check_spread(self, field: str, spread: CalendarSpread) -> None:
        places: dict[object, list[tuple[int, int]]] = {}
        for index, leg in enumerate(spread.legs):
            places.setdefault(leg.side, []).append(self.place(f"{field}.legs[{index}]", leg))
        for ranges in places.values():
            # Two legs may share a tier, but not a part of one: their deltas would count twice.
            _refuse_overlaps(f"{field}.legs", list(dict.fromkeys(ranges)))
        is_bounded = self.price_risk_method is not PriceRiskMethod.NORMAL
        if spread.method is ChargeMethod.WEIGHTED and not is_bounded:
            raise InvalidInput(
                f"{field}.method", "weighted needs price_risk_method cap or scanrange"
            )

    def place(self, field: str, leg: SpreadLeg) -> tuple[int, int]:
        """First and last period that a leg takes deltas from; InvalidInput for unknown tiers."""
        if leg.period is not None:
            return leg.period, leg.period
        for tier in self.tiers:
            if tier.number == leg.tier:
                return tier.first, tier.last
        raise InvalidInput(f"{field}.tier", f"{leg.tier} is not a tier of {self.code}")

    def ratio(self, account_type: str) -> AccountRatio:
        """Ratios of a type of account; InvalidInput where the file has none."""
        for each in self.account_ratios:
            if each.account_type == account_type:
                return each
        raise InvalidInput("account_type", f"{account_type} has no ratios in {self.code}")

    def items(self) -> list[tuple[str, str]]:
        """Dotted names and values as canonical text, in a fixed order."""
        return list(canonical_items(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCcParameters:
    """Everything a SPAN file says about requirements; arrays apart. Order does not matter."""

    commodities: tuple[CombinedCommodity, ...]
    inter_spreads: tuple[InterSpread, ...]

    def __post_init__(self) -> None:
        """Refuse commodities named twice and spreads between unknown ones."""
        codes = [each.code for each in self.commodities]
        _refuse_repeats("commodities", codes)
        _refuse_repeats("inter_spreads", [each.priority for each in self.inter_spreads])
        for index, spread in enumerate(self.inter_spreads):
            for code in sorted(spread.codes - set(codes)):
                raise InvalidInput(f"inter_spreads[{index}].legs", f"{code} is not in the file")

    def items(self) -> list[tuple[str, str]]:
        """Dotted names and values as canonical text, in a fixed order."""
        named = SpanCcParameters(
            commodities=tuple(sorted(self.commodities, key=lambda each: each.code)),
            inter_spreads=tuple(sorted(self.inter_spreads, key=lambda each: each.priority)),
        )
        return list(canonical_items(named))


def canonical_items(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and canonical texts of the leaves of a parameter class."""
    if is_dataclass(value):
        for each in fields(value):
            yield from canonical_items(getattr(value, each.name), f"{path}.{each.name}".lstrip("."))
    elif isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from canonical_items(entry, f"{path}[{index}]")
    elif isinstance(value, Decimal):
        yield path, format(value.normalize(), "f")
    else:
        yield path, str(value.value if isinstance(value, Enum) else value)


def _refuse_overlaps(field: str, ranges: Sequence[tuple[int, int]]) -> None:
    for (_, last), (first, _) in pairwise(sorted(ranges)):
        if first <= last:
            raise InvalidInput(field, "overlap")


def _refuse_repeats(field: str, names: Sequence[object]) -> None:
    if len(set(names)) != len(names):
        raise InvalidInput(field, "name one twice")
