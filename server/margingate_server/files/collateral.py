"""What assets count as collateral, from a file. docs/methodology/collateral.md"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from margingate_engine.core.amounts import MICRO, NANO, PPM, USD, units_exact
from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.collateral import AssetTerms, CollateralTerms, PegTerms
from margingate_server.files.toml_tables import Tables, read_tables

_REQUIRED = ("haircut", "debt_haircut")
_PEG = ("peg_threshold", "depeg_haircut")
_NAMES = (*_REQUIRED, *_PEG, "cap")


def read_collateral(path: Path | None) -> CollateralTerms:
    """The terms of a file, of the built-in one when path is None; InvalidInput as parse."""
    return parse_collateral(read_tables(path, "collateral.toml"))


def parse_collateral(tables: Tables) -> CollateralTerms:
    """One of each table, by asset; InvalidInput with the dotted name of what is wrong."""
    return CollateralTerms({asset: _asset(asset, tables[asset]) for asset in sorted(tables)})


def _asset(asset: str, table: Mapping[str, object]) -> AssetTerms:
    path = f"collateral.{asset}"
    if asset == USD:
        raise InvalidInput(path, "always counts in full")
    for name in sorted(set(table) - set(_NAMES)):
        raise InvalidInput(f"{path}.{name}", "is no term of collateral")
    together = _PEG if set(_PEG) & set(table) else ()
    for name in (*_REQUIRED, *together):
        if name not in table:
            raise InvalidInput(f"{path}.{name}", "is missing")
    units = {
        name: _units(f"{path}.{name}", table[name], _SCALES[name])
        for name in _NAMES
        if name in table
    }
    try:
        return AssetTerms(
            haircut_ppm=units["haircut"],
            debt_haircut_ppm=units["debt_haircut"],
            cap=units.get("cap"),
            peg=PegTerms(units["peg_threshold"], units["depeg_haircut"]) if together else None,
        )
    except InvalidInput as wrong:
        raise InvalidInput(f"{path}.{wrong.field}", wrong.problem) from None


_SCALES = {
    **dict.fromkeys((*_REQUIRED, "depeg_haircut"), PPM),
    "peg_threshold": NANO,
    "cap": MICRO,
}


def _units(path: str, raw: object, scale: int) -> int:
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal)):
        raise InvalidInput(path, "must be a number")
    number = Decimal(raw)
    if not number.is_finite():
        raise InvalidInput(path, "must be finite")
    return units_exact(number, scale, path)
