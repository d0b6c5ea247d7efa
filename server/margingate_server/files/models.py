"""Margin models from their parameter files."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.registry import MODELS, model
from margingate_engine.portfolio.collateral import NO_TERMS, CollateralTerms
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.files.toml_tables import read_document


def read_models(
    paths: Mapping[str, Path | None], collateral: CollateralTerms = NO_TERMS
) -> dict[str, MarginModel]:
    """Every model that has a file, by name: one of `paths`, or the built-in one.

    collateral: what assets count under each of them.

    InvalidInput names the model and the parameter that is wrong: `cross.BTC.short_initial`.
    """
    for name in sorted(set(paths) - set(MODELS)):
        raise InvalidInput(f"model_parameters.{name}", f"is none of {', '.join(sorted(MODELS))}")
    return {
        name: _read(name, paths.get(name), collateral)
        for name in MODELS
        if paths.get(name) is not None or has_built_in(name)
    }


def has_built_in(name: str) -> bool:
    """True when parameters of the model come with the program."""
    return resources.files(__package__).joinpath("defaults", f"{name}.toml").is_file()


def _read(name: str, path: Path | None, collateral: CollateralTerms) -> MarginModel:
    try:
        return model(name, read_document(path, f"{name}.toml"), collateral)
    except InvalidInput as wrong:
        raise InvalidInput(f"{name}.{wrong.field}", wrong.problem) from None
