"""A golden case put to the engine, to the use cases, and to a server."""

from decimal import Decimal
from typing import Any

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import types_pb2 as types
from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import (
    Freshness,
    Gates,
    Limits,
    Policy,
    Question,
    RequestedLeg,
    RequestedOrder,
)
from margingate_engine.core.amounts import MICRO, units_per_whole, whole
from margingate_engine.core.orders import Side
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.ledger.state import ShardState
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.decisions import CheckCommand
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import Market
from margingate_server.service.shard import Shard
from tests.integration.support.golden import Golden, nano
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire

NOW_NS = 1_900_000_000 * 10**9


def risk_texts(equity: int, initial: int, maintenance: int) -> dict[str, str]:
    """A risk as the case writes it."""
    amounts = (equity, initial, maintenance, equity - initial)
    names = ("equity", "initial_margin", "maintenance_margin", "headroom")
    return {
        name: f"{whole(amount, MICRO).normalize():f}"
        for name, amount in zip(names, amounts, strict=True)
    }


def _requested(golden: Golden, check: dict[str, Any], table: InstrumentTable) -> RequestedOrder:
    asked = check["leg"]
    quantity = Decimal(asked["quantity"])
    leg = RequestedLeg(
        row=table.row_by_name[asked["instrument"]],
        side=Side.BUY if quantity > 0 else Side.SELL,
        quantity=abs(quantity),
        limit=Decimal(asked["price"]),
    )
    return RequestedOrder(order_id=golden.order(check).order_id, legs=(leg,))


class ThroughEngine:
    """Portfolio and question put together by hand."""

    def __init__(self, golden: Golden) -> None:
        self._golden = golden
        table = InstrumentTable(golden.instruments())
        market = Market(golden.model(), table)
        self._arrays: RiskArrays = market.planned_update(golden.update(), NOW_NS).arrays
        cash = {
            asset: int(Decimal(amount) * units_per_whole(asset))
            for asset, amount in golden.raw["cash"].items()
        }
        self._portfolio = Portfolio(fees=golden.fees(), cash=cash)
        for stated in golden.raw["positions"]:
            row = table.row_by_name[stated["instrument"]]
            instrument = table.instruments[row]
            lots = nano(stated["quantity"]) // instrument.lot_nano
            price = stated["price"]
            entry = fill_flow(instrument, lots, nano(price)) if price else 0
            self._portfolio.positions[row] = Position(lots, entry)

    def positions_risk(self) -> dict[str, str]:
        """Margin of the positions."""
        risk = AccountRisk.of(self._portfolio, self._arrays).risk
        return risk_texts(risk.equity, risk.initial, risk.maintenance)

    def check(self, check: dict[str, Any]) -> dict[str, Any]:
        """The outcome in the words of the case; a yes is held."""
        order = _requested(self._golden, check, self._arrays.table)
        outcome = decide(
            Question(
                order=order,
                portfolio=self._portfolio,
                account=AccountRisk.of(self._portfolio, self._arrays),
                arrays=self._arrays,
                limits=Limits(),
                policy=Policy(),
                gates=Gates(),
                freshness=Freshness(),
            )
        )
        if outcome.is_accepted:
            self._portfolio.legs[order.order_id] = outcome.legs
        return self._words(outcome)

    @staticmethod
    def _words(outcome: Outcome) -> dict[str, Any]:
        before, after = outcome.before, outcome.after
        assert before is not None
        assert after is not None
        return {
            "reason": int(outcome.reason),
            "before": risk_texts(before.equity, before.initial, before.maintenance),
            "after": risk_texts(after.equity, after.initial, after.maintenance),
            "is_exact": outcome.exactness.value == "exact",
            "worst_scenario_before": outcome.worst_before[0].scenario,
            "worst_scenario_after": outcome.worst_after[0].scenario,
        }


