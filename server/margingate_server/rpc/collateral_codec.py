"""What assets count, on the wire."""

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.check.collateral_values import CollateralValue, collateral_values
from margingate_engine.core.amounts import NANO
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_server.rpc.decimals import asset_text, usd_text


def collateral_messages(account: AccountRisk | None) -> list[pb.CollateralValue]:
    """Every asset of an account, USD first; none while prices are missing."""
    return [] if account is None else [_message(each) for each in collateral_values(account)]


def _message(value: CollateralValue) -> pb.CollateralValue:
    return pb.CollateralValue(
        currency=value.asset,
        balance=asset_text(value.asset, value.units),
        index_price=value.index_nano / NANO,
        value=usd_text(value.value),
        haircut=usd_text(value.haircut),
        beyond_cap=usd_text(value.beyond_cap),
        counted=usd_text(value.counted),
        depegged=value.is_depegged,
    )
