"""When margin states are published, from a file. docs/monitoring.md"""

from collections.abc import Mapping
from decimal import Decimal

from margingate_engine.core.amounts import NANO, PPM
from margingate_engine.core.errors import InvalidInput
from margingate_engine.monitoring.publishing import Publishing
from margingate_engine.monitoring.states import Bounds
from margingate_server.files.toml_tables import Tables
from margingate_server.ledger.numbers import MonitoringNumbers

DWELL_SECONDS_MAX = 86_400

_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "warning": {
        "margin_ratio": "ratio_ppm",
        "margin_ratio_to_leave": "ratio_to_leave_ppm",
        "headroom": "headroom_ppm",
        "headroom_to_leave": "headroom_to_leave_ppm",
        "dwell_seconds": "warning_ns",
    },
    "leaving": {"equity_gap": "gap_ppm", "dwell_seconds": "leaving_ns"},
    "unknown": {"dwell_seconds": "unknown_ns"},
}


def parse_monitoring(tables: Tables) -> MonitoringNumbers:
    """The bounds and times; InvalidInput with the dotted name of what is missing or wrong."""
    _refuse_names("monitoring", _ATTRIBUTES, tables)
    units: dict[str, int] = {}
    for name, attributes in _ATTRIBUTES.items():
        path = f"monitoring.{name}"
        _refuse_names(path, attributes, tables[name])
        for key, attribute in attributes.items():
            units[attribute] = _whole(f"{path}.{key}", tables[name][key], attribute)
    numbers = MonitoringNumbers(**units)
    _refuse_contradictions(numbers)
    return numbers


def _refuse_names(path: str, known: Mapping[str, object], given: Mapping[str, object]) -> None:
    for each in sorted(known.keys() ^ given.keys()):
        problem = "is missing" if each in known else "is nothing of monitoring"
        raise InvalidInput(f"{path}.{each}", problem)


def _whole(path: str, raw: object, attribute: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise InvalidInput(path, "must be a number")
    is_time = attribute.endswith("_ns")
    unit, most = (NANO, DWELL_SECONDS_MAX) if is_time else (PPM, 1)
    number = Decimal(raw)
    if not number.is_finite() or not 0 <= number <= most:
        raise InvalidInput(path, f"must lie in [0, {most}]")
    if number * unit != int(number * unit):
        raise InvalidInput(path, "has too many decimal places")
    return int(number * unit)


def _refuse_contradictions(numbers: MonitoringNumbers) -> None:
    try:
        Publishing(
            entering=Bounds(ratio_ppm=numbers.ratio_ppm, headroom_ppm=numbers.headroom_ppm),
            leaving=Bounds(
                ratio_ppm=numbers.ratio_to_leave_ppm, headroom_ppm=numbers.headroom_to_leave_ppm
            ),
            warning_ns=0,
            leaving_ns=0,
            unknown_ns=0,
        )
    except InvalidInput as wrong:
        raise InvalidInput(f"monitoring.warning.{wrong.field}", wrong.problem) from None
