"""The fee schedule: rates by account tier and instrument kind. [FEE-01]"""

from collections.abc import Mapping
from decimal import Decimal

from margingate_engine.core.amounts import PPM
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_server.files.toml_tables import Tables

_NAMES = {"maker", "taker"}


def parse_fees(tables: Tables) -> Mapping[str, FeeTier]:
    """Tiers by name; InvalidInput with the dotted name of what is missing or wrong."""
    if not tables:
        raise InvalidInput("fees", "must have at least one tier")
    return {tier: _tier(tier, table) for tier, table in tables.items()}


def _tier(tier: str, table: Mapping[str, object]) -> FeeTier:
    kinds = {kind.value: kind for kind in InstrumentKind}
    for name in sorted(kinds.keys() ^ table.keys()):
        problem = "is missing" if name in kinds else "is not an instrument kind"
        raise InvalidInput(f"{tier}.{name}", problem)
    return {kind: _rate(f"{tier}.{name}", table[name], kind) for name, kind in kinds.items()}


def _rate(path: str, raw: object, kind: InstrumentKind) -> FeeRate:
    if not isinstance(raw, dict):
        raise InvalidInput(path, "must be a table of maker and taker")
    optional = {"cap"} if kind is InstrumentKind.OPTION else set()
    if not _NAMES <= raw.keys() <= _NAMES | optional:
        raise InvalidInput(path, "must have maker and taker (options: and cap)")
    cap = raw.get("cap")
    try:
        return FeeRate(
            maker_ppm=_ppm(f"{path}.maker", raw["maker"]),
            taker_ppm=_ppm(f"{path}.taker", raw["taker"]),
            cap_ppm=None if cap is None else _ppm(f"{path}.cap", cap),
        )
    except InvalidInput as wrong:
        raise InvalidInput(f"{path}: {wrong.field}", wrong.problem) from None


def _ppm(path: str, raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal)):
        raise InvalidInput(path, "must be a number")
    scaled = Decimal(raw) * PPM
    if not scaled.is_finite() or scaled != int(scaled):
        raise InvalidInput(path, "has more than 6 decimal places")
    return int(scaled)
