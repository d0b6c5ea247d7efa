"""What an asset counts as collateral: haircuts, cap, peg. docs/methodology/collateral.md"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX, NANO, PPM
from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.risk_arrays import GroupArrays


class PegTerms(NamedTuple):
    """Of a coin that ought to be worth a dollar. [COL-03]

    threshold_nano: index in 1e-9 USD below which the peg is lost; haircut_ppm: of what is owned
    then.
    """

    threshold_nano: int
    haircut_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTerms:
    """Of one asset, ratios in 1e-6. cap: most that what is owned counts, 1e-6 USD, None for any.

    InvalidInput names what is out of bounds.
    """

    haircut_ppm: int = 0
    debt_haircut_ppm: int = 0
    cap: int | None = None
    peg: PegTerms | None = None

    def __post_init__(self) -> None:
        """Refuse what would count an asset above its price or a debt below it."""
        if not 0 <= self.haircut_ppm < PPM:
            raise InvalidInput("haircut", "must lie in [0, 1)")
        if not 0 <= self.debt_haircut_ppm <= PPM:
            raise InvalidInput("debt_haircut", "must lie in [0, 1]")
        if self.cap is not None and not 0 <= self.cap < AMOUNT_UNITS_MAX:
            raise InvalidInput("cap", "must not be negative, nor beyond the range of amounts")
        if self.peg is None:
            return
        if not 0 < self.peg.threshold_nano <= NANO:
            raise InvalidInput("peg_threshold", "must lie in (0, 1]")
        if not self.haircut_ppm <= self.peg.haircut_ppm < PPM:
            raise InvalidInput("depeg_haircut", "must lie in [haircut, 1)")

    def applied(self, group: GroupArrays) -> GroupArrays:
        """The group with its coins counted by these terms, at its index of now. [COL-02, COL-03]"""
        owned_nano = owed_nano = group.index_nano
        haircut_ppm, is_depegged = self.haircut_ppm, False
        if self.peg is not None:
            owned_nano, owed_nano = min(owned_nano, NANO), max(owed_nano, NANO)
            is_depegged = group.index_nano < self.peg.threshold_nano
            haircut_ppm = self.peg.haircut_ppm if is_depegged else haircut_ppm
        return replace(
            group,
            haircut_ppm=max(group.haircut_ppm, haircut_ppm),
            debt_haircut_ppm=max(group.haircut_ppm, self.debt_haircut_ppm),
            owned_nano=owned_nano,
            owed_nano=owed_nano,
            cap=self.cap,
            is_depegged=is_depegged,
        )


@dataclass(frozen=True, slots=True)
class CollateralTerms:
    """Terms by asset; an asset without terms counts as the model says."""

    assets: Mapping[str, AssetTerms] = field(default_factory=dict)

    def group(
        self, asset: str, index_nano: int, modelled: GroupArrays | None, scenario_count: int
    ) -> GroupArrays | None:
        """How the asset counts, from how a model has it; None without an index price.

        modelled: None where the model has no parameters for it. It is then collateral alone: no
        scenario moves it, its haircut is what a fall takes. [COL-01]
        """
        terms = self.assets.get(asset)
        if terms is None or index_nano <= 0:
            return modelled
        if modelled is not None:
            return terms.applied(modelled)
        return terms.applied(
            GroupArrays(
                underlying=asset,
                descriptions=(),
                index_nano=index_nano,
                coin_factor_s=(0,) * scenario_count,
                coin_feature_ppm=0,
                haircut_ppm=0,
                is_collateral_only=True,
            )
        )


NO_TERMS = CollateralTerms()
"""Every asset counts as the model says."""
