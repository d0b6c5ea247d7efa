"""From what is asked for to what is studied."""

from dataclasses import dataclass
from pathlib import Path

from margingate_engine.core.errors import InvalidInput
from margingate_engine.monitoring.states import Bounds
from margingate_server.config import ServerConfig
from margingate_server.crash_study.running import Plan
from margingate_server.feeds.replay.instants import instant_ns
from margingate_server.feeds.replay.manifest import read_replay
from margingate_server.feeds.replay.series import Series
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.margin_states import publishing_of
from margingate_server.service.terms import Terms
from margingate_server.terms_files import read_terms

MODELS = ("span", "span_cc", "tims", "var", "cross")
"""Models that are quick enough for all accounts at every snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a study is asked for. gap: two instants FROM/UNTIL as text, empty for none.

    models: names, the opening one among them.
    """

    replay: Path
    account_count: int
    orders_per_snapshot: int
    seed: int
    gap: str
    coins: tuple[str, ...]
    models: tuple[str, ...] = MODELS


def planned(asked: Asked, config: ServerConfig) -> tuple[Plan, Terms, Bounds]:
    """(plan, terms, where margin states begin) with the settings of a server.

    InvalidInput names what is wrong.
    """
    terms = read_terms(config)
    for name in asked.models:
        if name not in terms.models:
            raise InvalidInput("models", f"must be of {', '.join(terms.models)}")
    if terms.model.name not in asked.models:
        raise InvalidInput("models", f"must have {terms.model.name} among them")
    series = read_replay(asked.replay).series
    plan = Plan(
        series=series,
        coins=asked.coins,
        account_count=asked.account_count,
        orders_per_snapshot=asked.orders_per_snapshot,
        seed=asked.seed,
        models=asked.models,
        withheld_ns=_withheld(series, asked.gap),
        age_limits=AgeLimits(
            underlying_ns_max=int(config.underlying_age_seconds_max * 1e9),
            instrument_ns_max=int(config.instrument_age_seconds_max * 1e9),
        ),
    )
    return plan, terms, publishing_of(terms.policy.monitoring).entering


def _withheld(series: Series, gap: str) -> frozenset[int]:
    """Times of the snapshots in a span, but of the first one, which accounts are opened on."""
    if not gap:
        return frozenset()
    first, has_both, last = gap.partition("/")
    if not has_both:
        raise InvalidInput("gap", "must be FROM/UNTIL")
    from_ns, until_ns = instant_ns(first, "gap"), instant_ns(last, "gap")
    return frozenset(each for each in series.time_ns_t[1:] if from_ns <= each < until_ns)
