"""Accounts under `var` in decimals and fractions, written from the page alone.

Methods with worlds of a history only: drawn worlds and `parametric` are not here.
[VAR-01 to VAR-13, VAR-15]
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import chain, pairwise
from typing import Any

from tests.reference.account import Account
from tests.reference.contracts import Instrument, Kind, Market, Rate
from tests.reference.margin import Group
from tests.reference.moved_book import Move, MovedBook, Terms, worst_fills
from tests.reference.rounding import up
from tests.reference.var import value_at_risk

WARM_UP_DAYS = 30
PLACES = 40
Changes = list[Decimal]


class VarBook(MovedBook):
    """Values accounts in one market. tables: parameters as a file has them."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        market: Market,
        tables: Mapping[str, Any],
        fees: Mapping[Kind, Rate],
    ) -> None:
        self.settings = tables["settings"]
        self._sets: list[range] = []
        terms = {
            name: Terms(
                moves=self._moves(own),
                basis_rate=Fraction(own["basis_rate"]),
                haircut=Fraction(own["collateral_haircut"]),
            )
            for name, own in tables.items()
            if name != "settings"
        }
        super().__init__(instruments, market, terms, fees)

    def _moves(self, own: Mapping[str, Any]) -> list[Move]:
        """Base, stressed and floor worlds of an underlying in one list. [VAR-02 to VAR-06]"""
        price, vol = self._factor(own, ""), self._factor(own, "vol_")
        ends = [sum(len(part) for part in price[:n]) for n in range(4)]
        self._sets = [range(first, last) for first, last in pairwise(ends)]
        days = Fraction(self.settings["look_ahead_days"])
        with localcontext() as context:
            context.prec = PLACES
            return [
                Move(price=Fraction(x.exp() - 1), vol_factor=float(y.exp()), days=days)
                for x, y in zip(chain(*price), chain(*vol), strict=True)
            ]

    def _factor(self, own: Mapping[str, Any], kind: str) -> list[Changes]:
        """Log changes over the horizon of one factor: base, stressed, floor."""
        history, stressed = own[f"{kind}returns"], own[f"stressed_{kind}returns"]
        lookback, floor_days = self.settings["lookback_days"], self.settings["floor_days"]
        base = history[-lookback:]
        if self.settings["method"] == "filtered":
            base = self._filtered(history[-lookback - WARM_UP_DAYS :])
        return [
            self._over_horizon(base),
            self._over_horizon(stressed) if self.settings["stressed_weight"] else [],
            self._over_horizon(history[-floor_days:]) if floor_days else [],
        ]

    def _filtered(self, changes: Sequence[Decimal]) -> Changes:
        """Each change at the vol of tomorrow. [VAR-04]"""
        with localcontext() as context:
            context.prec = PLACES
            decay = self.settings["decay"]
            squares = [x * x for x in changes[:WARM_UP_DAYS]]
            variances = [sum(squares, Decimal(0)) / WARM_UP_DAYS]
            for x in changes[WARM_UP_DAYS:]:
                variances.append(decay * variances[-1] + (1 - decay) * x * x)
            vols = [each.sqrt() for each in variances]
            low, high = self.settings["ratio_floor"], self.settings["ratio_cap"]
            return [
                x * (min(max(vols[-1] / vol, low), high) if vol else 1)
                for x, vol in zip(changes[WARM_UP_DAYS:], vols, strict=False)
            ]

    def _over_horizon(self, changes: Sequence[Decimal]) -> Changes:
        """Sums of neighbouring days, or every day times the root of them. [VAR-02]"""
        days = self.settings["horizon_days"]
        with localcontext() as context:
            context.prec = PLACES
            if self.settings["horizon_rule"] == "square_root":
                return [x * Decimal(days).sqrt() for x in changes]
            first_days = range(len(changes) - days + 1)
            return [sum(changes[n : n + days], Decimal(0)) for n in first_days]

    def estimate(self, pnl: list[int]) -> Fraction:
        """Loss at the confidence. [VAR-08, VAR-09]"""
        tail = 1 - Fraction(self.settings["confidence"])
        losses = sorted((-each for each in pnl), reverse=True)
        if self.settings["estimator"] == "es":
            worlds = tail * len(losses)
            whole = int(worlds)
            return (sum(losses[:whole]) + (worlds - whole) * losses[whole]) / worlds
        if self.settings["quantile_rule"] == "ranked":
            return Fraction(value_at_risk(pnl, tail))
        place = tail * (len(losses) - 1)
        first, part = int(place), place - int(place)
        return losses[first] + part * (losses[first + 1] - losses[first])

    def required_of(self, rows: list[int], null: int) -> int:
        """Requirement of rows and their null row. [VAR-10]"""
        return up(max(self._blend_and_floor(rows, null)))

    def _blend_and_floor(self, rows: list[int], null: int) -> tuple[Fraction, Fraction]:
        base, stressed, floor = (
            max(self.estimate([rows[n] for n in part]), Fraction(-null)) if part else Fraction(0)
            for part in self._sets
        )
        weight = Fraction(self.settings["stressed_weight"])
        left = 1 - Fraction(self.settings["buffer_drawn"])
        blend = (1 - weight) * base + weight * stressed
        return blend * (1 + Fraction(self.settings["buffer"]) * left), floor

    def parts(self, groups: Mapping[str, Group]) -> tuple[int, int]:
        """(required of all groups together, basis charge), orders at worst. [VAR-11, VAR-13]"""
        worst = [worst_fills(group) for group in groups.values()]
        together = [sum(each) for each in zip(*(rows for rows, _ in worst), strict=True)]
        joint = self.required_of(together, sum(null for _, null in worst))
        alone = sum(self.required_of(rows, null) for rows, null in worst)
        granted = Fraction(self.settings["offset_cap"]) * (alone - joint)
        basis = sum(group.basis_worst() for group in groups.values())
        return max(joint, up(alone - granted)), basis

    def binding(self, groups: Mapping[str, Group]) -> int:
        """Number from 1 of the first world with the ranked loss, 0 where it is none. [VAR-08]"""
        worst = [worst_fills(group) for group in groups.values()]
        together = [sum(each) for each in zip(*(rows for rows, _ in worst), strict=True)]
        blend, floor = self._blend_and_floor(together, sum(null for _, null in worst))
        part = self._sets[2 if floor > blend else 0]
        pnl = [together[n] for n in part]
        loss = value_at_risk(pnl, 1 - Fraction(self.settings["confidence"]))
        return part[pnl.index(-loss)] + 1 if loss > 0 else 0

    def initial(self, groups: Mapping[str, Group]) -> int:
        """Initial margin."""
        return sum(self.parts(groups))

    def maintenance(self, account: Account) -> int:
        """Maintenance margin, of positions alone. [VAR-15]"""
        fraction = Fraction(self.settings["maintenance_fraction"])
        return up(fraction * self.initial(self.groups_of(account)))

    def worst_by_trying(self, account: Account) -> int:
        """The smallest headroom that any fills leave."""
        tried = (losses - self.initial(groups) for losses, groups in self.after_fills(account))
        return self.equity(account) + min(tried)
