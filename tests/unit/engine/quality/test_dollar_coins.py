"""What is quoted in a dollar coin is far from the index in USD while the coin is off its peg."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pytest

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind, Settlement
from margingate_engine.market.snapshot import Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.case import Update
from margingate_engine.quality.doubt import Doubt
from margingate_engine.quality.judge import judge
from margingate_engine.quality.parameters import QualityParameters
from tests.unit.engine.quality.chain import LIMITS, SPOT, TABLE, Tick, Watched, instruments

LINEAR: Final = tuple(
    replace(each, name=f"LINEAR-{each.name}") for each in instruments(is_inverse=False)
)
COIN: Final = Instrument(
    name="USDC",
    kind=InstrumentKind.SPOT,
    underlying="USDC",
    settlement=Settlement.LINEAR,
    contract_nano=NANO,
    lot_nano=NANO,
    tick_nano=NANO // 10_000,
)
BOTH = InstrumentTable((*TABLE.instruments, *LINEAR, COIN))
INVERSE_NAMES, LINEAR_NAMES = (
    tuple(each.name for each in table if each.kind is not InstrumentKind.SPOT)
    for table in (TABLE.instruments, LINEAR)
)


class Dollars(Watched):
    """A market whose linear contracts are quoted in a coin that is worth `usdc` USD."""

    def __init__(self, *, is_dollar_coin: int = 1) -> None:
        super().__init__(BOTH)
        usdc = replace(LIMITS, index_jump_ppm=5_000, agree_ppm=5_000, is_dollar_coin=is_dollar_coin)
        self.parameters = QualityParameters(otherwise=LIMITS, by_underlying={"USDC": usdc})

    def hear(
        self,
        at_seconds: float,
        usdc: float,
        wrong: float = 1.0,
        names: tuple[str, ...] = INVERSE_NAMES,
        changes: Mapping[str, float] = {},
    ) -> dict[Doubt, int]:
        """What is not taken, by doubt.

        wrong: by what linear forwards are too high. names: of those inverse, the linear ones come
        along. changes: by what marks of single ones are too high.
        """
        inverse, linear = (
            Tick(
                names=tuple(prefix + name for name in names),
                forward=forward,
                table=BOTH,
                at_seconds=at_seconds,
                changes={
                    name: (factor, 1.0, 1.0)
                    for name, factor in changes.items()
                    if name.startswith("LINEAR") == bool(prefix)
                },
            ).quotes()
            for prefix, forward in (("", SPOT), ("LINEAR-", wrong * SPOT / usdc))
        )
        columns = {
            name: np.concatenate((getattr(inverse, name), getattr(linear, name)))
            for name in ("rows", "mark_price_i", "mark_vol_i", "forward_price_i")
        }
        quotes = Quotes(index_by_underlying={"BTC": SPOT, "USDC": usdc}, **columns)
        time_ns = Tick(at_seconds=at_seconds).time_ns
        update = Update(quotes=quotes, market_time_ns=time_ns, observed_ns=time_ns)
        judged = judge(self.snapshot, update, self.parameters, self.memory)
        self.snapshot, self.memory = judged.snapshot, judged.memory
        return {each.doubt: each.count for each in judged.findings}


@pytest.mark.parametrize("end", [0.85, 0.98, 1.02, 1.1])
def test_an_honest_slide_off_the_peg_locks_nobody_out(end: float) -> None:
    watched = Dollars()
    for second in range(61):
        assert watched.hear(second, 1 + (end - 1) * second / 60) == {}
    assert watched.mark("LINEAR-PERPETUAL") == pytest.approx(SPOT / end)
    assert watched.mark("PERPETUAL") == SPOT


@pytest.mark.parametrize("usdc", [0.85, 1.1])
def test_first_prices_off_the_peg_are_taken(usdc: float) -> None:
    assert Dollars().hear(0, usdc) == {}


def test_what_is_far_from_the_index_in_either_currency_is_not_taken() -> None:
    watched = Dollars()
    watched.hear(0, 0.9)
    for wrong in (0.8, 1.2):
        assert watched.hear(1, 0.9, wrong) == {Doubt.BASIS: len(LINEAR_NAMES)}


@pytest.mark.parametrize("wrong", ["PERPETUAL", "LINEAR-PERPETUAL"])
@pytest.mark.parametrize(("usdc", "factor"), [(1.0, 0.97), (1.0, 1.03), (0.97, 0.96), (0.97, 1.02)])
def test_perpetuals_of_both_settlements_witness_against_each_other(
    wrong: str, usdc: float, factor: float
) -> None:
    watched = Dollars()
    watched.hear(0, usdc)
    before = watched.mark(wrong)
    found = watched.hear(1, usdc, names=("PERPETUAL",), changes={wrong: factor})
    assert found == {Doubt.FORWARD_GAP: 1}
    assert watched.code(wrong) is Doubt.FORWARD_GAP
    assert watched.mark(wrong) == before


def test_of_no_dollar_coin_the_index_in_usd_alone_counts() -> None:
    watched = Dollars(is_dollar_coin=0)
    assert watched.hear(0, 1.0) == {}
    assert watched.hear(1, 0.85) == {Doubt.BASIS: len(LINEAR_NAMES), Doubt.INDEX_JUMP: 1}


def test_a_jump_of_a_coin_without_an_index_is_a_contradiction_and_a_slide_of_it_is_none() -> None:
    watched = Dollars(is_dollar_coin=0)
    watched.hear(0, 1.0)
    assert watched.hear(1, 0.97)[Doubt.FORWARD_GAP] == len(LINEAR_NAMES)
    for second in range(2, 62):
        assert watched.hear(second, 1 - 0.03 * (second - 1) / 60) == {}
    assert Dollars(is_dollar_coin=0).hear(0, 0.97) == {}


def test_one_message_takes_no_dollar_coin_off_its_peg() -> None:
    watched = Dollars()
    watched.hear(0, 1.0)
    tick = Tick(names=(), table=BOTH, at_seconds=1).quotes()
    for usdc, expected in ((0.984, 1.0), (1.0, 1.0), (0.996, 0.996)):
        quotes = replace(tick, index_by_underlying={"USDC": usdc})
        time_ns = Tick(at_seconds=1).time_ns
        update = Update(quotes=quotes, market_time_ns=time_ns, observed_ns=time_ns)
        judged = judge(watched.snapshot, update, watched.parameters, watched.memory)
        watched.snapshot, watched.memory = judged.snapshot, judged.memory
        assert watched.snapshot.index_nano_u[1] == round(expected * NANO)
