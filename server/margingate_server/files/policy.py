"""What the regimes ask of their accounts, from a policy file. docs/regimes.md"""

from collections.abc import Mapping
from decimal import Decimal

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX, MICRO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.times import DAY_NS
from margingate_engine.models.registry import MODELS
from margingate_server.ledger.numbers import OPENING, QualificationNumbers

DAYS_MAX = 366
TIER_MAX = 9
LIQUIDATION_ORDERS, RISK_REDUCING, NO_ORDERS = "liquidation_orders", "risk_reducing", "none"
_NAMES = (
    *("equity_to_enter", "equity_to_remain", "experience_tier_min", "kinds", "underlyings"),
    *("grace_days", "fallback", "liquidation_grace_days"),
)


def parse_policy(document: Mapping[str, object]) -> tuple[QualificationNumbers, ...]:
    """One of each table, by name; InvalidInput with the dotted name of what is missing or wrong.

    A table is named by the model of a regime, or `opening` for accounts that have chosen none.
    """
    names = sorted(document.keys() - {LIQUIDATION_ORDERS})
    return tuple(_qualification(name, document[name]) for name in names)


def parse_liquidation_orders(document: Mapping[str, object]) -> str:
    """What passes of an account in liquidation: `risk_reducing`, also where it is not said, `none`.

    InvalidInput for anything else.
    """
    orders = document.get(LIQUIDATION_ORDERS, RISK_REDUCING)
    if orders not in (RISK_REDUCING, NO_ORDERS):
        path = f"policy.{LIQUIDATION_ORDERS}"
        raise InvalidInput(path, f"must be {RISK_REDUCING} or {NO_ORDERS}")
    return str(orders)


def _qualification(name: str, table: object) -> QualificationNumbers:
    path = f"policy.{name}"
    if not isinstance(table, dict):
        raise InvalidInput(path, "must be a table")
    if name not in {OPENING, *MODELS}:
        raise InvalidInput(path, "is no model")
    for each in sorted(set(_NAMES) ^ set(table)):
        problem = "is missing" if each in _NAMES else "is not a part of a policy"
        raise InvalidInput(f"{path}.{each}", problem)
    asked = QualificationNumbers(
        model="" if name == OPENING else name,
        equity_to_enter=_whole(table, path, "equity_to_enter", MICRO, AMOUNT_UNITS_MAX - 1),
        equity_to_remain=_whole(table, path, "equity_to_remain", MICRO, AMOUNT_UNITS_MAX - 1),
        experience_tier_min=_whole(table, path, "experience_tier_min", 1, TIER_MAX),
        kinds=_names(table, path, "kinds", {each.value for each in InstrumentKind}),
        underlyings=_names(table, path, "underlyings", None),
        grace_ns=_whole(table, path, "grace_days", DAY_NS, DAYS_MAX * DAY_NS),
        fallback=_fallback(table, name, path),
        liquidation_grace_ns=_whole(
            table, path, "liquidation_grace_days", DAY_NS, DAYS_MAX * DAY_NS
        ),
    )
    if asked.equity_to_remain > asked.equity_to_enter:
        raise InvalidInput(f"{path}.equity_to_remain", "must not be above equity_to_enter")
    if asked.equity_to_remain and not asked.fallback:
        raise InvalidInput(f"{path}.fallback", "is needed where equity is to remain")
    return asked


def _whole(table: Mapping[str, object], base: str, key: str, per_whole: int, most: int) -> int:
    raw, path = table[key], f"{base}.{key}"
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal)):
        raise InvalidInput(path, "must be a number")
    number = Decimal(raw)
    if not number.is_finite() or not 0 <= number <= Decimal(most) / per_whole:
        raise InvalidInput(path, f"must lie in [0, {most // per_whole}]")
    units = number * per_whole
    if units != int(units):
        raise InvalidInput(path, "has too many decimal places")
    return int(units)


def _names(
    table: Mapping[str, object], base: str, key: str, known: set[str] | None
) -> tuple[str, ...]:
    raw, path = table[key], f"{base}.{key}"
    if not isinstance(raw, list) or not all(isinstance(each, str) and each for each in raw):
        raise InvalidInput(path, "must be a list of names")
    if len(set(raw)) != len(raw):
        raise InvalidInput(path, "names one twice")
    for each in raw:
        if known is not None and each not in known:
            raise InvalidInput(path, f"{each} is none of {', '.join(sorted(known))}")
    return tuple(sorted(raw))


def _fallback(table: Mapping[str, object], name: str, path: str) -> str:
    raw = table["fallback"]
    if not isinstance(raw, str):
        raise InvalidInput(f"{path}.fallback", "must be the name of a model, or empty")
    if raw == name:
        raise InvalidInput(f"{path}.fallback", "must be another one")
    return raw
