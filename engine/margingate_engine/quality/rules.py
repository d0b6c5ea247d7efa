"""Which prices of an update are refused, and why: the first rule that speaks counts."""

import numpy as np

from margingate_engine.core.arrays import BoolArray, CodeArray, FloatArray
from margingate_engine.market.snapshot import no_doubt
from margingate_engine.quality import consistency
from margingate_engine.quality.case import Case
from margingate_engine.quality.doubt import Doubt
from margingate_engine.quality.following import Candidates, JumpLimits, Moves, follow, growth


def refused_indices(case: Case) -> tuple[CodeArray, Candidates]:
    """(Doubt about every index of the update, the candidates from here on), axis U."""
    limits, candidates = case.limits, case.memory.index
    growth_u = growth(
        candidates,
        case.market_time_ns,
        limits.whole_u["jump_ns"],
        limits.ratio_u["jump_growth"],
    )
    moves = Moves(
        former_n=case.old.index_u,
        has_former_n=case.before.observed_ns_u >= 0,
        arrived_n=case.new.index_u,
        is_sound_n=case.arrived_u,
    )
    jump_limits = JumpLimits(
        limit_n=limits.ratio_u["index_jump"] * growth_u * case.old.index_u,
        agree_n=limits.ratio_u["agree"],
        confirmations_n=limits.whole_u["confirmations"],
        confirm_ns_n=limits.whole_u["confirm_ns"],
    )
    jumped_u, candidates = follow(moves, jump_limits, candidates, case.market_time_ns)
    code_u = np.where(_contradicted(case), Doubt.BASIS, Doubt.NONE)
    code_u = np.where(jumped_u, Doubt.INDEX_JUMP, code_u).astype(np.int8)
    taken_u = case.arrived_u & (code_u == Doubt.NONE)
    return code_u, candidates.taken(taken_u, case.market_time_ns)


def _contradicted(case: Case) -> BoolArray:
    """First indices that most forwards and futures of their own update are far from, axis U.

    Nothing else would tell a wrong one: there is no index before it to be a jump from.
    """
    count_u, number_i = len(case.arrived_u), case.table.underlying_i
    asked_i = case.judged_i & (case.new.level_i > 0)
    indices = _in_quotes(case, (case.new.index_u,), _dollars(case, case.new.index_u))
    far_i = asked_i & consistency.far_from_index(case.new, indices, _basis(case))
    far_u = np.bincount(number_i[far_i], minlength=count_u)
    asked_u = np.bincount(number_i[asked_i], minlength=count_u)
    is_first_u = case.arrived_u & (case.before.observed_ns_u < 0)
    return np.asarray(is_first_u & (2 * far_u > asked_u))


def _basis(case: Case) -> FloatArray:
    """How far forwards and futures may be from the index, a fraction, (I,)."""
    ratio_i = case.limits.ratio_i
    return ratio_i["basis"] + ratio_i["basis_annual"] * case.new.tau_years_i


def refused(case: Case, kept_u: BoolArray) -> tuple[CodeArray, Candidates, Candidates]:
    """(Doubt about every instrument of the update, candidates of levels and of vols), axis I.

    kept_u: where the index of the update is not taken.
    """
    code_i = _inconsistent(case, kept_u)
    memory, is_option_i, ratio_i = case.memory, case.table.is_option_i, case.limits.ratio_i
    level_limit_i = ratio_i["price_jump"] * case.old.level_i * _growth(case, memory.level)
    vol_limit_i = ratio_i["vol_jump"] * case.old.vol_i + ratio_i["vol_jump_points"]
    vol_limit_i *= _growth(case, memory.vol)
    sound_i = case.judged_i & (code_i == Doubt.NONE)
    # Each is followed whatever the other does: what jumps together is confirmed together.
    level_jumped_i, level = _followed(
        case, (case.old.level_i, case.new.level_i), sound_i, level_limit_i, memory.level
    )
    vol_jumped_i, vol = _followed(
        case, (case.old.vol_i, case.new.vol_i), sound_i & is_option_i, vol_limit_i, memory.vol
    )
    code_i = np.where(sound_i & vol_jumped_i, Doubt.VOL_JUMP, code_i)
    code_i = np.where(sound_i & level_jumped_i, Doubt.PRICE_JUMP, code_i)
    taken_i, time_ns = case.judged_i & (code_i == Doubt.NONE), case.market_time_ns
    return code_i.astype(np.int8), level.taken(taken_i, time_ns), vol.taken(taken_i, time_ns)


