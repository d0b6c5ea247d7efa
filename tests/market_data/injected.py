"""Wrong prices put into recorded chains, one instrument at a time: how many are seen."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from margingate_engine.market.snapshot import Quotes
from margingate_engine.quality.doubt import Doubt
from margingate_server.service.quotes import quotes_of
from tests.market_data.recorded import SIX_HOURLY, Course, snapshots

EVERY = 12
"""Of the recorded snapshots, which are tried; the market stands a second after each."""

INSTRUMENTS_A_SNAPSHOT = 12
AFTER_NS = 10**9


@dataclass(frozen=True)
class Wrong:
    """Words for a mistake, and what it makes of mark, vol and forward."""

    words: str
    change: Callable[[float, float, float], tuple[float, float, float]]


MISTAKES = (
    Wrong("mark x 10", lambda mark, vol, forward: (10 * mark, vol, forward)),
    Wrong("mark + 1 % of the forward", lambda mark, vol, forward: (mark + 0.01, vol, forward)),
    Wrong("mark of nothing", lambda _mark, vol, forward: (0.0, vol, forward)),
    Wrong("vol x 10", lambda mark, vol, forward: (mark, 10 * vol, forward)),
    Wrong("vol x 2", lambda mark, vol, forward: (mark, 2 * vol, forward)),
    Wrong("vol + 20 points", lambda mark, vol, forward: (mark, vol + 0.2, forward)),
    Wrong("no vol", lambda mark, _vol, forward: (mark, 0.0, forward)),
    Wrong("forward x 10", lambda mark, vol, forward: (mark, vol, 10 * forward)),
    Wrong("forward + 2 %", lambda mark, vol, forward: (mark, vol, 1.02 * forward)),
    Wrong("forward + 0.5 %", lambda mark, vol, forward: (mark, vol, 1.005 * forward)),
)


def tried(folder: Path) -> dict[str, tuple[int, int, Counter[Doubt]]]:
    """By the words of a mistake: (how often it was made, how often seen, by which rule)."""
    random = np.random.default_rng(5)
    made: Counter[str] = Counter()
    seen: dict[str, Counter[Doubt]] = {each.words: Counter() for each in MISTAKES}
    course = Course()
    for place, snapshot in enumerate(snapshots(folder, SIX_HOURLY)):
        course.take(snapshot)
        if place % EVERY:
            continue
        later = replace(snapshot.update, market_time_ns=snapshot.update.market_time_ns + AFTER_NS)
        quotes = quotes_of(course.table, later)
        options = np.flatnonzero(course.table.is_option_i[quotes.rows])
        for option in random.choice(options, INSTRUMENTS_A_SNAPSHOT, replace=False).tolist():
            for mistake in MISTAKES:
                judged = course.judged_as(later, with_mistake(quotes, option, mistake))
                made[mistake.words] += 1
                code = Doubt(int(judged.memory.code_i[quotes.rows[option]]))
                if code is not Doubt.NONE:
                    seen[mistake.words][code] += 1
    return {words: (made[words], sum(each.values()), each) for words, each in seen.items()}


def with_mistake(quotes: Quotes, place: int, mistake: Wrong) -> Quotes:
    """The quotes with one instrument's wrong."""
    columns = [quotes.mark_price_i.copy(), quotes.mark_vol_i.copy(), quotes.forward_price_i.copy()]
    changed = mistake.change(*(float(column[place]) for column in columns))
    for column, value in zip(columns, changed, strict=True):
        column[place] = value
    mark_i, vol_i, forward_i = columns
    return replace(quotes, mark_price_i=mark_i, mark_vol_i=vol_i, forward_price_i=forward_i)
