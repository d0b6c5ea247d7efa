"""Requirements of random books equal those of the slow reference, in whatever order."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.models.span_cc.requirement import requirements
from tests.property.effort import examples
from tests.property.span_cc_books import Positions, World, book, with_spreads, world
from tests.reference import span_cc as reference

seeds = st.integers(0, 2**32)


def made(seed: int) -> tuple[World, Positions]:
    random = Random(seed)
    drawn = world(random)
    with_spreads(random, drawn.tables)
    return drawn, book(random)


@examples(300)
@given(seeds)
def test_requirements_equal_the_reference(seed: int) -> None:
    """[SCC-01, SCC-03, SCC-05 to SCC-12]"""
    drawn, held = made(seed)
    found = requirements(drawn.parameters, drawn.totals(held))
    tables = drawn.tables
    expected = reference.account(tables["commodities"], tables["inter_spreads"], drawn.plain(held))
    assert set(found) == set(expected)
    for code, part in expected.items():
        got = found[code]
        assert got.scan == reference.up(part["scan"])
        assert got.calendar == reference.up(part["calendar"])
        assert got.spot == reference.up(part["spot"])
        assert got.credit == reference.down(part["credit"])
        assert got.minimum == reference.up(part["minimum"])
        assert got.risk == part["risk"]


@examples(100)
@given(seeds)
def test_no_order_of_commodities_spreads_or_positions_changes_a_requirement(seed: int) -> None:
    """[SCC-01]"""
    drawn, held = made(seed)
    turned = {name: list(reversed(entries)) for name, entries in drawn.tables.items()}
    backwards = {code: positions[::-1] for code, positions in reversed(held.items())}
    again = World(turned, drawn.contracts)
    assert requirements(again.parameters, again.totals(backwards)) == requirements(
        drawn.parameters, drawn.totals(held)
    )


@examples(100)
@given(seeds, st.integers(2, 5))
def test_a_book_k_times_as_large_requires_k_times_as_much_but_for_rounding(
    seed: int, times: int
) -> None:
    """[SCC-10] Each part is a multiple; up to one unit a part is rounding."""
    drawn, held = made(seed)
    larger = {code: [(n, times * lots) for n, lots in part] for code, part in held.items()}
    once = requirements(drawn.parameters, drawn.totals(held))
    many = requirements(drawn.parameters, drawn.totals(larger))
    for code, single in once.items():
        # Gains that a scanning spread credits are rounded in each of its legs, too.
        assert abs(many[code].risk - times * single.risk) <= 8 * times


@examples(100)
@given(seeds)
def test_without_minimums_credits_and_offsets_only_ever_lower_the_sum(seed: int) -> None:
    """[SCC-11, SCC-12] A minimum stays where its scan has gone to a target."""
    drawn, held = made(seed)
    for each in drawn.tables["commodities"]:
        each["minimum_rates"] = []
    totals = drawn.totals(held)
    alone = requirements(replace(drawn.parameters, inter_spreads=()), totals)
    together = requirements(drawn.parameters, totals)
    assert sum(each.risk for each in together.values()) <= sum(each.risk for each in alone.values())