def _inconsistent(case: Case, kept_u: BoolArray) -> CodeArray:
    """Doubt about every instrument of the update whose prices cannot be right together."""
    table, layout, new, ratio_i = case.table, case.memory.layout, case.new, case.limits.ratio_i
    option_i, code_i = table.is_option_i, no_doubt(len(table)).copy()

    def asked_i() -> BoolArray:
        return np.asarray(case.judged_i & (code_i == Doubt.NONE))

    def refuse(wrong_i: BoolArray, doubt: Doubt) -> None:
        code_i[asked_i() & wrong_i] = doubt

    refuse(new.level_i <= 0, Doubt.PRICE_MISSING)
    refuse(option_i & (new.vol_i <= 0), Doubt.VOL_MISSING)
    too_low_i, too_high_i = (
        new.vol_i < ratio_i["vol_min"],
        new.vol_i > ratio_i["vol_max"],
    )
    refuse(option_i & (too_low_i | too_high_i), Doubt.VOL_BOUNDS)
    in_force_u, waiting_u = _indices(case, kept_u)
    dollars = _dollars(case, in_force_u)
    indices = _in_quotes(case, (in_force_u, waiting_u), dollars)
    refuse(consistency.far_from_index(new, indices, _basis(case)), Doubt.BASIS)
    refuse(_far_from_expiry(case, dollars, asked_i()), Doubt.FORWARD_GAP)
    gap_i = ratio_i["mark_gap"]
    refuse(consistency.far_from_model(table, new, asked_i(), gap_i), Doubt.MARK_GAP)
    gaps_i = (ratio_i["vol_gap"], ratio_i["vol_gap_points"])
    refuse(consistency.far_from_neighbours(layout, new, asked_i(), gaps_i), Doubt.VOL_GAP)
    gap_i = ratio_i["parity_gap"]
    refuse(consistency.without_parity(layout, new, asked_i(), gap_i), Doubt.PARITY)
    return code_i


def _indices(case: Case, kept_u: BoolArray) -> tuple[FloatArray, FloatArray]:
    """The index that will be in force, and the one that waits to be confirmed.

    A forward may have gone with either of them: a spike of the index condemns no forward, and in
    a crash the forwards are confirmed together with the index, not after it.
    """
    in_force_u = np.where(kept_u, case.old.index_u, case.new.index_u)
    waiting = case.memory.index
    waits_u = (waiting.seen_n > 0) & ~case.arrived_u
    waiting_u = np.where(kept_u, case.new.index_u, np.where(waits_u, waiting.value_n, 0.0))
    return in_force_u, waiting_u


def _dollars(case: Case, in_force_u: FloatArray) -> tuple[FloatArray, ...]:
    """What one unit of a quote may be worth in USD, (I,) each: a dollar, or a dollar coin.

    Linear contracts settle in one of them, nobody says in which. Off its peg, a forward in the coin
    is as far from the index as the coin is from the dollar.
    """
    is_dollar_u = case.limits.whole_u["is_dollar_coin"] > 0
    coins = in_force_u[is_dollar_u & (in_force_u > 0)].tolist()
    return tuple(np.where(case.table.is_inverse_i, 1.0, worth) for worth in (1.0, *coins))


def _in_quotes(
    case: Case, indices: tuple[FloatArray, ...], dollars: tuple[FloatArray, ...]
) -> tuple[FloatArray, ...]:
    """Each of the indices (U,) in each of the quotes, (I,)."""
    number_i = case.table.underlying_i
    return tuple(index_u[number_i] / worth_i for index_u in indices for worth_i in dollars)


def _far_from_expiry(case: Case, dollars: tuple[FloatArray, ...], asked_i: BoolArray) -> BoolArray:
    """What is far from its expiry: of its own settlement; and, where it moved, of both.

    What drifts away from the other settlement may be quoted in a coin that nobody gives an index
    of; what jumps away from it, whatever its quote is worth, is wrong.
    """
    layout, old_i, new_i = case.memory.layout, case.old.level_i, case.new.level_i
    gap_i = case.limits.ratio_i["forward_gap"]
    far_i = consistency.far_from_median(layout.settlement_group_i, (old_i, new_i), asked_i, gap_i)
    asked_i = asked_i & ~far_i
    moved_i = np.abs(new_i - old_i) > gap_i * _growth(case, case.memory.level) * old_i
    across_i = asked_i & (old_i > 0) & moved_i
    for worth_i in dollars:
        if across_i.any():
            in_usd = (old_i * worth_i, new_i * worth_i)
            across_i = across_i & consistency.far_from_median(
                layout.expiry_group_i, in_usd, asked_i, gap_i
            )
    return np.asarray(far_i | across_i)


def _growth(case: Case, candidates: Candidates) -> FloatArray:
    """By how much limits on moves of instruments are larger, (I,)."""
    limits = case.limits
    return growth(
        candidates, case.market_time_ns, limits.whole_i["jump_ns"], limits.ratio_i["jump_growth"]
    )


def _followed(
    case: Case,
    values: tuple[FloatArray, FloatArray],
    sound_i: BoolArray,
    limit_i: FloatArray,
    candidates: Candidates,
) -> tuple[BoolArray, Candidates]:
    """As `follow`, of values over instruments (in force, arrived)."""
    former_i, arrived_i = values
    moves = Moves(
        former_n=former_i,
        has_former_n=(case.before.observed_ns_i >= 0) & (former_i > 0),
        arrived_n=arrived_i,
        is_sound_n=sound_i,
    )
    limits = JumpLimits(
        limit_n=limit_i,
        agree_n=case.limits.ratio_i["agree"],
        confirmations_n=case.limits.whole_i["confirmations"],
        confirm_ns_n=case.limits.whole_i["confirm_ns"],
    )
    return follow(moves, limits, candidates, case.market_time_ns)
