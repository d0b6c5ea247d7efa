"""Judges an update against the snapshot before it becomes part of it."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import BoolArray, CodeArray, read_only
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.quality import confidence
from margingate_engine.quality.case import Case, Update
from margingate_engine.quality.doubt import SHAPE_DOUBTS, Doubt
from margingate_engine.quality.memory import QualityMemory
from margingate_engine.quality.parameters import QualityParameters
from margingate_engine.quality.prices import model_mark_i
from margingate_engine.quality.rules import refused, refused_indices
from margingate_engine.quality.smile import Interpolated, interpolated


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How many prices of one underlying were not taken as they arrived, and why."""

    underlying: str
    doubt: Doubt
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """The snapshot with what could be taken, the memory from here on, and what was not taken."""

    snapshot: MarketSnapshot
    memory: QualityMemory
    findings: tuple[Finding, ...]


def judge(
    before: MarketSnapshot, update: Update, parameters: QualityParameters, memory: QualityMemory
) -> Judged:
    """`before` with the prices of `update` that pass; the others stay as they were, with their age.

    What has expired by the time of the update stays as it was, too, and as uncertain. memory: of
    the table that `before` is of. InvalidInput as `with_quotes`, and nothing changes then.
    """
    case = Case.of(before, update.of_living(memory.layout.table), parameters, memory)
    refused_u, index = refused_indices(case)
    kept_u = refused_u != Doubt.NONE
    refused_i, level, vol = refused(case, kept_u)
    snapshot = _without(case, kept_u, refused_i != Doubt.NONE)
    is_trusted_i = memory.is_trusted_i(update.observed_ns, case.limits.whole_i["trusted_ns"])
    filled = _filled(case, snapshot, refused_i, is_trusted_i)
    if len(filled.rows):
        snapshot = _with_filled(case, snapshot, filled)
    code_i = np.where(case.arrived_i, refused_i, memory.code_i)
    code_i[filled.rows] = Doubt.INTERPOLATED
    confidence_ppm_i = memory.confidence_ppm_i.copy()
    confidence_ppm_i[filled.rows] = confidence.interpolated_ppm(
        case.limits, filled.rows, filled.width_r
    )
    code_u = np.where(case.arrived_u, refused_u, memory.code_u)
    after = QualityMemory(
        layout=memory.layout,
        index=index,
        level=level,
        vol=vol,
        code_u=read_only(code_u.astype(np.int8)),
        code_i=read_only(code_i.astype(np.int8)),
        confidence_ppm_i=read_only(confidence_ppm_i),
        good_ns_i=read_only(
            np.where(case.arrived_i & (code_i == Doubt.NONE), update.observed_ns, memory.good_ns_i)
        ),
    )
    return Judged(
        snapshot=_doubted(case, snapshot, after, update.observed_ns, is_trusted_i),
        memory=after,
        findings=_findings(case, refused_u, np.where(case.arrived_i, code_i, 0)),
    )


def _without(case: Case, kept_u: BoolArray, kept_i: BoolArray) -> MarketSnapshot:
    """The snapshot of the update, where `kept` is False; what was in force elsewhere."""
    before, arrived = case.before, case.arrived
    return replace(
        arrived,
        index_nano_u=read_only(np.where(kept_u, before.index_nano_u, arrived.index_nano_u)),
        observed_ns_u=read_only(np.where(kept_u, before.observed_ns_u, arrived.observed_ns_u)),
        mark_nano_i=read_only(np.where(kept_i, before.mark_nano_i, arrived.mark_nano_i)),
        vol_nano_i=read_only(np.where(kept_i, before.vol_nano_i, arrived.vol_nano_i)),
        forward_nano_i=read_only(np.where(kept_i, before.forward_nano_i, arrived.forward_nano_i)),
        observed_ns_i=read_only(np.where(kept_i, before.observed_ns_i, arrived.observed_ns_i)),
    )


