"""What assets count, small enough for paper. [COL-01 to COL-06]"""

from dataclasses import replace

import pytest

from margingate_engine.core.charges import Charge
from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.collateral import NO_TERMS, AssetTerms, CollateralTerms, PegTerms
from margingate_engine.portfolio.risk_arrays import GroupArrays

USD, COIN, NANO = 10**6, 10**12, 10**9
PEG = PegTerms(threshold_nano=985_000_000, haircut_ppm=100_000)
USDC = AssetTerms(haircut_ppm=5_000, debt_haircut_ppm=5_000, peg=PEG)


def modelled(index: int = 100_000, haircut_ppm: int = 0) -> GroupArrays:
    return GroupArrays(
        underlying="BTC",
        descriptions=("down",),
        index_nano=index * NANO,
        coin_factor_s=(-index * NANO * 10**11,),
        coin_feature_ppm=10_000,
        haircut_ppm=haircut_ppm,
    )


def dollar_coin(index: float, terms: AssetTerms = USDC) -> GroupArrays:
    group = CollateralTerms({"USDC": terms}).group("USDC", round(index * NANO), None, 3)
    assert group is not None
    return group


def test_an_asset_without_terms_counts_as_the_model_says() -> None:
    """[COL-01]"""
    group = modelled()
    assert NO_TERMS.group("BTC", group.index_nano, group, 1) is group
    assert NO_TERMS.group("USDC", NANO, None, 1) is None
    assert CollateralTerms({"USDC": USDC}).group("USDC", 0, None, 1) is None


def test_what_no_model_has_is_moved_by_no_scenario() -> None:
    """[COL-01]"""
    group = dollar_coin(1.0)
    assert group.is_collateral_only
    assert group.coin_rows(10**9 * COIN) == [0, 0, 0]
    assert group.coin_feature(COIN) == 0


def test_the_larger_of_both_haircuts_applies() -> None:
    """[COL-02]"""
    terms = AssetTerms(haircut_ppm=50_000, debt_haircut_ppm=100_000)
    for of_model, owned, owed in ((0, 95_000, -110_000), (70_000, 93_000, -110_000)):
        group = terms.applied(modelled(haircut_ppm=of_model))
        assert (group.coin_value(COIN), group.coin_value(-COIN)) == (owned * USD, owed * USD)
    group = terms.applied(modelled(haircut_ppm=200_000))
    assert (group.coin_value(COIN), group.coin_value(-COIN)) == (80_000 * USD, -120_000 * USD)


@pytest.mark.parametrize(
    ("index", "owned", "owed"),
    [
        (1.01, 99_500, -101_505),
        (1.0, 99_500, -100_500),
        (0.99, 98_505, -100_500),
        (0.985, 98_007.5, -100_500),
        (0.984999999, 88_649.99991, -100_500),
        (0.98, 88_200, -100_500),
        (0.93, 83_700, -100_500),
    ],
)
def test_a_dollar_coin_counts_one_at_most_and_less_off_its_peg(
    index: float, owned: float, owed: float
) -> None:
    """[COL-03] both sides of the threshold; a debt counts one at least"""
    group = dollar_coin(index)
    assert group.counted(100_000 * COIN) == round(owned * USD)
    assert group.counted(-100_000 * COIN) == round(owed * USD)
    assert group.is_depegged == (index < 0.985)


def test_coins_count_up_to_their_cap() -> None:
    """[COL-04]"""
    group = AssetTerms(cap=250_000 * USD).applied(modelled())
    assert [group.counted(coins * COIN) for coins in (-1, 1, 2, 3)] == [
        each * USD for each in (-100_000, 100_000, 200_000, 250_000)
    ]
    assert [group.beyond_cap(coins * COIN) for coins in (-1, 2, 3)] == [0, 0, 50_000 * USD]
    assert group.counted(5 * COIN // 2) == 250_000 * USD
    assert group.beyond_cap(5 * COIN // 2) == 0
    assert group.coins_to_cap(COIN) == 3 * COIN // 2
    assert AssetTerms(cap=0).applied(modelled()).counted(COIN) == 0
    assert modelled().coins_to_cap(COIN) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"haircut_ppm": -1},
        {"haircut_ppm": 10**6},
        {"debt_haircut_ppm": -1},
        {"debt_haircut_ppm": 10**6 + 1},
        {"cap": -1},
        {"cap": 2**62},
        {"peg": PegTerms(threshold_nano=0, haircut_ppm=5_000)},
        {"peg": PegTerms(threshold_nano=NANO + 1, haircut_ppm=5_000)},
        {"peg": PegTerms(threshold_nano=NANO, haircut_ppm=4_999)},
        {"peg": PegTerms(threshold_nano=NANO, haircut_ppm=10**6)},
    ],
)
def test_terms_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        replace(USDC, **wrong)  # type: ignore[arg-type]


def test_the_charges_have_words_of_their_own() -> None:
    assert Charge.COLLATERAL_CAP.value == "collateral_cap"
    assert Charge.PRICE_SURCHARGE.value == "price_surcharge"
