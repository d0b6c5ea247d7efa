"""Margins of all accounts of a shard, worked out beside its decisions.

`take` copies what changed under the lock, in short turns; everything else touches nothing that
decisions read. Accounts whose model or holdings columns do not know are worked out one at a time.
One that fails as nobody foresaw has no known figures, and is taken once more with the next ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX
from margingate_engine.core.arrays import BoolArray, IntArray
from margingate_engine.core.errors import MissingData, ModelFailure
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.strain import largest_strain_ppm
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_engine.revaluation.account_holdings import AccountHoldings, holdings_of
from margingate_engine.revaluation.growing import Growing
from margingate_engine.revaluation.holdings import Holdings
from margingate_engine.revaluation.many_margins import many_margins
from margingate_engine.revaluation.revalue import UsablePrices, revalued
from margingate_engine.revaluation.sizes import leave_room
from margingate_server.ledger.state import AccountState
from margingate_server.service.account_failures import AccountFailures
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import MarketView
from margingate_server.service.shard import Shard
from margingate_server.service.usable_prices import usable_prices


@dataclass(frozen=True, slots=True)
class Taken:
    """What an account has, copied; held: None when it failed.

    portfolio: for who is worked out alone, None for columns.
    """

    account: str
    model: str
    held: AccountHoldings | None
    portfolio: Portfolio | None


class Change(Enum):
    """What figures that were worked out may not know yet."""

    NOTHING = "nothing"
    HOLDINGS = "holdings"
    PRICES = "prices"


class Revaluing:
    """Figures of a shard. Whoever makes a new shard of the log makes this anew."""

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._age_limits = age_limits
        self._accounts: tuple[str, ...] = ()
        self._number: dict[str, int] = {}
        self._columns: dict[str, ModelColumns] = {}
        self._alone: dict[str, Taken] = {}
        self._rests_on: tuple[RiskArrays, UsablePrices] | None = None
        self._is_behind = False
        self._failed: dict[str, None] = {}
        self._again: dict[str, None] = {}
        self.failures = AccountFailures()
        self.latest: AccountFigures | None = None
        """The figures that were worked out last."""

    def take(self, count: int) -> list[Taken]:
        """Holdings of so many accounts at most that changed, or failed, since they were last taken.

        To be called between two decisions.
        """
        shard = self._shard
        names = dict.fromkeys(shard.take_touched(count))
        while self._again and len(names) < count:
            names[self._again.popitem()[0]] = None
        return [self._taken(shard.state.accounts[name]) for name in names]

    def _taken(self, account: AccountState) -> Taken:
        try:
            return self._copied(account)
        except Exception as error:  # noqa: BLE001 - the others of its turn are taken
            self._fail(account.account, error)
            return Taken(account.account, account.model, None, None)

    def _fail(self, account: str, error: Exception) -> None:
        self.failures.add(account, error)
        self._failed[account] = None

    def _copied(self, account: AccountState) -> Taken:
        shard = self._shard
        model = shard.market.model_of(account.model)
        held = holdings_of(account.account, account.version, account.portfolio, shard.state.table)
        in_columns = (
            held.is_plain
            and many_margins(model) is not None
            and leave_room(shard.market.view.under(model.name).arrays, held.lots)
        )
        portfolio = None if in_columns else account.portfolio.copied()
        return Taken(account.account, model.name, held, portfolio)

    def put(self, taken: Sequence[Taken]) -> None:
        """Have holdings in the next figures. Not for two threads at once, as all from here on."""
        if not taken:
            return
        self._is_behind = True
        names = list(self._accounts)
        for each in taken:
            if each.account not in self._number:
                self._number[each.account] = len(names)
                names.append(each.account)
            try:
                self._put(each)
            except Exception as error:  # noqa: BLE001 - the others of its turn are put in
                self._fail(each.account, error)
                self._drop_but(each.account, "")
        if len(names) > len(self._accounts):
            self._accounts = tuple(names)

    def _put(self, taken: Taken) -> None:
        name, is_in_columns = taken.account, taken.held is not None and taken.portfolio is None
        self._drop_but(name, taken.model if is_in_columns else "")
        if taken.portfolio is not None:
            self._alone[name] = taken
        elif taken.held is not None:
            columns = self._columns.setdefault(taken.model, ModelColumns())
            columns.put(self._number[name], taken.held, self._shard.market.view.table)

    def _drop_but(self, account: str, model: str) -> None:
        """Have nothing of an account any more but in the columns of a model, "" for none."""
        self._alone.pop(account, None)
        for each, columns in self._columns.items():
            if each != model:
                columns.drop(account)

    def figures(self, view: MarketView, now_ns: int) -> AccountFigures:
        """Margins of all accounts that were put in, at a market; stale ones are not known."""
        usable = usable_prices(view, now_ns, self._age_limits)
        made = _Figures(len(self._accounts))
        used = {*self._columns, *(taken.model for taken in self._alone.values())}
        arrays_by_model = {model: _arrays_of(view, model) for model in used}
        for model, columns in self._columns.items():
            arrays = arrays_by_model[model]
            if arrays is not None:
                made.add_columns(columns, arrays, usable)
        for name, taken in self._alone.items():
            arrays = arrays_by_model[taken.model]
            if arrays is None:
                continue
            try:
                made.add_alone(self._number[name], taken, arrays, usable)
            except Exception as error:  # noqa: BLE001 - everybody else has figures
                self.failures.add(name, error)
        self._rests_on, self._is_behind = (view.arrays, usable), bool(self._failed)
        self._again, self._failed = self._failed, {}
        self.latest = made.figures(view.arrays, self._accounts)
        return self.latest

    def changed(self, view: MarketView, now_ns: int) -> Change:
        """What changed that figures rest on since the latest were worked out."""
        rests_on = self._rests_on
        if rests_on is None or rests_on[0] is not view.arrays:
            return Change.PRICES
        if not rests_on[1].is_same(usable_prices(view, now_ns, self._age_limits)):
            return Change.PRICES
        return Change.HOLDINGS if self._is_behind else Change.NOTHING


class ModelColumns:
    """Holdings of the accounts of one model, and which of all accounts they are."""

    def __init__(self) -> None:
        self.holdings = Holdings()
        self._place_a = Growing()

    def put(self, place: int, held: AccountHoldings, table: InstrumentTable) -> None:
        """Take an account's holdings; place: among all accounts."""
        self.holdings.put(held, table)
        number = self.holdings.number(held.account)
        assert number is not None, "an account was put in and has no number"
        self._place_a[number] = place

    def drop(self, account: str) -> None:
        """Have nothing of an account any more."""
        self.holdings.drop(account)

    def is_here_a(self) -> BoolArray:
        """False of each that was dropped, or that columns cannot hold."""
        is_here_a = np.ones(len(self.holdings), dtype=np.bool_)
        for account in self.holdings.left_out:
            is_here_a[self.holdings.number(account)] = False
        return is_here_a

    def place_a(self) -> IntArray:
        """The place of each among all accounts."""
        return self._place_a.first(len(self.holdings))


