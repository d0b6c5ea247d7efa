"""How much collateral makes an account as well covered as it is to be."""

from decimal import Decimal

from margingate_engine.core.amounts import MICRO, USD, units_per_whole, whole
from margingate_engine.portfolio.account_risk import AccountRisk

POSTED_USD_MAX = 200_000_000
_STEPS = 40


def posted_units(account: AccountRisk, asset: str, cover: float) -> tuple[str, Decimal]:
    """(asset, amount) that brings equity to `cover` times initial margin; amount 0 if it is there.

    USD where coins of `asset` cannot do it: they require margin themselves.
    """
    for each in (asset, USD):
        units = _units(account.copied(), each, cover)
        if units is not None:
            return each, whole(units, units_per_whole(each))
    return USD, Decimal(0)


def _units(account: AccountRisk, asset: str, cover: float) -> int | None:
    """Ledger units to post, in steps of 0.01 USD or 1e-6 coins; None when no amount is enough."""
    if _is_covered(account, cover):
        return 0
    step = MICRO // 100 if asset == USD else units_per_whole(asset) // MICRO
    high = POSTED_USD_MAX * 100 if asset == USD else 100_000 * MICRO
    low = 0
    if not _is_covered_with(account, asset, high * step, cover):
        return None
    for _ in range(_STEPS):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        if _is_covered_with(account, asset, middle * step, cover):
            high = middle
        else:
            low = middle
    return high * step


def _is_covered_with(account: AccountRisk, asset: str, units: int, cover: float) -> bool:
    account.move_cash(asset, units)
    is_covered = _is_covered(account, cover)
    account.move_cash(asset, -units)
    return is_covered


def _is_covered(account: AccountRisk, cover: float) -> bool:
    risk = account.positions_risk
    return risk.equity >= cover * risk.initial
