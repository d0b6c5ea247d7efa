"""Rules-based margin: the pairing against every partition, and what must hold of any book."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st

from margingate_engine.models.strategy.columns import alone_columns, candidates
from margingate_engine.models.strategy.greedy import greedy_counts
from margingate_engine.models.strategy.legs import Book, OptionLeg, SpotLeg
from margingate_engine.models.strategy.margin import ongoing_margin, upper_requirement
from margingate_engine.models.strategy.ongoing import OngoingCosts
from margingate_engine.models.strategy.pairing import Effort
from margingate_engine.models.strategy.pieces import cut
from margingate_engine.models.strategy.terms import Phase
from tests.property.effort import examples
from tests.reference.strategy_books import NANO, RULES, book, option, parameters, spot, units, usd
from tests.reference.strategy_orders import OpenOrder, option_legs, spot_legs

PARAMETERS = parameters()
STRIKES = (70, 90, 100, 110, 130)
A_HUNDREDTH_OF_A_CENT = Fraction(1, 10_000)
FULL = Effort(nodes_max=100_000)

series = st.tuples(st.sampled_from("CP"), st.sampled_from(STRIKES), st.sampled_from((1, 2)))
lots = st.sampled_from((-3, -2, -1, 1, 2, 3))
marks = st.integers(0, 40)
options = st.dictionaries(series, st.tuples(lots, marks), max_size=6).map(
    lambda held: [
        option(kind, strike, count, mark, expiry)
        for (kind, strike, expiry), (count, mark) in held.items()
    ]
)
coins = st.integers(-2, 2)
phases = st.sampled_from(Phase)
Legs = list[OptionLeg]


def held(legs: Legs, coin_count: int = 0) -> Book:
    return book(*legs, *([spot(coin_count)] if coin_count else []))


def required(what: Book, phase: Phase = Phase.INITIAL) -> int:
    margin = ongoing_margin(what, PARAMETERS, phase, FULL)
    assert margin.is_exact
    return margin.requirement_micro


@examples(150)
@given(legs=options, coin_count=coins, phase=phases)
def test_the_pairing_is_the_best_of_all_partitions(
    legs: Legs, coin_count: int, phase: Phase
) -> None:
    """[STR-13]"""
    everything = held(legs, coin_count)
    all_units = units((*everything.options, *everything.spot))
    assume(len(all_units) <= 7)
    wanted = RULES.margin(all_units, is_initial=phase is Phase.INITIAL)
    got = usd(required(everything, phase))
    assert abs(got - wanted) < A_HUNDREDTH_OF_A_CENT


@examples(100)
@given(legs=options, coin_count=coins, phase=phases, seed=st.randoms(use_true_random=False))
def test_the_order_of_legs_changes_nothing(
    legs: Legs, coin_count: int, phase: Phase, seed: object
) -> None:
    """[STR-02]"""
    mixed = list(legs)
    seed.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = (
        ongoing_margin(held(each, coin_count), PARAMETERS, phase) for each in (legs, mixed)
    )
    assert first == second


@examples(100)
@given(legs=options, coin_count=coins, phase=phases)
def test_the_pairing_is_never_above_the_greedy_one_nor_that_above_everything_alone(
    legs: Legs, coin_count: int, phase: Phase
) -> None:
    """[STR-13]"""
    assume(legs)
    everything = held(legs, coin_count)
    cut_book = cut(everything)
    costs = OngoingCosts(PARAMETERS, everything.underlying_nano, phase)
    found = candidates(cut_book, costs)
    greedy = sum(column.unit_micro * count for column, count in greedy_counts(found).items())
    alone = sum(
        column.unit_micro * piece.units
        for column, piece in zip(alone_columns(cut_book, costs), cut_book.pieces, strict=True)
    )
    assert required(everything, phase) <= greedy <= alone


@examples(100)
@given(one=options, other=options, coin_count=st.integers(0, 2), phase=phases)
def test_books_that_share_no_series_require_no_more_together(
    one: Legs, other: Legs, coin_count: int, phase: Phase
) -> None:
    """[STR-13]"""
    taken = {leg.symbol for leg in one}
    rest = [leg for leg in other if leg.symbol not in taken]
    together = required(held([*one, *rest], 2 * coin_count), phase)
    apart = required(held(one, coin_count), phase) + required(held(rest, coin_count), phase)
    assert usd(together - apart) < A_HUNDREDTH_OF_A_CENT


@examples(60)
@given(legs=options, coin_count=coins, times=st.integers(1, 4), phase=phases)
def test_a_larger_book_of_the_same_shape_requires_no_less_and_at_most_in_proportion(
    legs: Legs, coin_count: int, times: int, phase: Phase
) -> None:
    """[STR-13]"""

    def scaled(factor: int) -> int:
        larger = [replace(leg, lots=leg.lots * factor) for leg in legs]
        return required(held(larger, coin_count * factor), phase)

    once, many, more = scaled(1), scaled(times), scaled(times + 1)
    assert usd(many - times * once) < A_HUNDREDTH_OF_A_CENT
    assert usd(many - more) < A_HUNDREDTH_OF_A_CENT


@examples(100)
@given(legs=options, coin_count=coins)
def test_maintenance_is_never_above_initial(legs: Legs, coin_count: int) -> None:
    """[STR-08]"""
    everything = held(legs, coin_count)
    assert required(everything, Phase.MAINTENANCE) <= required(everything, Phase.INITIAL)


@examples(100)
@given(legs=options, coin_count=coins, long=series, phase=phases)
def test_one_more_long_option_never_requires_more(
    legs: Legs, coin_count: int, long: tuple[str, int, int], phase: Phase
) -> None:
    """[STR-08]"""
    kind, strike, expiry = long
    at = {leg.symbol: leg for leg in legs}
    added = option(kind, strike, 1, 7, expiry)
    assume(added.symbol not in at)
    more = required(held([*legs, added], coin_count), phase)
    assert usd(more - required(held(legs, coin_count), phase)) < A_HUNDREDTH_OF_A_CENT


orders = st.lists(st.tuples(st.sampled_from((-2, -1, 1, 2)), st.integers(0, 45)), max_size=2)


@examples(60)
@given(
    legs=st.dictionaries(
        series, st.tuples(st.integers(-2, 2), marks, orders), min_size=1, max_size=3
    ),
    coin_count=coins,
    coin_order=st.sampled_from((-1, 0, 0, 1)),
)
def test_no_fills_of_open_orders_require_more_than_the_bound(
    legs: dict[tuple[str, int, int], tuple[int, int, list[tuple[int, int]]]],
    coin_count: int,
    coin_order: int,
) -> None:
    """Against the oracle, every number of lots of every order filled. [STR-14, STR-15]"""
    positions = [
        (
            option(*key[:2], count, mark, key[2]),
            [OpenOrder(lots=n, limit_nano=p * NANO) for n, p in on],
        )
        for key, (count, mark, on) in legs.items()
    ]
    assume(sum(abs(leg.lots) + sum(abs(o.lots) for o in on) for leg, on in positions) <= 6)
    coin = [OpenOrder(lots=coin_order * NANO, limit_nano=0)] if coin_order else []
    at_worst = [each for leg, on in positions for each in option_legs(leg, on)]
    at_worst_spot = list(spot_legs(spot(coin_count), coin))
    bound = usd(
        upper_requirement(book(*at_worst, *at_worst_spot), PARAMETERS, FULL).requirement_micro
    )
    flat = [order for _, on in positions for order in on]
    for filled in product(*(range(abs(order.lots) + 1) for order in flat)):
        fills = iter(filled)
        after: list[OptionLeg] = []
        received = Fraction(0)
        for leg, on in positions:
            lots_after = leg.lots
            for order in on:
                count = next(fills)
                lots_after += count if order.lots > 0 else -count
                if order.lots < 0:
                    received += Fraction(count * min(order.limit_nano, leg.mark_nano), NANO)
            after.append(replace(leg, lots=lots_after))
        for coin_fill in {0, coin_order}:
            all_units = units((*after, spot(coin_count + coin_fill)))
            assert RULES.margin(all_units, is_initial=True) - received <= bound


@examples(100)
@given(
    legs=st.dictionaries(
        series, st.tuples(st.sampled_from((-1, -2, -3)), marks), min_size=1, max_size=2
    ),
    tenths=st.sampled_from((0, 0, 10, -10, 20, -20, 3)),
    on_order=st.sampled_from((-20, -17, -10, 10, 12, 20)),
)
def test_no_part_of_a_coin_that_fills_leave_requires_more_than_the_bound(
    legs: dict[tuple[str, int, int], tuple[int, int]], tenths: int, on_order: int
) -> None:
    """Coins come and go by less than a unit, and what is no unit covers nothing. [STR-15]"""

    def coins_of(count: int) -> SpotLeg:
        return replace(spot(1), quantity_nano=count * NANO // 10)

    shorts = [option(*key[:2], *held, key[2]) for key, held in legs.items()]
    order = OpenOrder(lots=on_order * NANO // 10, limit_nano=0)
    at_worst = book(*shorts, *spot_legs(coins_of(tenths), [order]))
    bound = upper_requirement(at_worst, PARAMETERS, FULL).requirement_micro
    least, most = sorted((tenths, tenths + on_order))
    for after in (least, most, *(each for each in range(least, most) if abs(each) % 10 == 9)):
        assert required(book(*shorts, *([coins_of(after)] if after else []))) <= bound


def test_spot_under_an_order_is_certain_between_its_ends() -> None:
    """[STR-14]"""
    legs = list(spot_legs(spot(1), [OpenOrder(lots=-3 * NANO, limit_nano=0)]))
    assert legs == [
        SpotLeg(quantity_nano=NANO, price_nano=100 * NANO, is_uncertain=True),
        SpotLeg(quantity_nano=-2 * NANO, price_nano=100 * NANO, is_uncertain=True),
    ]
