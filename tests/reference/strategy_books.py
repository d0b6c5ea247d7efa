"""Small books of rules-based margin, for the engine and for the oracle alike."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from margingate_engine.models.strategy.legs import Book, OptionLeg, SpotLeg
from margingate_engine.models.strategy.parameters import StrategyParameters
from tests.reference.strategy_margins import Ratios, Rules, Unit

NANO = 10**9
MICRO = 10**6
PRICE = 100

RULES = Rules(
    price=PRICE,
    initial=Ratios(option=20, minimum=10, spot=50, spot_short=50, floor=5, strike=10),
    maintenance=Ratios(option=15, minimum=8, spot=25, spot_short=30, floor=5, strike=10),
)


def parameters(**changed: object) -> StrategyParameters:
    """The parameters that RULES says in its own way."""
    words: dict[str, object] = {
        "option_initial_ratio": Decimal("0.2"),
        "option_initial_minimum_ratio": Decimal("0.1"),
        "option_maintenance_ratio": Decimal("0.15"),
        "option_maintenance_minimum_ratio": Decimal("0.08"),
        "leverage": Decimal(1),
        "spot_initial_ratio": Decimal("0.5"),
        "spot_maintenance_ratio": Decimal("0.25"),
        "short_spot_initial_ratio": Decimal("0.5"),
        "short_spot_maintenance_ratio": Decimal("0.3"),
        "short_spot_minimum": Decimal(5),
        "hedged_strike_ratio": Decimal("0.1"),
        "future_initial_ratio": Decimal("0.1"),
        "future_maintenance_ratio": Decimal("0.05"),
        "long_term_ratio": Decimal("0.75"),
        "box_ratio": Decimal("0.5"),
        "exercise": "american",
        "secured_call": "underlying",
        "house_rules": [],
    }
    return StrategyParameters.from_mapping("BTC", {**words, **changed})


def option(
    kind: str, strike: int, lots: int, mark: float | Fraction = 0, expiry: int = 1, **more: object
) -> OptionLeg:
    """Lots of one coin each; `C` or `P`; mark in USD, a multiple of a cent."""
    return OptionLeg(
        symbol=f"{kind}{strike}-{expiry}",
        is_call=kind == "C",
        strike_nano=strike * NANO,
        expiry_ns=expiry,
        lots=lots,
        size_nano=NANO,
        mark_nano=int(Fraction(mark).limit_denominator(100) * NANO),
        **more,  # type: ignore[arg-type]
    )


def spot(coins: int, price: int = PRICE, **more: object) -> SpotLeg:
    return SpotLeg(quantity_nano=coins * NANO, price_nano=price * NANO, **more)  # type: ignore[arg-type]


def book(*legs: OptionLeg | SpotLeg, price: int = PRICE) -> Book:
    return Book(
        underlying_nano=price * NANO,
        options=tuple(leg for leg in legs if isinstance(leg, OptionLeg)),
        spot=tuple(leg for leg in legs if isinstance(leg, SpotLeg)),
    )


def units(legs: Iterable[OptionLeg | SpotLeg]) -> tuple[Unit, ...]:
    """The units of legs, for the oracle."""
    found: list[Unit] = []
    for leg in legs:
        if isinstance(leg, SpotLeg):
            count = leg.quantity_nano // NANO
            found += [Unit("S", 1 if count > 0 else -1)] * abs(count)
        else:
            unit = Unit(
                "C" if leg.is_call else "P",
                1 if leg.lots > 0 else -1,
                leg.strike_nano // NANO,
                leg.expiry_ns,
                Fraction(leg.mark_nano, NANO),
            )
            found += [unit] * abs(leg.lots)
    return tuple(found)


def usd(amount_micro: int) -> Fraction:
    return Fraction(amount_micro, MICRO)
