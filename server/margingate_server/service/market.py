"""The market as the checks see it: table, snapshot, risk arrays, and how old the prices are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import IntArray
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.core.instruments import Instrument
from margingate_engine.market.snapshot import UNKNOWN_MARK, MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.quality.case import Update
from margingate_engine.quality.parameters import QualityParameters
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.ledger.market_inputs import inputs_digest
from margingate_server.service.clock_steps import aged, stepped
from margingate_server.service.judging import QualityView, taken
from margingate_server.service.quotes import quotes_of, same_prices

MARKET_AHEAD_NS_MAX = 5 * NANO
"""How far a market's clock may be ahead of ours: what it dates later would expire what has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """The market at one time under one model, and on demand under others.

    `snapshot` has the prices of `arrays.snapshot`, received later. observation: how many listings
    and updates led to it, 0 before the first. digest: of what a margin takes from the snapshot.
    others: models besides the one of `arrays`, with the arrays that they made
    of these prices so far.
    """

    snapshot: MarketSnapshot
    arrays: RiskArrays
    observation: int
    digest: str
    others: "OtherModels"
    quality: QualityView = field(default_factory=QualityView)
    has_doubt: bool = field(init=False)
    _views: dict[str, "MarketView"] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Find out whether any price is in doubt, so that orders need not."""
        has_doubt = bool(self.snapshot.doubt_u.any() or self.snapshot.doubt_i.any())
        object.__setattr__(self, "has_doubt", has_doubt)

    @property
    def table(self) -> InstrumentTable:
        """The listed instruments."""
        return self.arrays.table

    def under(self, model: str) -> "MarketView":
        """The same market under another model; "" for this one. MissingData names an unknown one.

        What no account asked of it before is worked out now, and beforehand for the next prices.
        """
        if model in ("", self.arrays.model.name):
            return self
        view = self._views.get(model)
        if view is None:
            arrays = self.others.arrays(model, self.table, self.arrays.snapshot)
            view = self._views[model] = replace(self, arrays=arrays)
        return view

    def glimpse(self, model: str) -> RiskArrays:
        """Arrays of a model as `under`, for who only looks: what is worked out now is not kept."""
        return self.arrays if model == self.arrays.model.name else self.others.glimpse(model, self)


