"""Rows of coin balances over many scenarios are the whole numbers they would be one by one."""

from random import Random

import pytest

from margingate_engine.portfolio.risk_arrays import (
    COIN_ROW_DIVISOR,
    FEW_SCENARIOS,
    GroupArrays,
)

INDEX_NANO = 100_000 * 10**9


def group(coin_factor_s: tuple[int, ...]) -> GroupArrays:
    return GroupArrays(
        underlying="BTC",
        descriptions=(),
        index_nano=INDEX_NANO,
        coin_factor_s=coin_factor_s,
        coin_feature_ppm=0,
        haircut_ppm=0,
    )


def moves(count: int) -> tuple[int, ...]:
    """Moves of every size, of which many take a round balance to whole numbers."""
    random = Random(5)
    drawn = [round(random.gauss(0, 1) * 10 ** random.randint(0, 12)) for _ in range(count - 4)]
    return tuple(INDEX_NANO * move for move in (*drawn, 0, 1, -1, 10**11))


@pytest.mark.parametrize("count", [FEW_SCENARIOS, FEW_SCENARIOS + 1, 1_000])
def test_every_row_is_rounded_down_exactly(count: int) -> None:
    """[SPAN-05]"""
    factor_s = moves(count)
    each = group(factor_s)
    random = Random(7)
    balances = [10**power * sign for power in range(19) for sign in (1, -1)]
    balances += [amount + step for amount in balances for step in (1, -1)]
    balances += [random.randint(-(2**62), 2**62) for _ in range(50)]
    for coin_pico in (0, *balances):
        expected = [coin_pico * factor // COIN_ROW_DIVISOR for factor in factor_s]
        assert each.coin_rows(coin_pico) == expected
        assert each.coin_gross(coin_pico) == max(map(abs, expected))


def test_without_scenarios_a_balance_has_no_rows() -> None:
    assert group(()).coin_rows(10**12) == []
    assert group(()).coin_gross(10**12) == 0
