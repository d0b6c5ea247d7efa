"""A tree made without a file is held to the same rules. [TIMS-04]"""

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.tims.groups import GroupTree


def tree(**changes: object) -> GroupTree:
    parts: dict[str, object] = {
        "class_group_by_underlying": {"SPX": "index", "SPY": "index"},
        "product_group_by_class": {"index": "broad"},
        "portfolio_group_by_product": {"broad": "shares"},
        "offset_ppm_by_product_group": {"broad": 900_000},
        "offset_ppm_by_portfolio_group": {"shares": 0},
    }
    return GroupTree(**{**parts, **changes})  # type: ignore[arg-type]


def test_an_underlying_has_one_portfolio_group() -> None:
    assert tree().portfolio_group_of("SPY") == "shares"


@pytest.mark.parametrize(
    "offsets", [{}, {"broad": 0, "narrow": 0}, {"broad": -1}, {"broad": 10**7}]
)
def test_every_product_group_has_one_offset_between_nothing_and_all(
    offsets: dict[str, int],
) -> None:
    with pytest.raises(InvalidInput, match="offset") as wrong:
        tree(offset_ppm_by_product_group=offsets)
    assert wrong.value.field.startswith("product_groups.")


def test_the_portfolio_groups_offset_is_bounded_too() -> None:
    with pytest.raises(InvalidInput) as wrong:
        tree(offset_ppm_by_portfolio_group={"shares": 1_000_001})
    assert wrong.value.field == "portfolio_groups.shares.offset"
