"""How near the positions of an account are to liquidation each for itself. [MON-15]"""

from margingate_engine.models.isolated import position_risks_of
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.position_risk import PositionRisk


def position_risks(account: AccountRisk) -> list[PositionRisk]:
    """Margin of every position, by name; none where positions have no wallets. [ISO-04]

    Open orders are left out.
    """
    if not account.arrays.model.has_wallets:
        return []
    names = account.arrays.table.instruments
    risks = [each for totals in account.groups.values() for each in position_risks_of(totals)]
    return sorted(risks, key=lambda each: names[each.row].name)


def largest_strain_ppm(account: AccountRisk) -> int:
    """The largest strain of a position, 1e-6; 0 where positions have no wallets. [MON-15]"""
    return max((each.strain_ppm for each in position_risks(account)), default=0)


def due_positions(account: AccountRisk) -> list[int]:
    """Rows of positions that are due for liquidation by their own margin, by name. [ISO-04]"""
    return [each.row for each in position_risks(account) if each.is_liquidatable]
