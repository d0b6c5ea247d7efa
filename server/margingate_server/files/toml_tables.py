"""TOML files of ours: numbers exact, mistakes named."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import cast

from margingate_engine.core.errors import InvalidInput

Tables = Mapping[str, Mapping[str, object]]


def read_tables(path: Path | None, default: str) -> Tables:
    """The tables of a file as `read_document`; InvalidInput when it has keys beside tables."""
    document = read_document(path, default)
    for name, table in document.items():
        if not isinstance(table, dict):
            raise InvalidInput(name, "must be a table")
    return cast("Tables", document)


def read_document(path: Path | None, default: str) -> Mapping[str, object]:
    """A file's keys, or those of the built-in `default` when path is None.

    Numbers with a point come as Decimal. InvalidInput when it is no TOML.
    """
    if path is None:
        text = resources.files(__package__).joinpath("defaults", default).read_text("utf-8")
    else:
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            problem = f"cannot read {path}: {error.strerror or error}"
            raise InvalidInput(default, problem) from None
        except UnicodeDecodeError:
            raise InvalidInput(default, f"{path} is not UTF-8 text") from None
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(default, f"is not TOML: {error}") from None
