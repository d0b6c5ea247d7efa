"""The venue's side of the crash test: quotes, and settlement prices of what has expired."""

from time import sleep

import grpc

from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import market_service_pb2 as messages
from tests.crash.client import Client, Gone
from tests.crash.market import Market
from tests.crash.methods import call

INTERVAL_SECONDS = 0.06
SETTLING_SHARE = 0.15
COLLAR = "0.1"


class Feed:
    """Publishes one ledger's market. version: of the newest quotes that were acknowledged."""

    def __init__(self, market: Market) -> None:
        self.version = 0
        self._market = market

    def open(self, target: str) -> None:
        """Once for each ledger: the contracts, and a collar, without which no market order is."""
        with grpc.insecure_channel(target) as channel:
            request = messages.PublishInstrumentsRequest(instruments=self._market.listing)
            call(channel, "PublishInstruments", request)
            limits = admin.SetLimitsRequest(
                request_id="collar", limits=admin.Limits(price_collar=COLLAR)
            )
            call(channel, "SetLimits", limits)
            self.publish_again(channel)

    def publish_again(self, channel: grpc.Channel) -> None:
        """The quotes as they stand: after a restart the same prices as before."""
        answer = call(channel, "PublishQuotes", self._market.quotes)
        assert isinstance(answer, messages.PublishQuotesResponse)
        self.version = answer.market_version

    def act(self, client: Client) -> None:
        """New quotes, and now and then the settlement of what has expired, a second time too."""
        sleep(INTERVAL_SECONDS)
        before = self._market.quotes
        try:
            answer = client.ask("PublishQuotes", self._market.move())
        except Gone:
            # What was shown at the version before was shown at these prices.
            self._market.quotes = before
            raise
        assert isinstance(answer, messages.PublishQuotesResponse), "quotes were refused"
        self.version = answer.market_version
        expired = list(self._market.expired())
        if expired and client.source.random() < SETTLING_SHARE:
            request = messages.PublishSettlementPricesRequest(prices=expired)
            settled = client.ask("PublishSettlementPrices", request)
            assert settled is not None, "settlement prices were refused"
