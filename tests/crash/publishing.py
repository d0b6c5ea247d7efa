"""The feed of the crash test: publishes quotes until the server is gone, and knows which."""

from threading import Event

import grpc

from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import market_service_pb2 as messages
from tests.crash.market import Market
from tests.crash.methods import call

INTERVAL_SECONDS = 0.06
COLLAR = "0.1"
GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


class Publisher:
    """Quotes of one ledger's market.

    version: of the newest quotes that were acknowledged. problem: why quotes were refused.
    """

    def __init__(self, market: Market) -> None:
        self.version = 0
        self.problem = ""
        self._market = market

    def list_instruments(self, target: str) -> None:
        """Once for each ledger: the contracts, and a collar, without which no market order is."""
        with grpc.insecure_channel(target) as channel:
            request = messages.PublishInstrumentsRequest(instruments=self._market.listing)
            call(channel, "PublishInstruments", request)
            limits = admin.SetLimitsRequest(
                request_id="collar", limits=admin.Limits(price_collar=COLLAR)
            )
            call(channel, "SetLimits", limits)

    def publish(self, channel: grpc.Channel) -> int:
        """The market version of the quotes as they stand."""
        answer = call(channel, "PublishQuotes", self._market.quotes)
        assert isinstance(answer, messages.PublishQuotesResponse)
        self.version = answer.market_version
        return self.version

    def run(self, target: str, ending: Event) -> None:
        """Move and publish the market until `ending` or until nobody answers."""
        with grpc.insecure_channel(target) as channel:
            while not ending.wait(INTERVAL_SECONDS):
                before = self._market.quotes
                self._market.move()
                try:
                    self.publish(channel)
                except grpc.RpcError as error:
                    if error.code() not in GONE:
                        self.problem = f"quotes were refused: {error}"
                    # What was shown at the version before was shown at these prices.
                    self._market.quotes = before
                    return
