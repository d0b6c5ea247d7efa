"""What a replay consists of, by file, folder or manifest."""

from decimal import Decimal
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Side
from margingate_server.feeds.replay.accounts import StartAccount, StartPosition, read_accounts
from margingate_server.feeds.replay.manifest import read_replay
from margingate_server.feeds.replay.orders import Outcome, read_orders
from tests.unit.feeds.replay_files import CALL, FIRST, FIRST_NS, HOUR_NS, at, three_snapshots

ORDERS = "time,account,instrument,side,quantity,price,outcome"
COVERED = StartAccount(
    account="covered",
    collateral={"BTC": Decimal("1.5"), "USD": Decimal(10)},
    positions=(
        StartPosition(instrument=CALL, quantity=Decimal(-1), price=None),
        StartPosition(instrument="BTC-PERPETUAL", quantity=Decimal(100), price=Decimal("89000.5")),
    ),
)


def manifest(folder: Path, text: str) -> Path:
    three_snapshots(folder / "chains.csv")
    (folder / "replay.toml").write_text(text, "utf-8")
    return folder


def test_a_file_of_chains_is_a_replay_without_anything_alongside(tmp_path: Path) -> None:
    replay = read_replay(three_snapshots(tmp_path / "chains.csv"))
    assert (len(replay.series), replay.accounts, replay.orders) == (3, (), ())


def test_a_folder_is_read_by_its_manifest_with_paths_from_there(tmp_path: Path) -> None:
    folder = manifest(
        tmp_path,
        'market = { chains = ["chains.csv"], from = 2026-01-28T05:00:00Z }\n'
        'alongside = { accounts = "accounts.csv", orders = "orders.csv" }\n',
    )
    (tmp_path / "accounts.csv").write_text("account,item,quantity,price\na,USD,5,\n")
    (tmp_path / "orders.csv").write_text(f"{ORDERS}\n{at(7)},a,{CALL},buy,1,0.02,\n")
    for path in (folder, folder / "replay.toml"):
        replay = read_replay(path)
        assert replay.series.time_ns_t == (FIRST_NS + 6 * HOUR_NS, FIRST_NS + 12 * HOUR_NS)
        assert [each.account for each in replay.accounts] == ["a"]
        assert [each.instrument for each in replay.orders] == [CALL]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "market.chains"),
        ("market = { chains = [] }", "market.chains"),
        ('market = { chains = "chains.csv" }', "market.chains"),
        ('market = { chains = ["none.csv"] }', "none.csv: feed"),
        ('market = { chains = ["chains.csv"], speed = 1 }', "market.speed"),
        ('market = { chains = ["chains.csv"], from = 2026-01-28T05:00:00 }', "market.from"),
        ('market = { chains = ["chains.csv"] }\nother = 1', "other"),
        ('market = { chains = ["chains.csv"] }\nalongside = { orders = 1 }', "alongside.orders"),
        ("market = [", "feed"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, field: str) -> None:
    folder = manifest(tmp_path, text)
    with pytest.raises(InvalidInput) as refused:
        read_replay(folder)
    assert refused.value.field == field


def test_accounts_are_the_same_from_json_and_csv(tmp_path: Path) -> None:
    as_json, as_csv = tmp_path / "accounts.json", tmp_path / "accounts.csv"
    as_json.write_text(
        '[{"account": "covered", "collateral": {"BTC": 1.5, "USD": "10"}, "positions": ['
        f'{{"instrument": "{CALL}", "quantity": -1}},'
        '{"instrument": "BTC-PERPETUAL", "quantity": 100, "price": 89000.5}]}]'
    )
    as_csv.write_text(
        "account,item,quantity,price\ncovered,BTC,1,\ncovered,BTC,0.5,\ncovered,USD,10,\n"
        f"covered,{CALL},-1,\ncovered,BTC-PERPETUAL,100,89000.5\n"
    )
    assert read_accounts(as_json) == read_accounts(as_csv) == (COVERED,)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('[{"account": ""}]', "accounts[0].account"),
        ('[{"account": "a", "cash": {}}]', "accounts[0].cash"),
        ('[{"account": "a", "collateral": []}]', "accounts[0].collateral"),
        ('[{"account": "a", "collateral": {"USD": "NaN"}}]', "accounts[0].collateral.USD"),
        ('[{"account": "a", "collateral": {"USD": true}}]', "accounts[0].collateral.USD"),
        ('[{"account": "a", "positions": [{"instrument": "X"}]}]',
         "accounts[0].positions[0].quantity"),
        ('[{"account": "a"}, {"account": "a"}]', "accounts"),
        ("[1]", "accounts[0]"),
        ("[", "accounts"),
        ("account,item\na,USD\n", "line 1"),
        ("account,item,quantity,price\n,USD,1,\n", "line 2, account"),
        ("account,item,quantity,price\na,USD,x,\n", "line 2, quantity"),
    ],
)  # fmt: skip
def test_accounts_that_are_wrong_are_refused_by_field_or_line(
    tmp_path: Path, text: str, field: str
) -> None:
    path = tmp_path / "accounts"
    path.write_text(text)
    with pytest.raises(InvalidInput) as refused:
        read_accounts(path)
    assert refused.value.field == field


def test_orders_come_in_the_order_of_their_times_and_keep_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        f"{ORDERS}\n{at(7)},a,{CALL},SELL,0.5,0.02,fill\n{FIRST},b,{CALL},buy,1,,\n"
        f"{at(7)},a,{CALL},buy,1,0.01,release\n"
    )
    first, second, third = read_orders(path)
    assert (first.order_id, first.time_ns, first.limit) == ("replay-3", FIRST_NS, None)
    assert (second.order_id, second.side, second.outcome) == ("replay-2", Side.SELL, Outcome.FILL)
    assert (third.quantity, third.limit) == (Decimal(1), Decimal("0.01"))
    assert (first.outcome, third.outcome) == (Outcome.REST, Outcome.RELEASE)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (f"now,a,{CALL},buy,1,0.1,", "line 2, time"),
        (f"{FIRST},a,{CALL},long,1,0.1,", "line 2, side"),
        (f"{FIRST},a,{CALL},buy,0,0.1,", "line 2, quantity"),
        (f"{FIRST},a,{CALL},buy,1,x,", "line 2, price"),
        (f"{FIRST},a,{CALL},buy,1,,fill", "line 2, price"),
        (f"{FIRST},a,{CALL},buy,1,0.1,later", "line 2, outcome"),
        (f"{FIRST},a,{CALL}", "line 2"),
    ],
)
def test_an_order_that_is_wrong_is_refused_by_line(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"{ORDERS}\n{line}\n")
    with pytest.raises(InvalidInput) as refused:
        read_orders(path)
    assert refused.value.field == field