class _Figures:
    """Figures of all accounts, put together from those of each model."""

    def __init__(self, count: int) -> None:
        self._amount_fa = np.zeros((6, count), dtype=np.int64)
        self._is_known_a = np.zeros(count, dtype=np.bool_)

    def add_columns(self, columns: ModelColumns, arrays: RiskArrays, usable: UsablePrices) -> None:
        """Accounts of one model at once."""
        found = revalued(columns.holdings, arrays, usable)
        assert found is not None, "a model that cannot do it was put into columns"
        place_a = columns.place_a()
        is_here_a = columns.is_here_a()
        self._amount_fa[0, place_a[is_here_a]] = found.version_a[is_here_a]
        known = np.flatnonzero(found.is_known_a)
        place_k = place_a[known]
        self._is_known_a[place_k] = True
        amounts = (found.equity_a, found.initial_a, found.maintenance_a, found.headroom_a)
        for amount_a, each_a in zip(self._amount_fa[1:5], amounts, strict=True):
            amount_a[place_k] = each_a[known]

    def add_alone(self, place: int, taken: Taken, arrays: RiskArrays, usable: UsablePrices) -> None:
        """An account by itself."""
        held, portfolio = taken.held, taken.portfolio
        assert held is not None, "an account that failed was left alone"
        assert portfolio is not None, "an account of columns was left alone"
        self._amount_fa[0, place] = held.version
        if not _rests_on(usable, arrays.table, portfolio):
            return
        try:
            account = AccountRisk.of(portfolio, arrays)
            alone, worst = account.positions_risk, account.risk
        except (MissingData, ModelFailure):
            return
        amounts = (alone.equity, alone.initial, alone.maintenance, worst.headroom)
        if max(map(abs, amounts)) < AMOUNT_UNITS_MAX:
            self._amount_fa[1:, place] = (*amounts, largest_strain_ppm(account))
            self._is_known_a[place] = True

    def figures(self, arrays: RiskArrays, accounts: tuple[str, ...]) -> AccountFigures:
        """What was put together."""
        version_a, equity_a, initial_a, maintenance_a, headroom_a, strain_ppm_a = self._amount_fa
        return AccountFigures(
            arrays=arrays,
            accounts=accounts,
            version_a=version_a,
            equity_a=equity_a,
            initial_a=initial_a,
            maintenance_a=maintenance_a,
            headroom_a=headroom_a,
            strain_ppm_a=strain_ppm_a,
            is_known_a=self._is_known_a,
        )


def _arrays_of(view: MarketView, model: str) -> RiskArrays | None:
    try:
        return view.glimpse(model)
    except KeyError:
        return None


def _rests_on(usable: UsablePrices, table: InstrumentTable, portfolio: Portfolio) -> bool:
    """Whether every price that a portfolio needs is usable."""
    rows = [*portfolio.positions, *_rows_on_order(portfolio)]
    coins = (table.underlyings.index(a) for a in portfolio.cash if a in table.underlyings)
    underlyings = {*table.underlying_i[rows].tolist(), *coins} if rows else {*coins}
    return bool(usable.is_usable_i[rows].all() and usable.is_usable_u[list(underlyings)].all())


def _rows_on_order(portfolio: Portfolio) -> Iterator[int]:
    for legs_by_order in (portfolio.legs, portfolio.amendments):
        for legs in legs_by_order.values():
            yield from (leg.row for leg in legs)
