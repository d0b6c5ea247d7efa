"""Parameters of the model `span_cc` for coins: typed, bounded, without defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.parameter_table import ParameterTable, decimal_parameter, text
from margingate_engine.models.span_cc.coin_tables import (
    MODEL_NAME,
    TIERS_MAX,
    CalendarTable,
    FlatOrWeighted,
    LegTable,
    PriorityTable,
    RatioTable,
    ScanTable,
    WeightTable,
    check_whole,
)
from margingate_engine.models.span_cc.inter_parameters import InterLeg, InterSpread
from margingate_engine.models.span_cc.kinds import InterMethod, PriceRiskMethod

_DAYS_MAX = 36_500
_REQUIRED = {"account_type", "account_types", "delta_weights", "underlyings"}
_OPTIONAL = {"inter_spreads"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingParameters:
    """Of one underlying. tier_days: first day to expiry of every tier, from 0, ascending."""

    scan: ScanTable
    tier_days: tuple[int, ...]
    spreads: Mapping[str, CalendarTable]

    def __post_init__(self) -> None:
        """Refuse tiers out of order, and spreads that no bound is known of."""
        if not 1 <= len(self.tier_days) <= TIERS_MAX or self.tier_days[0] != 0:
            raise InvalidInput("tiers.1", "must be 0, and there must be no more than 100 tiers")
        if list(self.tier_days) != sorted(set(self.tier_days)) or self.tier_days[-1] > _DAYS_MAX:
            raise InvalidInput("tiers", f"must begin later and later, up to {_DAYS_MAX} days")
        priorities = [each.priority for each in self.spreads.values()]
        for name, spread in self.spreads.items():
            path = f"calendar_spreads.{name}"
            for tier in ("tier_a", "tier_b"):
                if getattr(spread, tier) > len(self.tier_days):
                    raise InvalidInput(f"{path}.{tier}", "is not a tier")
            if priorities.count(spread.priority) > 1:
                raise InvalidInput(f"{path}.priority", "is that of another spread")
            is_unbounded = self.scan.price_risk_method is PriceRiskMethod.NORMAL
            if spread.method is FlatOrWeighted.WEIGHTED and is_unbounded:
                raise InvalidInput(
                    f"{path}.method", "weighted needs price_risk_method cap or scanrange"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinParameters:
    """Everything the model rests on. account_type: the one of account_types that accounts have."""

    account_type: str
    account_types: Mapping[str, RatioTable]
    delta_weights: WeightTable
    underlyings: Mapping[str, UnderlyingParameters]
    inter_spreads: Mapping[str, tuple[PriorityTable, Mapping[str, LegTable]]]

    def __post_init__(self) -> None:
        """Refuse a type of account without ratios, and spreads that cannot be."""
        if self.account_type not in self.account_types:
            raise InvalidInput("account_type", "has no table in account_types")
        priorities = [each.priority for each, _ in self.inter_spreads.values()]
        for name, (each, legs) in self.inter_spreads.items():
            for code in sorted(legs):
                if code not in self.underlyings:
                    raise InvalidInput(f"inter_spreads.{name}.legs.{code}", "is no underlying")
            if len(legs) < 2:
                raise InvalidInput(f"inter_spreads.{name}.legs", "must be two or more")
            if priorities.count(each.priority) > 1:
                raise InvalidInput(f"inter_spreads.{name}.priority", "is that of another spread")

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "CoinParameters":
        """Parameters from a file's tables; InvalidInput with the dotted name of what is wrong."""
        _check_names("", raw, _REQUIRED, _OPTIONAL)
        account_type = raw["account_type"]
        if not isinstance(account_type, str) or not _is_word(account_type):
            raise InvalidInput("account_type", "must be the name of a type of account")
        return cls(
            account_type=account_type,
            account_types={
                name: RatioTable.from_mapping(path, each)
                for name, path, each in _tables("", raw, "account_types")
            },
            delta_weights=WeightTable.from_mapping("delta_weights", raw["delta_weights"]),
            underlyings={
                name: _underlying(path, each)
                for name, path, each in _tables("", raw, "underlyings")
            },
            inter_spreads={
                name: _inter_spread(path, each)
                for name, path, each in _tables("", raw, "inter_spreads")
            },
        )

    @property
    def ratios(self) -> RatioTable:
        """Those of the type of account."""
        return self.account_types[self.account_type]

    def spreads_between(self) -> tuple[InterSpread, ...]:
        """Spreads between underlyings in the words of published files. [SCC-11]"""
        return tuple(
            InterSpread(
                priority=int(each.priority),
                method=InterMethod.DELTA,
                legs=tuple(
                    InterLeg(
                        commodity=code,
                        ratio=leg.ratio,
                        side=leg.side,
                        credit_rate=leg.credit_rate,
                        is_required=True,
                    )
                    for code, leg in sorted(legs.items())
                ),
                target=None,
                target_ratio=None,
                legs_min=len(legs),
            )
            for each, legs in self.inter_spreads.values()
        )

    def items(self) -> list[tuple[str, str, str]]:
        """Dotted table, name and value of every parameter as canonical text, in order."""
        tables: dict[str, ParameterTable] = {"delta_weights": self.delta_weights}
        tables |= {f"account_types.{name}": each for name, each in self.account_types.items()}
        found = [("", "account_type", self.account_type)]
        for name, underlying in self.underlyings.items():
            path = f"underlyings.{name}"
            tables[path] = underlying.scan
            tables |= {f"{path}.calendar_spreads.{n}": t for n, t in underlying.spreads.items()}
            found += [
                (f"{path}.tiers", str(number), text(Decimal(day)))
                for number, day in enumerate(underlying.tier_days, 1)
            ]
        for name, (each, legs) in self.inter_spreads.items():
            tables[f"inter_spreads.{name}"] = each
            tables |= {f"inter_spreads.{name}.legs.{code}": leg for code, leg in legs.items()}
        found += [(path, *item) for path, table in tables.items() for item in table.items()]
        return sorted(found)


