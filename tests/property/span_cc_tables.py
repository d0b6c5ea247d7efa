"""Parameters of `span_cc` for the chain: every method of charging and crediting is in use."""

from collections.abc import Mapping
from decimal import Decimal


def calendar(
    priority: int, rate: str, tiers: tuple[int, int], *, method: str = "flat", ratio: str = "1"
) -> dict[str, object]:
    """A spread of one delta in the first tier against `ratio` in the second."""
    return {
        "priority": Decimal(priority),
        "method": method,
        "rate": Decimal(rate),
        "tier_a": Decimal(tiers[0]),
        "ratio_a": Decimal(1),
        "tier_b": Decimal(tiers[1]),
        "ratio_b": Decimal(ratio),
    }


BTC: dict[str, object] = {
    "price_scan_range": Decimal("0.15"),
    "vol_shift_kind": "relative",
    "vol_scan_range": Decimal("0.45"),
    "vol_tenor_power": Decimal("0.3"),
    "vol_tenor_floor_days": Decimal(7),
    "vol_floor_up": Decimal("0.4"),
    "extreme_multiple": Decimal(3),
    "extreme_cover": Decimal("0.33"),
    "look_ahead_days": Decimal(1),
    "short_option_minimum": Decimal("0.01"),
    "collateral_haircut": Decimal(0),
    "price_risk_method": "cap",
    "delivery_days": Decimal(2),
    "delivery_spread_rate": Decimal("0.002"),
    "delivery_outright_rate": Decimal("0.01"),
    "tiers": {"1": Decimal(0), "2": Decimal(8), "3": Decimal(100)},
    "calendar_spreads": {
        "within": calendar(1, "0.002", (1, 1)),
        "cheap": calendar(2, "0.003", (1, 2)),
        "dear": calendar(3, "0.12", (2, 3), method="weighted"),
        "uneven": calendar(4, "0.03", (1, 3), ratio="2"),
        "within the far": calendar(5, "0.01", (3, 3)),
        "within the next": calendar(6, "0.004", (2, 2)),
    },
}
ETH: dict[str, object] = {
    **BTC,
    "price_scan_range": Decimal("0.18"),
    "vol_shift_kind": "absolute",
    "vol_scan_range": Decimal("0.3"),
    "look_ahead_days": Decimal(0),
    "collateral_haircut": Decimal("0.07"),
    "price_risk_method": "normal",
    "delivery_days": Decimal(0),
    "tiers": {"1": Decimal(0), "2": Decimal(20)},
    "calendar_spreads": {"all": calendar(1, "0.008", (1, 2))},
}
TABLES: Mapping[str, object] = {
    "account_type": "plain",
    "account_types": {
        "plain": {"maintenance": Decimal("0.8"), "initial": Decimal("1.25")},
        "dear": {"maintenance": Decimal("0.9"), "initial": Decimal("1.3")},
    },
    "delta_weights": {
        "unchanged": Decimal("0.27"),
        "third": Decimal("0.217"),
        "two_thirds": Decimal("0.111"),
        "full": Decimal("0.037"),
    },
    "underlyings": {"BTC": BTC, "ETH": ETH},
    "inter_spreads": {
        "coins": {
            "priority": Decimal(1),
            "legs": {
                "BTC": {"side": "A", "ratio": Decimal(2), "credit_rate": Decimal("0.6")},
                "ETH": {"side": "B", "ratio": Decimal(3), "credit_rate": Decimal("0.5")},
            },
        },
    },
}