def _filled(
    case: Case, snapshot: MarketSnapshot, refused_i: CodeArray, is_trusted_i: BoolArray
) -> Interpolated:
    """Vols for options that came without one, or with a wrong one while none is in force.

    Where a good price is trusted it stays: its own vol of a moment ago is better than neighbours'.
    """
    table, memory = case.table, case.memory
    has_former_i = (case.before.observed_ns_i >= 0) & (case.before.vol_nano_i > 0)
    has_former_i &= memory.code_i != Doubt.INTERPOLATED
    is_wrong_i = Doubt.among(refused_i, SHAPE_DOUBTS) & ~has_former_i
    wanted_i = ((refused_i == Doubt.VOL_MISSING) & ~is_trusted_i) | is_wrong_i
    code_i = np.where(case.arrived_i, refused_i, memory.code_i)
    known_i = (
        table.is_option_i
        & (code_i == Doubt.NONE)
        & (snapshot.observed_ns_i >= 0)
        & (snapshot.vol_nano_i > 0)
        & (snapshot.forward_nano_i > 0)
    )
    return interpolated(
        memory.layout,
        wanted_i,
        known_i,
        snapshot.vol_nano_i / NANO,
        snapshot.forward_nano_i / NANO,
        snapshot.observed_ns_i,
    )


def _with_filled(case: Case, snapshot: MarketSnapshot, filled: Interpolated) -> MarketSnapshot:
    """The snapshot with interpolated vols, and the marks that follow from them."""
    rows = filled.rows
    vol_nano_i, forward_nano_i = snapshot.vol_nano_i.copy(), snapshot.forward_nano_i.copy()
    mark_nano_i, observed_ns_i = snapshot.mark_nano_i.copy(), snapshot.observed_ns_i.copy()
    vol_nano_i[rows] = np.rint(filled.vol_r * NANO)
    forward_nano_i[rows] = np.rint(filled.forward_r * NANO)
    observed_ns_i[rows] = filled.observed_ns_r
    usable_i = np.zeros(len(mark_nano_i), dtype=np.bool_)
    usable_i[rows] = True
    prices = replace(case.new, forward_i=forward_nano_i / NANO)
    mark_i = model_mark_i(case.table, prices, vol_nano_i / NANO, usable_i)
    mark_nano_i[rows] = np.rint(mark_i[rows] * NANO)
    return replace(
        snapshot,
        mark_nano_i=read_only(mark_nano_i),
        vol_nano_i=read_only(vol_nano_i),
        forward_nano_i=read_only(forward_nano_i),
        observed_ns_i=read_only(observed_ns_i),
    )


def _doubted(
    case: Case,
    snapshot: MarketSnapshot,
    memory: QualityMemory,
    observed_ns: int,
    is_trusted_i: BoolArray,
) -> MarketSnapshot:
    """The snapshot with what is put up for prices that are not certain, and what is in doubt.

    What had expired before keeps both as they were: nothing that could clear them comes any more.
    """
    limits, before = case.limits, case.before
    was_expired_i = before.has_expired_i(case.table)
    age_ns_i = np.maximum(0, observed_ns - snapshot.observed_ns_i)
    # Whole seconds, rounded up: what only ages makes no new market more often than that.
    age_ns_i = -(-age_ns_i // NANO) * NANO
    is_in_force_i = (snapshot.observed_ns_i >= 0) & ~was_expired_i
    code_i = np.where(is_in_force_i, memory.code_i, 0).astype(np.int8)
    kept_ppm_i = np.where(was_expired_i, before.surcharge_ppm_i, 0)
    kept_doubt_i = np.where(was_expired_i, before.doubt_i, np.int8(0))
    if not code_i.any():
        return replace(
            snapshot,
            surcharge_ppm_i=read_only(kept_ppm_i),
            doubt_u=memory.code_u,
            doubt_i=read_only(kept_doubt_i),
        )
    confidence_ppm_i = confidence.confidence_ppm(limits, code_i, age_ns_i, memory.confidence_ppm_i)
    surcharge_ppm_i = kept_ppm_i + confidence.surcharge_ppm(
        limits, code_i, confidence_ppm_i, is_trusted_i
    )
    doubt_i = confidence.doubt(limits, code_i, confidence_ppm_i) + kept_doubt_i
    return replace(
        snapshot,
        surcharge_ppm_i=read_only(surcharge_ppm_i),
        doubt_u=memory.code_u,
        doubt_i=read_only(doubt_i),
    )


def _findings(case: Case, code_u: CodeArray, code_i: CodeArray) -> tuple[Finding, ...]:
    """Counts of what was not taken as it arrived, in order of underlying and doubt."""
    rows = np.flatnonzero(code_i)
    numbers = case.table.underlying_i[rows]
    counts = Counter(zip(numbers.tolist(), code_i[rows].tolist(), strict=True))
    counts.update((number, int(code_u[number])) for number in np.flatnonzero(code_u).tolist())
    names = case.table.underlyings
    return tuple(
        Finding(underlying=names[number], doubt=Doubt(code), count=count)
        for (number, code), count in sorted(counts.items())
    )
