"""The door between decimal amounts and the integers that ledger and risk features are made of.

| unit         | of            | symbol here      |
|--------------|---------------|------------------|
| 1e-6 USD     | money, risk   | `*_micro`        |
| 1e-12 coin   | coin cash     | `*_pico`         |
| 1e-9         | price, vol, lot size | `*_nano`  |
| 1e-6         | ratio         | `*_ppm`          |
"""

from decimal import Context, Decimal, Inexact, localcontext

from margingate_engine.core.errors import InvalidInput

MICRO = 10**6
NANO = 10**9
PICO = 10**12
PPM = 10**6

USD = "USD"

AMOUNT_UNITS_MAX = 2**62
"""No amount of USD may reach this, so that every sum of a few stays an int64."""

COIN_UNITS_MAX = AMOUNT_UNITS_MAX * NANO
"""No amount of coins may reach this: 4.6e15, more than there are of any. Not for an int64."""

_EXACT = Context(prec=60, traps=[Inexact])


def units_per_whole(asset: str) -> int:
    """How many ledger units one USD (1e6) or one coin (1e12) has."""
    return MICRO if asset == USD else PICO


def units_max(asset: str) -> int:
    """What no ledger amount of an asset may reach, in its units."""
    return AMOUNT_UNITS_MAX if asset == USD else COIN_UNITS_MAX


def asset_units(amount: Decimal, asset: str, field: str) -> int:
    """`amount` of an asset in its units; InvalidInput as `units_exact`."""
    return units_exact(amount, units_per_whole(asset), field, units_max(asset))


def units_exact(amount: Decimal, per_whole: int, field: str, beyond: int = AMOUNT_UNITS_MAX) -> int:
    """`amount` in units; InvalidInput naming `field` when it is not a whole number of them.

    Or when it is as many as `beyond`, either way.
    """
    with localcontext(_EXACT):
        scaled = amount * per_whole
        units = int(scaled)
    if units != scaled:
        raise InvalidInput(field, f"has more than {len(str(per_whole)) - 1} decimal places")
    if abs(units) >= beyond:
        raise InvalidInput(field, "is out of range")
    return units


def whole(units: int, per_whole: int) -> Decimal:
    """The exact decimal amount of `units`."""
    return Decimal(units).scaleb(1 - len(str(per_whole)), _EXACT)


def decimal_places(value: Decimal) -> int:
    """How many decimal places a finite number is written with, trailing zeros included."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "what is not finite has no places"
    return max(0, -exponent)


def ceil_div(numerator: int, denominator: int) -> int:
    """Quotient rounded towards plus infinity; denominator > 0."""
    return -(-numerator // denominator)
