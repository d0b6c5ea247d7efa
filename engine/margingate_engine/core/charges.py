"""The named parts that requirements are made of."""

from enum import Enum


class Charge(Enum):
    """One part of a requirement; NONE where nothing is required."""

    NONE = "none"
    SCAN_RISK = "scan_risk"
    BASIS_CHARGE = "basis_charge"
    SHORT_OPTION_MINIMUM = "short_option_minimum"
    SHORT_OPTION_MARGIN = "short_option_margin"
    FUTURE_MARGIN = "future_margin"
    CONTRACT_MINIMUM = "contract_minimum"
    VALUE_AT_RISK = "value_at_risk"
    EXPECTED_SHORTFALL = "expected_shortfall"
    STRATEGY_MARGIN = "strategy_margin"
    ENTRY_LOSSES = "entry_losses"
    CALENDAR_CHARGE = "calendar_charge"
    DELIVERY_CHARGE = "delivery_charge"
    INTER_COMMODITY_CREDIT = "inter_commodity_credit"
    ACCOUNT_RATIO = "account_ratio"
    COLLATERAL_CAP = "collateral_cap"
    PRICE_SURCHARGE = "price_surcharge"
