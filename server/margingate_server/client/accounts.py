"""Calls of back office and risk: accounts, their collateral and positions, and their margin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import grpc

from margingate.v1 import account_service_pb2 as wire
from margingate.v1.account_service_pb2_grpc import AccountServiceStub
from margingate.v1.types_pb2 import Balance, Position
from margingate_server.client.amounts import Amount, amount_text, optional_text
from margingate_server.client.caller import Caller
from margingate_server.client.ids import new_id
from margingate_server.client.paging import PAGE_SIZE, merged_pages

OUTLOOK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class StatedPosition:
    """A position of a statement: signed quantity; entry price, None for the books' or the mark."""

    instrument: str
    quantity: Amount
    entry_price: Amount | None = None


class AccountRanking(StrEnum):
    """What accounts are ranked by."""

    RATIO = "ratio"
    HEADROOM = "headroom"


_RANKINGS = {
    AccountRanking.RATIO: wire.ACCOUNT_RANKING_MARGIN_RATIO,
    AccountRanking.HEADROOM: wire.ACCOUNT_RANKING_HEADROOM,
}


class Accounts:
    """The account service; see MarginGate for what its methods return and raise."""

    def __init__(self, channel: grpc.Channel, caller: Caller) -> None:
        self._service = AccountServiceStub(channel)
        self._call = caller

    def create(
        self, account: str, *, fee_tier: str = "", request_id: str = ""
    ) -> wire.CreateAccountResponse:
        """The account opened."""
        request = wire.CreateAccountRequest(
            request_id=request_id or new_id(), account=account, fee_tier=fee_tier
        )
        return self._call(self._service.CreateAccount, request)

    def get(self, account: str) -> wire.GetAccountResponse:
        """The account with balances, positions and margin."""
        return self._call(self._service.GetAccount, wire.GetAccountRequest(account=account))

    def list(self) -> wire.ListAccountsResponse:
        """All accounts, by id; the pages are fetched one after the other."""
        return merged_pages(
            lambda token: self._call(
                self._service.ListAccounts,
                wire.ListAccountsRequest(page_size=PAGE_SIZE, page_token=token),
            )
        )

    def adjust_collateral(
        self, account: str, currency: str, amount: Amount, *, request_id: str = ""
    ) -> wire.AdjustCollateralResponse:
        """The balance after a deposit (amount > 0) or a withdrawal (amount < 0)."""
        request = wire.AdjustCollateralRequest(
            request_id=request_id or new_id(),
            account=account,
            currency=currency,
            amount=amount_text(amount),
        )
        return self._call(self._service.AdjustCollateral, request)

    def set_positions(
        self, account: str, positions: Sequence[StatedPosition], *, request_id: str = ""
    ) -> wire.SetPositionsResponse:
        """Where the statement differed from the books; what it does not name becomes flat."""
        request = wire.SetPositionsRequest(
            request_id=request_id or new_id(),
            account=account,
            positions=[
                Position(
                    instrument=each.instrument,
                    quantity=amount_text(each.quantity),
                    entry_price=optional_text(each.entry_price),
                )
                for each in positions
            ],
        )
        return self._call(self._service.SetPositions, request)

    def set_regime(
        self,
        account: str,
        model: str,
        *,
        validate_only: bool = False,
        force_reason: str = "",
        request_id: str = "",
    ) -> wire.SetMarginRegimeResponse:
        """Margin before and under the model, which margins the account from here on.

        validate_only: ask only what it would come to. force_reason: a risk officer's, who takes the
        account over whatever it is short of.
        """
        request = wire.SetMarginRegimeRequest(
            request_id=request_id or new_id(),
            account=account,
            model=model,
            validate_only=validate_only,
            force=bool(force_reason),
            reason=force_reason,
        )
        return self._call(self._service.SetMarginRegime, request)

    def move_margin(
        self, account: str, instrument: str, amount: Amount, *, request_id: str = ""
    ) -> wire.MoveMarginResponse:
        """The position's wallet after margin was moved to it (amount > 0) or from it."""
        request = wire.MoveMarginRequest(
            request_id=request_id or new_id(),
            account=account,
            instrument=instrument,
            amount=amount_text(amount),
        )
        return self._call(self._service.MoveMargin, request)

    def rank(
        self, by: AccountRanking = AccountRanking.RATIO, *, count: int = 0
    ) -> wire.RankAccountsResponse:
        """At most `count` accounts (0: 100) nearest to liquidation, by the margin of positions."""
        request = wire.RankAccountsRequest(by=_RANKINGS[by], page_size=count)
        return self._call(self._service.RankAccounts, request)

    def outlook(
        self, account: str, *, timeout_seconds: float = OUTLOOK_SECONDS
    ) -> wire.GetOutlookResponse:
        """Liquidation prices, the next expiry, and what to close while margin is missing.

        timeout_seconds: of each try; it takes seconds under some models.
        """
        request = wire.GetOutlookRequest(account=account)
        return self._call(self._service.GetOutlook, request, timeout_seconds)

    def get_margin(self, account: str) -> wire.GetMarginResponse:
        """Margin of the account and how it comes about."""
        return self._call(self._service.GetMargin, wire.GetMarginRequest(account=account))

    def simulate(
        self,
        positions: Mapping[str, Amount],
        collateral: Mapping[str, Amount],
        *,
        model: str = "",
    ) -> wire.SimulatePortfolioResponse:
        """Margin that a portfolio would have, and how it comes about.

        positions: signed quantities by instrument, bought at their marks. collateral: cash by
        currency before that. model: one that list_models names, "" for that of new accounts.
        """
        request = wire.SimulatePortfolioRequest(
            portfolio=_statement(positions, collateral), model=model
        )
        return self._call(self._service.SimulatePortfolio, request)

    def compare_regimes(self, account: str) -> wire.CompareRegimesResponse:
        """The account's positions under every model, side by side."""
        request = wire.CompareRegimesRequest(account=account)
        return self._call(self._service.CompareRegimes, request)

    def compare_portfolio(
        self, positions: Mapping[str, Amount], collateral: Mapping[str, Amount]
    ) -> wire.CompareRegimesResponse:
        """A portfolio under every model, side by side; arguments as for `simulate`."""
        request = wire.CompareRegimesRequest(portfolio=_statement(positions, collateral))
        return self._call(self._service.CompareRegimes, request)


def _statement(
    positions: Mapping[str, Amount], collateral: Mapping[str, Amount]
) -> wire.StatedPortfolio:
    return wire.StatedPortfolio(
        positions=[
            Position(instrument=name, quantity=amount_text(quantity))
            for name, quantity in positions.items()
        ],
        collateral=[
            Balance(currency=currency, amount=amount_text(amount))
            for currency, amount in collateral.items()
        ],
    )
