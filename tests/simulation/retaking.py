"""A decision taken again from what is stored: the log up to it, and the market it cites. [I6]"""

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_server.ledger.events import AmendAccepted, OrderAccepted
from margingate_server.ledger.numbers import RiskNumbers
from margingate_server.ledger.store import EventRecord
from tests.simulation.disk import Disks
from tests.simulation.server import SPAN
from tests.simulation.shadow import Shadow
from tests.simulation.violation import hold


def retake(record: EventRecord, disks: Disks) -> None:
    """Violation unless the stored inputs give the margin that was decided on, to the unit."""
    shadow = Shadow()
    for earlier in disks.log.records[: record.seq - 1]:
        shadow.follow(earlier)
    event = shadow.follow(record)
    assert isinstance(event, OrderAccepted | AmendAccepted)
    snapshot = disks.markets.snapshot(record.market_version)
    hold(snapshot is not None, "I6", "its market is not stored: {}", record)
    assert snapshot is not None
    arrays = SPAN.risk_arrays(shadow.state.table, snapshot)
    risk = AccountRisk.of(shadow.state.accounts[event.account].portfolio, arrays).risk
    after = RiskNumbers(risk.equity, risk.initial, risk.maintenance)
    hold(event.decision.after == after, "I6", "taken again it is {}: {}", after, event)