@dataclass(frozen=True, slots=True)
class OtherModels:
    """Models that some accounts are margined by, and their arrays of one market."""

    models: Mapping[str, MarginModel]
    _arrays: dict[str, RiskArrays] = field(default_factory=dict)

    def arrays(self, name: str, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """Arrays of the model; MissingData when there is no such model."""
        arrays = self._arrays.get(name)
        if arrays is None:
            model = self.models.get(name)
            if model is None:
                raise MissingData(f"the model {name}")
            arrays = self._arrays[name] = model.risk_arrays(table, snapshot)
        return arrays

    def glimpse(self, name: str, view: MarketView) -> RiskArrays:
        """Arrays of the model for a market; KeyError when there is no such model."""
        arrays = self._arrays.get(name)
        return arrays or self.models[name].risk_arrays(view.table, view.arrays.snapshot)

    def of(self, table: InstrumentTable, snapshot: MarketSnapshot) -> "OtherModels":
        """The same for other prices, worked out as far as it was for these."""
        made = {
            name: self.models[name].risk_arrays(table, snapshot) for name in tuple(self._arrays)
        }
        return OtherModels(self.models, made)

    def replaced(self, models: Mapping[str, MarginModel], view: MarketView) -> "OtherModels":
        """Other models for the same prices, worked out where those of the same names were."""
        made = {
            name: models[name].risk_arrays(view.table, view.arrays.snapshot)
            for name in tuple(self._arrays)
            if name in models
        }
        return OtherModels(models, made)


class Market:
    """Works out new views; whoever owns the decisions swaps them in.

    `planned_*` may take milliseconds and run beside decisions, one at a time.
    """

    def __init__(
        self,
        model: MarginModel,
        table: InstrumentTable,
        version: int = 0,
        others: Mapping[str, MarginModel] | None = None,
        quality: QualityParameters | None = None,
    ) -> None:
        """A market without prices. version: of the first view, greater than any that was cited.

        others: models besides `model` that accounts may be margined by, by name. quality: limits
        that updates are held against; without any they are taken as they come.
        """
        self.model = model
        self.quality = quality
        self._others = OtherModels(others or {})
        self.view = self._unpriced(table, version)
        self.clock_steps = 0
        self._settled_rows: tuple[int, ...] = ()
        self._last_mark_nano_i: IntArray = np.zeros(0, dtype=np.int64)

    def _unpriced(self, table: InstrumentTable, version: int) -> MarketView:
        snapshot = replace(MarketSnapshot.empty(table), version=version)
        return self._view(table, snapshot, 0, self._others)

    def _view(
        self,
        table: InstrumentTable,
        snapshot: MarketSnapshot,
        observation: int,
        others: OtherModels,
    ) -> MarketView:
        return MarketView(
            snapshot=snapshot,
            arrays=self.model.risk_arrays(table, snapshot),
            observation=observation,
            digest=inputs_digest(snapshot),
            others=others.of(table, snapshot),
        )

    @property
    def models(self) -> dict[str, MarginModel]:
        """Every model by name, the one that accounts open under first."""
        return {self.model.name: self.model, **self._others.models}

    def planned_models(self, model: MarginModel, others: Mapping[str, MarginModel]) -> MarketView:
        """The view of the same prices under other models, for `adopt`."""
        view = self.view
        return replace(
            view,
            arrays=model.risk_arrays(view.table, view.arrays.snapshot),
            others=view.others.replaced(others, view),
        )

    def adopt(self, view: MarketView) -> None:
        """Go on with the models of a view that `planned_models` made."""
        self.model, self._others = view.arrays.model, OtherModels(view.others.models)
        self.view = view

    def model_of(self, name: str) -> MarginModel:
        """The model of that name, the one that accounts are margined by otherwise for others."""
        return self._others.models.get(name, self.model)

    def look_back(self, table: InstrumentTable, snapshot: MarketSnapshot) -> None:
        """Have the view of a market of the past."""
        self.view = self._view(table, snapshot, 1, self._others)

    def follow_clock(self, step_ns: int) -> None:
        """Have every price as old after the clock was set back (step_ns < 0) as it was before.

        A view planned under another count of `clock_steps` must not be swapped in.
        """
        self.clock_steps += 1
        snapshot = stepped(self.view.table, self.view.snapshot, step_ns)
        self.view = replace(self.view, snapshot=snapshot)

    def take_over(self, former: "Market") -> None:
        """Go on from another market of the same model: with its prices if it has the same table.

        Prices are no part of a ledger, so a recovery need not lose them; they are as old as before.
        """
        table, old = self.view.table, former.view
        self.remember(old.snapshot)
        if old.table.instruments == table.instruments:
            self.view = old
        elif old.snapshot.version >= self.view.snapshot.version:
            self.view = self._unpriced(table, old.snapshot.version + 1)

    def remember(self, former: MarketSnapshot) -> None:
        """Keep the last marks for what has expired, which no feed quotes any more. [SPAN-18]

        former: prices of the same ledger from before a restart, newer than what was remembered
        before; rows that the ledger does not have any more are left out.
        """
        mark_nano_i = np.full(len(self.view.table), UNKNOWN_MARK, dtype=np.int64)
        mark_nano_i[: len(self._last_mark_nano_i)] = self._last_mark_nano_i
        known = np.flatnonzero(former.observed_ns_i[: len(mark_nano_i)] >= 0)
        mark_nano_i[known] = former.mark_nano_i[known]
        self._last_mark_nano_i = mark_nano_i

    def end(self, rows: Iterable[int]) -> None:
        """Have no doubt about prices of what is settled, from the next update on."""
        self._settled_rows = (*self._settled_rows, *rows)

    def new_instruments(self, listed: Sequence[Instrument]) -> tuple[Instrument, ...]:
        """Those that are new or differ from what is listed."""
        table = self.view.table
        return tuple(
            each
            for each in listed
            if (row := table.row(each.name)) is None or table.instruments[row] != each
        )

    def changed_contracts(self, listed: Sequence[Instrument]) -> frozenset[str]:
        """Names of those that are listed here as another contract."""
        table = self.view.table
        return frozenset(
            each.name
            for each in self.new_instruments(listed)
            if (row := table.row(each.name)) is not None
            and not table.instruments[row].same_contract(each)
        )

    def planned_listing(self, changed: Sequence[Instrument]) -> MarketView:
        """The view with these instruments listed. InvalidInput when a contract would change."""
        table = self.view.table.with_instruments(changed)
        version = self.view.snapshot.version + 1
        snapshot = replace(self.view.snapshot.extended_to(table), version=version)
        view = self._view(table, snapshot, self.view.observation + 1, self.view.others)
        return replace(view, quality=QualityView(self.view.quality.memory))

    def planned_update(
        self, update: MarketUpdate, now_ns: int, received_ns: int | None = None
    ) -> MarketView:
        """The view with new prices; InvalidInput names what is wrong, and nothing is taken then.

        Prices that the limits of `quality` refuse stay as they were. Prices that do not differ
        keep the version and the risk arrays: they only get younger. received_ns: when
        they were received; None for now.
        """
        if update.market_time_ns > now_ns + MARKET_AHEAD_NS_MAX:
            raise InvalidInput("market_time", "is more than 5 s ahead of the server's clock")
        view = self.view
        table = view.table
        before = aged(table, view.snapshot, now_ns).certain(self._settled_rows)
        quotes, time_ns = quotes_of(table, update), update.market_time_ns
        observed_ns = now_ns if received_ns is None else received_ns
        arrived = Update(quotes=quotes, market_time_ns=time_ns, observed_ns=observed_ns)
        snapshot, quality = taken(table, before, arrived, self.quality, view.quality)
        snapshot = snapshot.with_last_marks(table, self._last_mark_nano_i)
        observation = view.observation + 1
        if same_prices(view.snapshot, snapshot):
            snapshot = replace(snapshot, version=view.snapshot.version)
        else:
            view = self._view(table, snapshot, observation, view.others)
        return replace(view, snapshot=snapshot, observation=observation, quality=quality)