def _underlying(path: str, raw: Mapping[str, object]) -> UnderlyingParameters:
    scan = {name: raw[name] for name in raw if name not in {"tiers", "calendar_spreads"}}
    if not isinstance(tiers := raw.get("tiers"), Mapping):
        raise InvalidInput(f"{path}.tiers", "must be a table")
    days = []
    for number in range(1, len(tiers) + 1):
        name = f"{path}.tiers.{number}"
        if str(number) not in tiers:
            raise InvalidInput(name, "is missing")
        day = decimal_parameter(name, tiers[str(number)])
        check_whole(name, day)
        days.append(int(day))
    scanned = ScanTable.from_mapping(path, scan)
    spreads = {
        name: CalendarTable.from_mapping(dotted, each)
        for name, dotted, each in _tables(path, raw, "calendar_spreads")
    }
    try:
        return UnderlyingParameters(scan=scanned, tier_days=tuple(days), spreads=spreads)
    except InvalidInput as wrong:
        raise InvalidInput(f"{path}.{wrong.field}", wrong.problem) from None


def _inter_spread(
    path: str, raw: Mapping[str, object]
) -> tuple[PriorityTable, Mapping[str, LegTable]]:
    legs = {
        code: LegTable.from_mapping(dotted, each)
        for code, dotted, each in _tables(path, raw, "legs")
    }
    rest = {name: raw[name] for name in raw if name != "legs"}
    return PriorityTable.from_mapping(path, rest), legs


def _tables(
    path: str, raw: Mapping[str, object], name: str
) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """(name, dotted name, table) of every table in a table; none where that is absent."""
    dotted = f"{path}.{name}" if path else name
    inner = raw.get(name, {})
    if not isinstance(inner, Mapping):
        raise InvalidInput(dotted, "must be a table")
    for key in sorted(inner):
        where = f"{dotted}.{key}"
        if not key or "." in key or not key.isprintable():
            raise InvalidInput(where, "is not a name")
        if not isinstance(inner[key], Mapping):
            raise InvalidInput(where, "must be a table")
        yield key, where, inner[key]


def _check_names(
    path: str, raw: Mapping[str, object], required: set[str], optional: set[str]
) -> None:
    for name in sorted((required | set(raw)) - optional):
        dotted = f"{path}.{name}" if path else name
        if name not in raw:
            raise InvalidInput(dotted, "is missing")
        if name not in required:
            raise InvalidInput(dotted, f"is not a parameter of {MODEL_NAME}")


def _is_word(value: str) -> bool:
    """Whether a text stays a text when it is stored and read again: no number is one."""
    if not value.isidentifier():
        return False
    try:
        Decimal(value)
    except InvalidOperation:
        return True
    return False
