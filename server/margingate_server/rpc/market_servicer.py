"""MarketService: for feeds, and for whoever asks what a decision rests on."""

import grpc

from margingate.v1 import market_service_pb2 as pb
from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.quality.doubt import Doubt
from margingate_server.clock import Clock
from margingate_server.rpc.collateral_codec import terms_messages
from margingate_server.rpc.decimals import nano_text
from margingate_server.rpc.fields import (
    count_between,
    instrument_name,
    page_size,
    timestamp,
    underlying_name,
)
from margingate_server.rpc.lane import Lane, with_seq
from margingate_server.rpc.market_codec import (
    PRICE_DOUBTS,
    instrument_state,
    not_taken,
    parse_instrument,
    parse_quotes,
    parse_settlement,
)
from margingate_server.rpc.model_codec import model_message
from margingate_server.rpc.publisher import Publisher
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits, age_ns, age_seconds
from margingate_server.service.market import MarketView

SPAN = "span"
INSTRUMENTS_MAX = 2_000
SETTLEMENTS_MAX = 100


class MarketServicer:
    """Parses, calls one use case, prints."""

    def __init__(
        self,
        lane: Lane,
        publisher: Publisher,
        clock: Clock,
        age_limits: AgeLimits,
    ) -> None:
        self._lane = lane
        self._publisher = publisher
        self._clock = clock
        self._age_limits = age_limits

    def PublishInstruments(  # noqa: N802 - gRPC names
        self, request: pb.PublishInstrumentsRequest, _context: grpc.ServicerContext
    ) -> pb.PublishInstrumentsResponse:
        """List instruments."""
        count_between(len(request.instruments), 1, INSTRUMENTS_MAX, "instruments")
        listed = [
            parse_instrument(each, f"instruments[{number}]")
            for number, each in enumerate(request.instruments)
        ]
        changed_count, listed_count = self._publisher.list_instruments(listed)
        return pb.PublishInstrumentsResponse(changed_count=changed_count, listed_count=listed_count)

    def PublishQuotes(  # noqa: N802
        self, request: pb.PublishQuotesRequest, _context: grpc.ServicerContext
    ) -> pb.PublishQuotesResponse:
        """Publish prices."""
        received_seconds = self._clock.seconds()
        view = self._publisher.publish(parse_quotes(request), received_seconds)
        return pb.PublishQuotesResponse(
            market_version=view.snapshot.version, not_taken=not_taken(view.quality.findings)
        )

    def PublishSettlementPrices(  # noqa: N802
        self, request: pb.PublishSettlementPricesRequest, _context: grpc.ServicerContext
    ) -> pb.PublishSettlementPricesResponse:
        """Settle what has expired."""
        count_between(len(request.prices), 1, SETTLEMENTS_MAX, "prices")
        prices = [
            parse_settlement(each, f"prices[{number}]")
            for number, each in enumerate(request.prices)
        ]
        answer = self._lane.decide(
            lambda desk, now_ns: with_seq(desk.settling.settle(prices, now_ns))
        )
        return pb.PublishSettlementPricesResponse(
            instrument_count=answer.instrument_count,
            position_count=answer.position_count,
            account_count=answer.account_count,
        )

    def GetMarket(  # noqa: N802
        self, request: pb.GetMarketRequest, _context: grpc.ServicerContext
    ) -> pb.GetMarketResponse:
        """Underlyings, and instruments by pages."""
        if request.underlying:
            underlying_name(request.underlying, "underlying")
        size = page_size(request.page_size)
        view = self._view()
        now_ns = self._clock.now_ns()
        later = sorted(
            (each.name, row)
            for row, each in enumerate(view.table.instruments)
            if each.name > request.page_token and request.underlying in ("", each.underlying)
        )
        return pb.GetMarketResponse(
            market_version=view.snapshot.version,
            market_time=timestamp(view.snapshot.market_time_ns),
            underlyings=[
                self._underlying(view, number, now_ns)
                for number, name in sorted(enumerate(view.table.underlyings), key=lambda u: u[1])
                if request.underlying in ("", name)
            ],
            instruments=[instrument_state(view, row, now_ns) for _, row in later[:size]],
            next_page_token=later[size - 1][0] if len(later) > size else "",
        )

    def GetRiskArray(  # noqa: N802
        self, request: pb.GetRiskArrayRequest, _context: grpc.ServicerContext
    ) -> pb.GetRiskArrayResponse:
        """One instrument in every scenario."""
        name = instrument_name(request.instrument, "instrument")

        def use(desk: Desk, _now_ns: int) -> tuple[MarketView, int]:
            return desk.shard.market.view, desk.shard.row(name)

        view, row = self._lane.look(use)
        arrays = _arrays_under(view, request.model)
        group = arrays.groups[arrays.group_i[row]]
        if group is None or not arrays.priced_i[row]:
            raise MissingData(name)
        # What a feature is, is each model's own; a delta times its rate it is for span alone.
        rate_ppm = group.coin_feature_ppm if arrays.model.name == SPAN else 0
        features = arrays.features_i[row]
        return pb.GetRiskArrayResponse(
            descriptions=group.descriptions,
            pnl_per_lot=(arrays.pnl_ir[row, :-1] / MICRO).tolist(),
            lot_size=nano_text(view.table.instruments[row].lot_nano),
            forward_delta_per_lot=features[0][1] / rate_ppm if rate_ppm else 0.0,
            short_option_minimum_per_lot=arrays.minimum_i[row] / MICRO,
            market_version=view.snapshot.version,
            parameters_digest=arrays.model.parameters_digest,
            model=arrays.model.name,
        )

    def ListModels(  # noqa: N802
        self, _request: pb.ListModelsRequest, _context: grpc.ServicerContext
    ) -> pb.ListModelsResponse:
        """The margin models in force with their parameters."""
        view = self._view()
        names = (view.arrays.model.name, *sorted(view.others.models))
        return pb.ListModelsResponse(
            models=[
                model_message(view.glimpse(name), is_opening=not n) for n, name in enumerate(names)
            ],
            collateral=terms_messages(view.arrays.model.collateral),
        )

    def _view(self) -> MarketView:
        return self._lane.look(lambda desk, _now_ns: desk.shard.market.view)

    def _underlying(self, view: MarketView, number: int, now_ns: int) -> pb.UnderlyingState:
        observed_ns = int(view.snapshot.observed_ns_u[number])
        return pb.UnderlyingState(
            underlying=view.table.underlyings[number],
            index_price=int(view.snapshot.index_nano_u[number]) / NANO,
            age_seconds=age_seconds(observed_ns, now_ns),
            stale=age_ns(observed_ns, now_ns) > self._age_limits.underlying_ns_max,
            doubt=PRICE_DOUBTS[Doubt(view.snapshot.doubt_u[number])],
        )


def _arrays_under(view: MarketView, model: str) -> RiskArrays:
    name = model or view.arrays.model.name
    names = {view.arrays.model.name, *view.others.models}
    if name not in names:
        raise InvalidInput("model", f"must be one of {', '.join(sorted(names))}")
    return view.glimpse(name)
