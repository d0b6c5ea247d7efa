"""Requests and answers in few words, for the script of a failing seed."""

from dataclasses import fields
from typing import Any

from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.numbers import DecisionNumbers
from margingate_server.service.decisions import CheckAnswer
from margingate_server.service.orders import FillAnswer, ReleaseAnswer
from tests.simulation.requests import Batch, Check, Request


class Words:
    """Says what a request or an answer is, only when somebody wants to read it."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __str__(self) -> str:
        return words_of(self._thing)


def words_of(thing: Any) -> str:
    """A request, an answer or a list of them in one line."""
    match thing:
        case list():
            return "; ".join(map(words_of, thing))
        case Batch():
            return f"Batch {thing.account}: {words_of(list(thing.checks))}"
        case Check():
            legs = ", ".join(
                f"{leg.side * leg.lots:+d} {leg.instrument} @ {_price(leg.price_nano)}"
                for leg in thing.legs
            )
            combo = " combo" if thing.is_combo else ""
            return (
                f"Check {thing.account} {thing.request_id} order {thing.order_id}{combo} [{legs}]"
            )
        case Request():
            own = [f"{each.name}={getattr(thing, each.name)}" for each in fields(thing)]
            return f"{type(thing).__name__} {' '.join(own)}"
        case CheckAnswer():
            again = " (as before)" if thing.is_replayed else ""
            return f"{words_of(thing.decision)}{again}, event {thing.seq}"
        case DecisionNumbers():
            return (
                f"{RejectReason(thing.reason).name} {thing.before} -> {thing.after} {thing.detail}"
            )
        case FillAnswer():
            again = " (as before)" if thing.is_replayed else ""
            left = f"position {thing.lots}, open {thing.open_lots}"
            return f"{left} {thing.flag}{again}, event {thing.seq}"
        case ReleaseAnswer():
            return f"released {thing.released_count} {thing.flag}, event {thing.seq}"
    return str(thing)


def _price(price_nano: int | None) -> str:
    return "market" if price_nano is None else f"{price_nano / 1e9:g}"
