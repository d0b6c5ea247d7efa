"""Accounts under the model `span_cc` against the slow reference of combined commodities."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.charges import Charge
from margingate_engine.portfolio.account_risk import AccountRisk
from tests.property.books import books
from tests.property.chain import MARKET_TIME_NS, NANO, World
from tests.property.effort import examples
from tests.property.model_worlds import model_world
from tests.property.span_cc_tables import TABLES
from tests.reference import span_cc as reference

MICRO = 10**6
TODAY = datetime.fromtimestamp(MARKET_TIME_NS // NANO, UTC).date()
COINS, FIRST_PERPETUAL = 0, 1
TABLE: Any = TABLES


def day(days: int) -> int:
    return int(f"{TODAY + timedelta(days=days):%Y%m%d}")


def period(world: World, row: int) -> int:
    """[SCC-24]"""
    expiry_ns = world.table.instruments[row].expiry_ns
    if expiry_ns is None:
        return FIRST_PERPETUAL + row
    return int(f"{datetime.fromtimestamp(expiry_ns // NANO, UTC):%Y%m%d}")


def commodity(coin: str, world: World) -> dict[str, Any]:
    """[SCC-24, SCC-25] One underlying in the words of a file of that day."""
    own = TABLE["underlyings"][coin]
    firsts = [int(own["tiers"][str(n)]) for n in range(1, len(own["tiers"]) + 1)]
    delivered = {
        period(world, row)
        for row, each in enumerate(world.table.instruments)
        if each.underlying == coin and each.expiry_ns is not None
    }
    last_delivered = day(int(own["delivery_days"]) - 1)
    return {
        "code": coin,
        "price_risk_method": own["price_risk_method"],
        "price_scan_range": own["price_scan_range"],
        "minimum_method": "gross",
        "minimum_rates": [{"first": 0, "last": 99999999, "rate": Fraction(1, MICRO)}],
        "tiers": [
            {
                "number": number,
                "first": day(first) if first else 0,
                "last": day(after - 1),
            }
            for number, (first, after) in enumerate(
                zip(firsts, [*firsts[1:], 20_000], strict=True), 1
            )
        ],
        "spreads": [
            {
                "priority": each["priority"],
                "method": each["method"],
                "rate": each["rate"],
                "legs": [
                    {"tier": each[f"tier_{side}"], "ratio": each[f"ratio_{side}"], "side": name}
                    for side, name in (("a", "A"), ("b", "B"))
                ],
            }
            for each in own["calendar_spreads"].values()
        ],
        "spot_rates": [
            {
                "period": each,
                "spread_rate": own["delivery_spread_rate"],
                "outright_rate": own["delivery_outright_rate"],
            }
            for each in delivered
            if each <= last_delivered
        ],
    }


def inter_spreads() -> list[dict[str, Any]]:
    return [
        {
            "priority": each["priority"],
            "method": "delta",
            "legs": [{"commodity": coin, **leg} for coin, leg in each["legs"].items()],
        }
        for each in TABLE["inter_spreads"].values()
    ]


def plain(lots: int, loss: list[int], delta: int, when: int, right: str = "") -> dict[str, Any]:
    return {
        "lots": lots,
        "loss": [Fraction(each, MICRO) for each in loss],
        "delta": Fraction(delta, MICRO),
        "period": when,
        "right": right,
    }


def positions(world: World, account: AccountRisk, number: int) -> list[dict[str, Any]]:
    """What is held of one coin: rows of lots, the coin itself, and shorts in millionths."""
    arrays, totals, still = world.arrays, account.groups[number], [0] * 16
    coin = totals.group.coin_rows(totals.coin_pico)
    value = totals.coin_pico * totals.group.index_nano // 10**15
    held = [plain(1, [-each for each in coin], value, COINS)]
    for row, lots in totals.lots.items():
        own, *coins = arrays.features_i[row]
        losses = [-int(each) for each in arrays.pnl_ir[row, :16]]
        held.append(plain(lots, losses, own[1], period(world, row)))
        held += [plain(lots, still, amount, COINS) for _, amount in coins]
        held += [plain(-arrays.minimum_i[row], still, 0, COINS, "C")] * max(0, -lots)
    return held


@pytest.mark.parametrize("name", ["span_cc", "span_cc dear"])
def test_positions_require_what_the_reference_says(name: str) -> None:
    """[SCC-22, SCC-24 to SCC-27]"""
    ratios = TABLE["account_types"]["dear" if "dear" in name else "plain"]
    maintenance = Fraction(ratios["maintenance"])

    @examples(60)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = model_world(name)
        account = AccountRisk.of(
            data.draw(books(orders_max=0, several=True, world=world)).portfolio, world.arrays
        )
        numbers = {
            world.table.underlyings[number]: number
            for number, totals in account.groups.items()
            if not totals.is_empty
        }
        expected = reference.account(
            [commodity(coin, world) for coin in TABLE["underlyings"]],
            inter_spreads(),
            {coin: positions(world, account, number) for coin, number in numbers.items()},
        )
        found = {each.subject: each for each in account.requirements()}
        assert set(found) == set(expected)
        for coin, part in expected.items():
            charges = dict(found[coin].charges)
            assert charges[Charge.SCAN_RISK] == reference.up(part["scan"])
            assert charges[Charge.CALENDAR_CHARGE] == reference.up(part["calendar"])
            assert charges[Charge.DELIVERY_CHARGE] == reference.up(part["spot"])
            assert charges[Charge.INTER_COMMODITY_CREDIT] == -reference.down(part["credit"])
            assert charges[Charge.SHORT_OPTION_MINIMUM] == reference.up(part["minimum"])
            risk = Fraction(part["risk"], MICRO)
            initial = risk * maintenance * Fraction(ratios["initial"])
            assert found[coin].total == reference.up(initial)
        assert account.risk.maintenance == sum(
            reference.up(Fraction(part["risk"], MICRO) * maintenance) for part in expected.values()
        )

    look()
