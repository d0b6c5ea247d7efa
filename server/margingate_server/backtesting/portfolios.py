"""Sample portfolios: what is held each day, in USD of the underlying."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.toml_tables import read_tables

BUILT_IN = Path(__file__).with_name("portfolios.toml")
_OPTION_NAMES = {"right", "moneyness", "tenor_days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A coin or future, or with `is_call` an option, of constant notional. [VAR-21]

    notional: USD of the underlying, long +. moneyness: strike / price. tenor_days: to expiry, each
    day anew. Without meaning, 1 and 0, where it is no option (is_call None).
    """

    underlying: str
    notional: float
    is_call: bool | None = None
    moneyness: float = 1.0
    tenor_days: float = 0.0

    @property
    def is_option(self) -> bool:
        """An option, which needs a vol."""
        return self.is_call is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePortfolio:
    """Legs, and whether a future takes the delta of each underlying to zero every day."""

    name: str
    legs: tuple[Leg, ...]
    is_delta_hedged: bool = field(default=False)

    @property
    def underlyings(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(sorted({leg.underlying for leg in self.legs}))

    @property
    def vol_underlyings(self) -> tuple[str, ...]:
        """Those of its options, in order."""
        return tuple(sorted({leg.underlying for leg in self.legs if leg.is_option}))


def read_portfolios(path: Path | None) -> tuple[SamplePortfolio, ...]:
    """Portfolios of a file, or the built-in ones; InvalidInput with the name of a mistake."""
    tables = read_tables(path or BUILT_IN, "portfolios")
    if not tables:
        raise InvalidInput("portfolios", "must be one at least")
    return tuple(_portfolio(name, table) for name, table in tables.items())


def _portfolio(name: str, table: Mapping[str, object]) -> SamplePortfolio:
    for each in sorted(table.keys() - {"legs", "is_delta_hedged"}):
        raise InvalidInput(f"{name}.{each}", "is not known of a portfolio")
    legs, is_hedged = table.get("legs"), table.get("is_delta_hedged", False)
    if not isinstance(legs, list) or not legs:
        raise InvalidInput(f"{name}.legs", "must be a list of one leg at least")
    if not isinstance(is_hedged, bool):
        raise InvalidInput(f"{name}.is_delta_hedged", "must be true or false")
    parsed = tuple(_leg(f"{name}.legs[{place}]", leg) for place, leg in enumerate(legs))
    return SamplePortfolio(name=name, legs=parsed, is_delta_hedged=is_hedged)


def _leg(path: str, raw: object) -> Leg:
    if not isinstance(raw, dict):
        raise InvalidInput(path, "must be a table")
    names = {"underlying", "notional", *(_OPTION_NAMES if _OPTION_NAMES & raw.keys() else ())}
    for name in sorted(names ^ raw.keys()):
        problem = "is missing" if name in names else "is not known of a leg"
        raise InvalidInput(f"{path}.{name}", problem)
    underlying = raw["underlying"]
    if not isinstance(underlying, str):
        raise InvalidInput(f"{path}.underlying", "must be a name")
    notional = _number(f"{path}.notional", raw["notional"])
    if "right" not in raw:
        return Leg(underlying=underlying, notional=notional)
    if raw["right"] not in ("call", "put"):
        raise InvalidInput(f"{path}.right", 'must be "call" or "put"')
    return Leg(
        underlying=underlying,
        notional=notional,
        is_call=raw["right"] == "call",
        moneyness=_above_zero(f"{path}.moneyness", raw["moneyness"]),
        tenor_days=_above_zero(f"{path}.tenor_days", raw["tenor_days"]),
    )


def _number(path: str, raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal)) or not Decimal(raw).is_finite():
        raise InvalidInput(path, "must be a number")
    return float(raw)


def _above_zero(path: str, raw: object) -> float:
    number = _number(path, raw)
    if number <= 0:
        raise InvalidInput(path, "must be above 0")
    return number
