"""Portfolio files: what they mean and how their mistakes are named."""

from math import exp
from pathlib import Path

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Settlement
from margingate_engine.pricing import black76
from margingate_server.comparing.portfolio_file import (
    FilePortfolio,
    read_portfolio,
    worked_portfolios,
)

HEAD = """\
title = "T"
[collateral]
USD = 1000.5
BTC = 2
[market.BTC]
index = 70_000
rate = 0.05
"""
CALL = """
[[legs]]
quantity = -1.5
underlying = "BTC"
kind = "option"
right = "call"
strike = 75_000
days = 73
vol = 0.4
"""


def read(tmp_path: Path, text: str) -> FilePortfolio:
    path = tmp_path / "p.toml"
    path.write_text(text)
    return read_portfolio(path)


def test_legs_are_instruments_priced_by_black_76_on_the_forward_of_the_carry(
    tmp_path: Path,
) -> None:
    found = read(tmp_path, HEAD + CALL)
    assert (found.name, found.title, found.about) == ("p", "T", "")
    assert found.collateral == {"USD": 1_000_500_000, "BTC": 2 * 10**12}
    ((row, lots),) = found.lots_by_row.items()
    option = found.table.instruments[row]
    assert (option.name, lots * option.lot_nano) == ("BTC 73d 75000 call", -1_500_000_000)
    assert option.settlement is Settlement.LINEAR
    forward = 70_000 * exp(0.05 / 5)
    assert found.snapshot.forward_nano_i[row] == pytest.approx(forward * 1e9, rel=1e-12)
    worth = black76.value(
        np.array(forward), np.array(75_000.0), np.array(0.4), np.array(0.2), np.array(True)
    )
    assert found.snapshot.mark_nano_i[row] == pytest.approx(float(worth) * 1e9, rel=1e-9)
    assert found.snapshot.priced_i(found.table).all()


def test_the_same_terms_twice_are_one_position_and_no_two_prices(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD + CALL + CALL)
    assert list(found.lots_by_row.values()) == [-300]
    closed = read(tmp_path, HEAD + CALL + CALL.replace("-1.5", "1.5"))
    assert closed.lots_by_row == {}
    with pytest.raises(InvalidInput) as wrong:
        read(tmp_path, HEAD + CALL + CALL.replace("0.4", "0.5"))
    assert (wrong.value.field, wrong.value.problem[:16]) == ("legs[1]", "has other prices")


def test_every_kind_of_leg_has_its_mark(tmp_path: Path) -> None:
    leg = '\n[[legs]]\nunderlying = "BTC"\nquantity = 1\nkind = '
    found = read(
        tmp_path,
        HEAD
        + f'{leg}"spot"'
        + f'{leg}"perpetual"\nforward = 70_100'
        + f'{leg}"future"\ndays = 73'
        + f'{leg}"future"\ndays = 73\nsettlement = "inverse"'
        + CALL.replace("vol =", 'settlement = "inverse"\nvol ='),
    )
    marks = dict(zip(found.table.row_by_name, found.snapshot.mark_nano_i / 1e9, strict=True))
    forward = 70_000 * exp(0.01)
    assert marks["BTC spot"] == 70_000
    assert marks["BTC perpetual"] == 70_100
    assert marks["BTC 73d future"] == marks["BTC 73d future inverse"] == pytest.approx(forward)
    (linear,) = read(tmp_path, HEAD + CALL).lots_by_row
    worth = read(tmp_path, HEAD + CALL).snapshot.mark_nano_i[linear] / 1e9
    assert marks["BTC 73d 75000 call inverse"] == pytest.approx(worth / forward)


def test_lots_of_inverse_futures_are_whole_dollars(tmp_path: Path) -> None:
    """A book of millions of lots would be rounded millions of times."""
    leg = '\n[[legs]]\nunderlying = "BTC"\nkind = "future"\ndays = 73\nsettlement = "inverse"'
    found = read(tmp_path, f"{HEAD}{leg}\nquantity = -30_000")
    assert list(found.lots_by_row.values()) == [-30_000]
    with pytest.raises(InvalidInput) as wrong:
        read(tmp_path, f"{HEAD}{leg}\nquantity = 0.5")
    assert (wrong.value.field, wrong.value.problem) == (
        "legs[0].quantity",
        "must be a multiple of 1",
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (HEAD.replace('title = "T"\n', "") + CALL, "title"),
        (HEAD.replace('"T"', "5") + CALL, "title"),
        (HEAD, "legs"),
        (f"legs = []\n{HEAD}", "legs"),
        (f"legs = [1]\n{HEAD}", "legs[0]"),
        (f"size = 1\n{HEAD}{CALL}", "size"),
        (HEAD.replace("[market.BTC]", "[market.ETH]") + CALL, "collateral.BTC"),
        (HEAD.replace("index = 70_000", "") + CALL, "market.BTC.index"),
        (HEAD.replace("70_000", "0") + CALL, "market.BTC.index"),
        (HEAD.replace("0.05", "true") + CALL, "market.BTC.rate"),
        (HEAD.replace("1000.5", "0.0000001") + CALL, "collateral.USD"),
        (HEAD.replace("[market.BTC]\nindex = 70_000\nrate = 0.05", "[market]") + CALL, "market"),
        (HEAD.replace("[market.BTC]", "[market]\nBTC = 1\n[x]"), "legs"),
        (HEAD + CALL.replace("call", "both"), "legs[0].right"),
        (HEAD + CALL.replace('"option"', '"bond"'), "legs[0].kind"),
        (HEAD + CALL.replace('"BTC"', '"ETH"'), "legs[0].underlying"),
        (HEAD + CALL.replace("-1.5", "0.005"), "legs[0].quantity"),
        (HEAD + CALL.replace("-1.5", '"1"'), "legs[0].quantity"),
        (HEAD + CALL.replace("days = 73\n", ""), "legs[0].days"),
        (HEAD + CALL.replace("73", "0"), "legs[0].days"),
        (HEAD + CALL.replace("strike = 75_000", "strike = 1e18"), "legs[0].strike"),
        (HEAD + CALL + "settlement = 1", "legs[0].settlement"),
        (HEAD + CALL.replace('"option"', '"future"'), "legs[0].right"),
        (HEAD + CALL.replace("0.4", "nan"), "legs[0].vol"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        read(tmp_path, text)
    assert wrong.value.field == field


HELD = {
    "BTC 30d 75000 call": -1,
    "ETH 60d 3000 put": 2,
    "ETH 30d 3800 call": -1,
    "ETH 30d 3900 call": 1,
    "ETH 30d 3200 put": -1,
    "ETH 30d 3100 put": 1,
}


def test_the_worked_portfolios_are_those_of_the_page_at_its_prices() -> None:
    every = worked_portfolios()
    assert [each.name[:2] for each in every] == ["1-", "2-", "3-", "4-", "5-", "6-"]
    for each in every:
        assert each.collateral["USD"] == 200_000 * 10**6
        prices = each.snapshot.index_nano_u.tolist()
        indices = dict(zip(each.table.underlyings, prices, strict=True))
        assert indices["BTC"] == 70_000 * 10**9
        assert indices.get("ETH", 3_500 * 10**9) == 3_500 * 10**9
    bought, held = (
        {each.table.instruments[row].name: lots * 0.01 for row, lots in each.lots_by_row.items()}
        for each in every[-2:]
    )
    assert bought == {"BTC spot": 1, "ETH spot": 1, **HELD}
    assert held == HELD
    assert every[-1].collateral == {"USD": 200_000 * 10**6, "BTC": 10**12, "ETH": 10**12}
