"""How the instruments of a table belong together."""

from dataclasses import replace

import numpy as np

from margingate_engine.core.instruments import Settlement
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.layout import WINDOW, QualityLayout
from tests.unit.engine.quality.chain import STRIKES, TABLE, instruments

LINEAR = tuple(
    replace(each, name=f"LINEAR-{each.name}", settlement=Settlement.LINEAR)
    for each in instruments()
)
BOTH = InstrumentTable((*LINEAR, *TABLE.instruments))


def names(table: InstrumentTable, rows: np.ndarray) -> list[str]:
    return [table.instruments[row].name for row in rows.tolist()]


def test_a_call_is_paired_with_the_put_of_its_strike_and_settlement() -> None:
    layout = QualityLayout.of(BOTH)
    calls, puts = names(BOTH, layout.call_rows), names(BOTH, layout.put_rows)
    assert len(calls) == 2 * len(STRIKES)
    assert [each.replace("C", "P") for each in calls] == [each.replace("C", "P") for each in puts]


def test_a_smile_has_one_settlement_and_ascends_by_strike_and_call_before_put() -> None:
    layout = QualityLayout.of(BOTH)
    for number in set(layout.smile_m.tolist()):
        found = names(BOTH, layout.smile_rows[layout.smile_m == number])
        assert [each.removeprefix("LINEAR-") for each in found] == [
            f"{right}{strike // 1000}" for strike in STRIKES for right in "CP"
        ]
        assert len({each.startswith("LINEAR-") for each in found}) == 1


def test_futures_and_options_of_an_expiry_and_settlement_are_one_group() -> None:
    """What settles in a dollar coin is quoted in it, and off its peg has another forward."""
    layout = QualityLayout.of(BOTH)
    every = names(BOTH, np.arange(len(BOTH)))
    by_name = dict(zip(every, layout.settlement_group_i, strict=True))
    assert by_name["C100"] == by_name["P80"] == by_name["FUTURE"]
    assert by_name["LINEAR-C100"] == by_name["LINEAR-FUTURE"] != by_name["FUTURE"]
    assert len({by_name[name] for name in ("PERPETUAL", "LINEAR-PERPETUAL", "FUTURE")}) == 3
    by_name = dict(zip(every, layout.expiry_group_i, strict=True))
    assert by_name["C100"] == by_name["LINEAR-P80"] == by_name["LINEAR-FUTURE"]
    assert by_name["PERPETUAL"] == by_name["LINEAR-PERPETUAL"] != by_name["FUTURE"]


def test_a_window_lies_around_its_option_and_within_its_smile() -> None:
    layout = QualityLayout.of(BOTH)
    count = 2 * len(STRIKES)
    assert layout.has_window_m.all()
    assert layout.window_mw[4].tolist() == [2, 3, 4, 5, 6]
    assert layout.window_mw[0].tolist() == list(range(WINDOW))
    assert layout.window_mw[count - 1].tolist() == list(range(count - WINDOW, count))
    assert layout.window_mw[count].tolist() == list(range(count, count + WINDOW))


def test_a_smile_of_few_options_has_no_window() -> None:
    few = InstrumentTable(TABLE.instruments[:4])
    assert not QualityLayout.of(few).has_window_m.any()
