"""Cases small enough for paper; every number below was computed by hand from the contract."""

from fractions import Fraction

from tests.reference.contracts import USD as CASH
from tests.reference.margin import Risk
from tests.reference.small_world import COIN, USD, hold, small_oracle


def test_a_short_call_needs_its_loss_at_the_full_scan_range() -> None:
    oracle = small_oracle()
    oracle.accounts["a"].cash[CASH] = 2_000 * USD
    hold(oracle, "CALL", -1)
    # 0.1 coins x 15,000 (the extreme move would cost 0.33 x 4,500); the mark is 0.1 x 200.
    assert oracle.risk("a") == Risk(1_980 * USD - 1, 1_500 * USD, 1_200 * USD)


def test_a_far_short_put_needs_the_short_option_minimum() -> None:
    oracle = small_oracle()
    hold(oracle, "PUT", -2)
    # Even 45 % down is above the strike: 2 lots x 1 % x 0.1 x 100,000.
    assert oracle.risk("a") == Risk(-2 * USD - 2, 200 * USD, 160 * USD)


def test_a_covered_call_needs_the_fall_of_the_coin_and_a_basis_charge() -> None:
    oracle = small_oracle()
    oracle.accounts["a"].cash["BTC"] = COIN
    hold(oracle, "COIN-CALL", -10)
    # Down 15 %: coin -15,000; the call is worth 10,000 and loses it all: -5,000. At -45 % and a
    # weight of 0.33: (-45,000 + 10,000) x 0.33 = -11,550; up 15 % nets to 0.
    # Basis: spot bucket 1,000 - 100, expiry bucket -900.
    assert oracle.risk("a") == Risk(
        90_000 * USD - 10, (11_550 + 900) * USD, (11_550 + 900) * USD * 8 // 10
    )


def test_a_long_inverse_perpetual_loses_twice_when_its_profit_is_in_coins() -> None:
    oracle = small_oracle()
    hold(oracle, "COIN-PERPETUAL", 100, Fraction(80_000))
    # Entry 0.0125, worth -0.01 at the mark: 0.0025 coins. Down 15 %: 1,000 and 250 lose 15 % each.
    assert oracle.risk("a") == Risk(250 * USD, 187_500_000, 150 * USD)


def test_a_short_inverse_perpetual_entered_at_the_mark_hedges_the_coins_it_is_short_of() -> None:
    oracle = small_oracle()
    oracle.accounts["a"].cash["BTC"] = COIN // 100
    hold(oracle, "COIN-PERPETUAL", -100)
    # A coin balance of 1,000 USD against 1,000 USD short; only the basis between them is charged.
    assert oracle.risk("a") == Risk(1_000 * USD - 100, 10 * USD, 8 * USD)


def test_a_calendar_of_futures_pays_the_smaller_side_of_the_basis() -> None:
    oracle = small_oracle()
    hold(oracle, "NEAR", 10)
    hold(oracle, "FAR", -10)
    # Scan: 3,000 short in balance, 15 % up (45 % x 0.33 is less). Basis: 1 % of 101,000.
    assert oracle.risk("a") == Risk(-10, (450 + 1_010) * USD, 1_460 * USD * 8 // 10)


def test_coins_are_scanned_and_cut_by_the_haircut_and_debts_are_surcharged() -> None:
    oracle = small_oracle(collateral_haircut=Fraction("0.1"))
    oracle.accounts["a"].cash["BTC"] = COIN
    oracle.accounts["b"].cash["BTC"] = -COIN
    assert oracle.risk("a") == Risk(90_000 * USD, 15_000 * USD, 12_000 * USD)
    assert oracle.risk("b") == Risk(-110_000 * USD, 15_000 * USD, 12_000 * USD)


def test_the_extreme_scenario_counts_by_its_cover() -> None:
    oracle = small_oracle(extreme_cover=Fraction("0.5"))
    oracle.accounts["a"].cash["BTC"] = COIN
    assert oracle.risk("a").initial == 22_500 * USD
