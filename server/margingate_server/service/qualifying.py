"""What an account must have to be in a regime, and the equity that it is judged by."""

from collections.abc import Collection, Iterable

from margingate_engine.check.compare import closed_at_marks
from margingate_engine.core.amounts import MICRO, NANO, PICO, USD
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.ledger.numbers import OPENING, PolicyNumbers, QualificationNumbers
from margingate_server.ledger.state import AccountState

_PICO_NANO_PER_MICRO = PICO * NANO // MICRO


def qualification_of(policy: PolicyNumbers, model: str) -> QualificationNumbers:
    """What the regime of a model asks, "" for what accounts open under; of others nothing."""
    for each in policy.qualifications:
        if each.model == model:
            return each
    return QualificationNumbers(model=model)


def qualifying_equity(
    portfolio: Portfolio, table: InstrumentTable, snapshot: MarketSnapshot
) -> int | None:
    """What closing every position at its mark without fees would leave, 1e-6 USD, rounded down.

    Coins count at the index, whole, and no model has a say in it. None without a price of any of
    it.
    """
    try:
        units_by_asset = dict(closed_at_marks(portfolio, table, snapshot).collateral)
    except MissingData:
        return None
    equity = units_by_asset.pop(USD, 0)
    for asset, units in sorted(units_by_asset.items()):
        index_nano = _index_nano(asset, table, snapshot)
        if units and index_nano is None:
            return None
        equity += units * (index_nano or 0) // _PICO_NANO_PER_MICRO
    return equity


def _index_nano(asset: str, table: InstrumentTable, snapshot: MarketSnapshot) -> int | None:
    if asset not in table.underlyings:
        return None
    number = table.underlyings.index(asset)
    return int(snapshot.index_nano_u[number]) if snapshot.observed_ns_u[number] >= 0 else None


def unpermitted(
    asked: QualificationNumbers, table: InstrumentTable, rows: Iterable[int]
) -> tuple[int, ...]:
    """Places in `rows` of instruments that the regime is not for."""
    if not (asked.kinds or asked.underlyings):
        return ()
    return tuple(
        place
        for place, row in enumerate(rows)
        if (asked.kinds and table.instruments[row].kind.value not in asked.kinds)
        or (asked.underlyings and table.instruments[row].underlying not in asked.underlyings)
    )


def why_unqualified(
    asked: QualificationNumbers, account: AccountState, equity: int, table: InstrumentTable
) -> tuple[bool, str] | None:
    """(whether it is for an instrument, which or why) why an account may not enter; None if it may.

    equity: 1e-6 USD.
    """
    if equity < asked.equity_to_enter:
        return False, f"equity below the {asked.equity_to_enter // MICRO} USD of the regime"
    if account.experience_tier < asked.experience_tier_min:
        return False, f"experience below the tier {asked.experience_tier_min} of the regime"
    portfolio = account.portfolio
    shapes = (*portfolio.legs.values(), *portfolio.amendments.values())
    rows = sorted({*portfolio.positions, *(leg.row for shape in shapes for leg in shape)})
    places = unpermitted(asked, table, rows)
    return (True, table.instruments[rows[places[0]]].name) if places else None


def refuse_wrong_fallbacks(policy: PolicyNumbers, models: Collection[str]) -> None:
    """InvalidInput naming a fallback that has no model here, or that asks for equity itself.

    What is asked for models that are not here binds nobody.
    """
    floors = {each.model: each.equity_to_remain for each in policy.qualifications}
    for each in policy.qualifications:
        if each.model not in {"", *models} or not each.fallback:
            continue
        name = f"policy.{each.model or OPENING}"
        if each.fallback not in models:
            raise InvalidInput(f"{name}.fallback", "is a model that is not available")
        if floors.get(each.fallback, 0):
            raise InvalidInput(f"{name}.fallback", "asks for equity to remain itself")
