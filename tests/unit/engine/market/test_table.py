from dataclasses import replace

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.table import NEVER_NS, InstrumentTable
from tests.unit.engine.small_market import INSTRUMENTS, NANO, NEAR_NS

TABLE = InstrumentTable(INSTRUMENTS)


def test_arrays_say_what_the_instruments_say() -> None:
    row = TABLE.row_by_name["COIN-CALL"]
    assert TABLE.size_i[row] == 0.1
    assert TABLE.strike_i[row] == 80_000
    assert TABLE.expiry_ns_i[row] == NEAR_NS
    assert TABLE.is_option_i[row]
    assert TABLE.is_call_i[row]
    assert TABLE.is_inverse_i[row]
    assert TABLE.expiry_ns_i[TABLE.row_by_name["PERPETUAL"]] == NEVER_NS
    assert TABLE.is_spot_i.sum() == 1
    assert TABLE.underlyings == ("BTC", "SOL")
    assert TABLE.underlying_i[TABLE.row_by_name["SOL-PERPETUAL"]] == 1


def test_published_arrays_refuse_writes() -> None:
    with pytest.raises(ValueError, match="read-only"):
        TABLE.size_i[0] = 2.0


def test_an_unlisted_name_has_no_row() -> None:
    assert TABLE.row("NEAR") == TABLE.row_by_name["NEAR"]
    assert TABLE.row("NOWHERE") is None


def test_one_name_may_be_listed_once() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        InstrumentTable([INSTRUMENTS[0], INSTRUMENTS[0]])


def test_new_instruments_come_last_and_what_was_listed_keeps_its_row() -> None:
    added = replace(INSTRUMENTS[0], name="NEW", strike_nano=NANO)
    halted = replace(INSTRUMENTS[3], is_halted=True)
    larger = TABLE.with_instruments([added, halted])
    assert larger.row("NEW") == len(TABLE)
    assert larger.instruments[3] == halted
    assert all(larger.row(each.name) == row for row, each in enumerate(INSTRUMENTS))
    assert np.array_equal(larger.size_i[: len(TABLE)], TABLE.size_i)
    assert not TABLE.instruments[3].is_halted


def test_a_listed_contract_may_not_become_another() -> None:
    with pytest.raises(InvalidInput, match="another contract"):
        TABLE.with_instruments([replace(INSTRUMENTS[0], strike_nano=NANO)])
