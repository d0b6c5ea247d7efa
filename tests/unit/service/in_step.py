"""What always holds of a desk: its risk is the one worked out anew, its state the one folded."""

from margingate_engine.core.errors import MissingData
from margingate_server.service.freshness import oldest_of_portfolio
from tests.property.totals import totals_of
from tests.unit.service.small_desk import SmallDesk, folded_again


def assert_in_step(desk: SmallDesk, account: str = "a") -> bool:
    """Compare the kept with the full calculation; False when something has no price."""
    kept = desk.shard.view_of(desk.account(account))
    try:
        full = desk.full_risk(account)
    except MissingData:
        assert kept.risk is None
        return False
    assert kept.risk is not None
    assert totals_of(kept.risk) == totals_of(full)
    oldest = oldest_of_portfolio(desk.shard.market.view, desk.account(account).portfolio)
    # What was released may still count as old until the next prices; never the other way.
    assert kept.oldest.underlying_ns <= oldest.underlying_ns
    assert kept.oldest.instrument_ns <= oldest.instrument_ns
    return True


def assert_folds_again(desk: SmallDesk) -> None:
    """Compare the state with the one that a restart would make."""
    live, again = desk.state, folded_again(desk)
    assert again.accounts == live.accounts
    assert again.expiring == live.expiring
    assert again.open_order_count == live.open_order_count
    assert again.requests.packed() == live.requests.packed()
    assert again.table.instruments == live.table.instruments
    assert again.last_seq == live.last_seq
