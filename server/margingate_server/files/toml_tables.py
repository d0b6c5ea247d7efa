"""TOML files of ours: numbers exact, mistakes named."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path

from margingate_engine.core.errors import InvalidInput

Tables = Mapping[str, Mapping[str, object]]


def read_tables(path: Path | None, default: str) -> Tables:
    """The tables of a file, or of the built-in `default` when path is None.

    Numbers with a point come as Decimal. InvalidInput when it is no TOML or has keys beside tables.
    """
    if path is None:
        text = resources.files(__package__).joinpath("defaults", default).read_text("utf-8")
    else:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise InvalidInput(default, f"{path} cannot be read as UTF-8 text") from None
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(default, f"is not TOML: {error}") from None
    for name, table in document.items():
        if not isinstance(table, dict):
            raise InvalidInput(name, "must be a table")
    return document
