"""Terms of collateral as an event carries them."""

import msgspec

from margingate_engine.portfolio.collateral import AssetTerms, CollateralTerms, PegTerms


class AssetNumbers(msgspec.Struct, frozen=True, array_like=True):
    """Terms of an asset: ratios in 1e-6, cap in 1e-6 USD, threshold in 1e-9 USD; None without."""

    asset: str
    haircut_ppm: int
    debt_haircut_ppm: int
    cap: int | None = None
    peg: tuple[int, int] | None = None


def collateral_numbers(terms: CollateralTerms) -> tuple[AssetNumbers, ...]:
    """Terms as an event carries them, by asset."""
    return tuple(
        AssetNumbers(asset, each.haircut_ppm, each.debt_haircut_ppm, each.cap, each.peg)
        for asset, each in sorted(terms.assets.items())
    )


def collateral_terms(numbers: tuple[AssetNumbers, ...]) -> CollateralTerms:
    """The terms of an event; InvalidInput names what this build refuses."""
    return CollateralTerms(
        {
            each.asset: AssetTerms(
                haircut_ppm=each.haircut_ppm,
                debt_haircut_ppm=each.debt_haircut_ppm,
                cap=each.cap,
                peg=None if each.peg is None else PegTerms(*each.peg),
            )
            for each in numbers
        }
    )
