"""Everything one lot contributes, against scalars and exact fractions, over the whole chain."""

import pytest

from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.amounts import NANO
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.effect import leg_effect
from margingate_engine.portfolio.holdings import OpenLeg
from tests.property.bridge import reference_book, reference_leg
from tests.property.chain import World, worlds
from tests.span_margins import basis_of, effect_basis


@pytest.fixture(params=worlds(), ids=repr)
def world(request: pytest.FixtureRequest) -> World:
    given: World = request.param
    return given


def test_rows_values_charges_and_minimums_are_the_references(world: World) -> None:
    """[SPAN-01 to SPAN-04, SPAN-06, SPAN-07, SPAN-10, SPAN-11]"""
    arrays, book = world.arrays, reference_book(world)
    for row, instrument in enumerate(world.table.instruments):
        lot = book.lot(instrument.name)
        assert arrays.pnl_ir[row].tolist() == [*lot.rows, 0], instrument.name
        for side in (1, -1):
            assert arrays.position_value(row, side) == lot.usd(side), instrument.name
            assert arrays.position_coin(row, side) == lot.coin(side), instrument.name
        basis = basis_of(arrays, row)
        assert (basis.own, basis.spot) == (lot.charge, lot.spot_charge), instrument.name
        assert arrays.minimum_i[row] == lot.minimum, instrument.name


@pytest.mark.parametrize("per_mille", [900, 1_000, 1_100])
def test_legs_are_the_references(world: World, per_mille: int) -> None:
    """[SPAN-13, FEE-01]"""
    book = reference_book(world)
    for row, instrument in enumerate(world.table.instruments):
        for side in Side:
            nano = max(mark_price_nano(world.arrays, row) * per_mille // 1_000, 1)
            taken = leg_effect(world.arrays, world.fees, row, side, nano)
            leg = OpenLeg(row=row, side=side, lots=1, price_nano=nano)
            expected = book.leg_lot(reference_leg(world, leg))
            assert taken.entry == expected.loss, instrument.name
            worst = [min(0, expected.loss + each) for each in (*expected.rows, 0)]
            assert taken.worst_r.tolist() == worst, instrument.name
            own = expected.charges.get(book.instruments[instrument.name].bucket, 0)
            spot = (expected.charges["spot"], expected.charges_up["spot"])
            assert effect_basis(world.arrays, taken) == (own, *spot), instrument.name
            assert taken.gain == expected.gain, instrument.name
            assert taken.pnl_r.tolist() == [*expected.rows, 0], instrument.name
            flows = {} if instrument.is_future else expected.flows
            assert dict(taken.cash) == flows, instrument.name


def test_the_chain_has_every_kind_of_contract(world: World) -> None:
    kinds = {(each.kind, each.settlement) for each in world.table.instruments}
    assert len(kinds) == 7
    assert all(world.arrays.priced_i)
    assert any(world.arrays.snapshot.has_expired_i(world.table)) == ("expiry" in world.name)
    assert max(world.arrays.mark_nano_i) < 10**6 * NANO
