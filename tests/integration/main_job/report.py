"""What a router saw, and what all of them saw together."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

MISMATCHES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """A decided request with its answer, both serialised."""

    request: bytes
    decision: bytes


@dataclass(slots=True)
class Report:
    """Counts by reason (empty: accepted) and whatever disagreed."""

    fresh: Counter[str] = field(default_factory=Counter)
    replayed: int = 0
    previews: int = 0
    fills: int = 0
    releases: int = 0
    sizes: int = 0
    exact_decisions: int = 0
    bound_decisions: int = 0
    risk_reducing: int = 0
    unequal_in_tolerance: int = 0
    verdicts_in_tolerance: int = 0
    mismatch_count: int = 0
    mismatches: list[str] = field(default_factory=list)
    last_decisions: list[Remembered] = field(default_factory=list)

    def miss(self, text: str) -> None:
        """Counts a disagreement and keeps the first few in words."""
        self.mismatch_count += 1
        if len(self.mismatches) < MISMATCHES_KEPT:
            self.mismatches.append(text)

    def add(self, other: "Report") -> None:
        """Adds what another router saw."""
        self.fresh.update(other.fresh)
        for name in (
            "replayed",
            "previews",
            "fills",
            "releases",
            "sizes",
            "exact_decisions",
            "bound_decisions",
            "risk_reducing",
            "unequal_in_tolerance",
            "verdicts_in_tolerance",
            "mismatch_count",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.mismatches += other.mismatches
        self.last_decisions += other.last_decisions

    @property
    def accepted_share(self) -> float:
        """Accepted orders of all fresh decisions."""
        return self.fresh[""] / max(self.fresh.total(), 1)

    def summary(self) -> str:
        """The counts in words."""
        reasons = ", ".join(f"{r or 'ACCEPTED'} {n}" for r, n in self.fresh.most_common())
        return (
            f"{self.fresh.total()} decisions ({self.accepted_share:.1%} accepted): {reasons}; "
            f"{self.replayed} replayed, {self.previews} previews, {self.sizes} sizes, "
            f"{self.fills} fills, {self.releases} releases; {self.exact_decisions} EXACT, "
            f"{self.bound_decisions} BOUND, {self.risk_reducing} risk reducing; "
            f"margins unequal within tolerance {self.unequal_in_tolerance}, "
            f"verdicts within tolerance {self.verdicts_in_tolerance}, "
            f"mismatches {self.mismatch_count}"
        )


def together(reports: Iterable[Report]) -> Report:
    """All reports as one."""
    total = Report()
    for report in reports:
        total.add(report)
    return total
