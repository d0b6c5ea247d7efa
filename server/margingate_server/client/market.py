"""Calls for whoever wants to see what a decision rests on, and for who settles what expired."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import market_service_pb2 as wire
from margingate.v1 import types_pb2 as types
from margingate.v1.market_service_pb2_grpc import MarketServiceStub
from margingate_server.client.amounts import Amount, amount_text
from margingate_server.client.caller import Caller
from margingate_server.client.paging import PAGE_SIZE, merged_pages


class Settlement(Enum):
    """What a contract pays in: USD, or the coin."""

    LINEAR = "linear"
    INVERSE = "inverse"


@dataclass(frozen=True, slots=True)
class ExpiryPrice:
    """Price of an underlying in USD that contracts of an expiry settle at.

    settlement: only of contracts that pay so; None for all.
    """

    underlying: str
    expiry: Timestamp
    price: Amount
    settlement: Settlement | None = None


_SETTLEMENTS = {
    None: types.SETTLEMENT_UNSPECIFIED,
    Settlement.LINEAR: types.SETTLEMENT_LINEAR,
    Settlement.INVERSE: types.SETTLEMENT_INVERSE,
}


class Market:
    """What the market service tells; see MarginGate for what its methods return and raise."""

    def __init__(self, channel: grpc.Channel, caller: Caller) -> None:
        self._service = MarketServiceStub(channel)
        self._call = caller

    def get(self, underlying: str = "") -> wire.GetMarketResponse:
        """The market, of one underlying or of all.

        The pages are fetched one after the other while prices move: version, time and underlyings
        are the first page's, so instruments may be newer.
        """
        first: list[wire.GetMarketResponse] = []

        def fetch(token: str) -> wire.GetMarketResponse:
            request = wire.GetMarketRequest(
                underlying=underlying, page_size=PAGE_SIZE, page_token=token
            )
            page = self._call(self._service.GetMarket, request)
            if first:
                page.ClearField("market_version")
                page.ClearField("market_time")
                page.ClearField("underlyings")
            first.append(page)
            return page

        return merged_pages(fetch)

    def get_risk_array(self, instrument: str, model: str = "") -> wire.GetRiskArrayResponse:
        """P&L of one long lot in every scenario of a model, of the opening one for ""."""
        request = wire.GetRiskArrayRequest(instrument=instrument, model=model)
        return self._call(self._service.GetRiskArray, request)

    def list_models(self) -> wire.ListModelsResponse:
        """Margin models with their parameters."""
        return self._call(self._service.ListModels, wire.ListModelsRequest())

    def publish_settlement_prices(
        self, prices: Iterable[ExpiryPrice]
    ) -> wire.PublishSettlementPricesResponse:
        """How much became cash at these prices; the same prices again settle nothing more."""
        messages = [
            wire.SettlementPrice(
                underlying=each.underlying,
                expiry_time=each.expiry,
                price=amount_text(each.price),
                settlement=_SETTLEMENTS[each.settlement],
            )
            for each in prices
        ]
        request = wire.PublishSettlementPricesRequest(prices=messages)
        return self._call(self._service.PublishSettlementPrices, request)