class ThroughService:
    """The same by use cases on a desk."""

    def __init__(self, golden: Golden) -> None:
        self._golden = golden
        state = ShardState(fee_tiers={"default": golden.fees()})
        market = Market(golden.model(), state.table)
        shard = Shard(state, market, lambda _seq: b"")
        limits = AgeLimits(underlying_ns_max=1, instrument_ns_max=1)
        self._desk = Desk(shard, limits)
        view = market.planned_listing(golden.instruments())
        shard.record(InstrumentsListed(instruments=golden.instruments()), NOW_NS)
        market.view = view
        market.view = market.planned_update(golden.update(), NOW_NS)
        book = self._desk.accounts
        book.create("a", "default", "open", "", NOW_NS)
        for asset, amount in golden.raw["cash"].items():
            book.adjust_collateral("a", asset, Decimal(amount), asset, "", NOW_NS)
        stated = [
            StatedPosition(
                instrument=each["instrument"],
                quantity=Decimal(each["quantity"]),
                price=Decimal(each["price"]) if each["price"] else None,
            )
            for each in golden.raw["positions"]
        ]
        book.set_positions("a", stated, "positions", "", NOW_NS)

    def positions_risk(self) -> dict[str, str]:
        """Margin of the positions."""
        risk = self._desk.accounts.current_risk("a")
        assert risk is not None
        return risk_texts(risk.equity, risk.initial, risk.maintenance)

    def check(self, check: dict[str, Any]) -> dict[str, Any]:
        """The decision in the words of the case."""
        command = CheckCommand(
            account="a",
            request_id=check["request_id"],
            digest="",
            order=_requested(self._golden, check, self._desk.shard.market.view.table),
            sent_ns=NOW_NS,
        )
        numbers = self._desk.checking.check(command, NOW_NS).decision
        assert numbers.before is not None
        assert numbers.after is not None
        return {
            "reason": numbers.reason,
            "before": risk_texts(*_fields(numbers.before)),
            "after": risk_texts(*_fields(numbers.after)),
            "is_exact": numbers.is_exact,
            "worst_scenario_before": numbers.worst_before[0].scenario,
            "worst_scenario_after": numbers.worst_after[0].scenario,
        }


class ThroughServer:
    """The same by calls to a server."""

    def __init__(self, golden: Golden, wire: Wire) -> None:
        self._golden = golden
        self._wire = wire

    def publish(self) -> None:
        """List the instruments and publish their prices."""
        market = self._wire.market
        market.PublishInstruments(self._golden.listing_request(), timeout=CALL_SECONDS_MAX)
        market.PublishQuotes(self._golden.quotes_request(), timeout=CALL_SECONDS_MAX)

    def open(self) -> None:
        """The account with its cash and positions."""
        self._wire.open("a", **self._golden.raw["cash"])
        request = self._golden.positions_request()
        self._wire.accounts.SetPositions(request, timeout=CALL_SECONDS_MAX)

    def positions_risk(self) -> dict[str, str]:
        """Margin of the positions."""
        request = accounts.GetMarginRequest(account="a")
        return risk_words(
            self._wire.accounts.GetMargin(request, timeout=CALL_SECONDS_MAX).positions_only
        )

    def decision(self, check: dict[str, Any]) -> tuple[types.Decision, bool]:
        """(decision, whether it was remembered)."""
        answer = self._wire.check(check["request_id"], self._golden.order(check))
        return answer.decision, answer.replayed

    def check(self, check: dict[str, Any]) -> dict[str, Any]:
        """The decision in the words of the case."""
        decision, _ = self.decision(check)
        return {
            "reason": int(decision.reject_reason),
            "before": risk_words(decision.before),
            "after": risk_words(decision.after),
            "is_exact": decision.exactness == types.EXACTNESS_EXACT,
            "worst_scenario_before": decision.worst_before[0].scenario,
            "worst_scenario_after": decision.worst_after[0].scenario,
        }


def risk_words(risk: types.Risk) -> dict[str, str]:
    """A risk on the wire as the case writes it."""
    return {
        "equity": risk.equity,
        "initial_margin": risk.initial_margin,
        "maintenance_margin": risk.maintenance_margin,
        "headroom": risk.headroom,
    }


def _fields(numbers: Any) -> tuple[int, int, int]:
    return numbers.equity, numbers.initial, numbers.maintenance
