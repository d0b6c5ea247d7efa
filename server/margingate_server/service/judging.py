"""An update of prices held against the limits of market data, before it becomes the market."""

from dataclasses import dataclass

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.case import Update
from margingate_engine.quality.judge import Finding, judge
from margingate_engine.quality.memory import QualityMemory
from margingate_engine.quality.parameters import QualityParameters


@dataclass(frozen=True, slots=True, eq=False)
class QualityView:
    """What stands beside a market's prices; a plan that is thrown away takes its own with it.

    memory: of the filter, for the next update; None while none was judged. findings: what was not
    taken of the last update as it came.
    """

    memory: QualityMemory | None = None
    findings: tuple[Finding, ...] = ()


def taken(
    table: InstrumentTable,
    before: MarketSnapshot,
    update: Update,
    parameters: QualityParameters | None,
    quality: QualityView,
) -> tuple[MarketSnapshot, QualityView]:
    """(the snapshot with what can be taken of an update, what stands beside it).

    Without parameters everything that lives is taken as it comes. InvalidInput as `with_quotes`.
    """
    if parameters is None:
        update = update.of_living(table)
        snapshot = before.with_quotes(
            table,
            update.quotes,
            market_time_ns=update.market_time_ns,
            observed_ns=update.observed_ns,
        )
        return snapshot, QualityView()
    memory = quality.memory or QualityMemory.of(table, before)
    judged = judge(before, update, parameters, memory.extended_to(table, before))
    return judged.snapshot, QualityView(judged.memory, judged.findings)
