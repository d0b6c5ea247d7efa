"""What assets count, on the wire."""

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import market_service_pb2 as market
from margingate_engine.check.collateral_values import CollateralValue, collateral_values
from margingate_engine.core.amounts import NANO
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.collateral import AssetTerms, CollateralTerms
from margingate_server.rpc.decimals import asset_text, nano_text, ratio_text, usd_text


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


def terms_messages(terms: CollateralTerms) -> list[market.CollateralTerms]:
    """Terms of collateral, by currency."""
    return [_terms(asset, each) for asset, each in sorted(terms.assets.items())]


def _terms(asset: str, terms: AssetTerms) -> market.CollateralTerms:
    message = market.CollateralTerms(
        currency=asset,
        haircut=ratio_text(terms.haircut_ppm),
        debt_haircut=ratio_text(terms.debt_haircut_ppm),
        cap="" if terms.cap is None else usd_text(terms.cap),
    )
    if terms.peg is not None:
        message.peg_threshold = nano_text(terms.peg.threshold_nano)
        message.depeg_haircut = ratio_text(terms.peg.haircut_ppm)
    return message
