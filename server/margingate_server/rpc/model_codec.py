"""Models and regimes on the wire."""

from margingate.v1 import market_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.core.risk import Exactness
from margingate_engine.portfolio.margin_model import EquityBasis, Regime
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.rpc.decision_codec import exactness

REGIMES = {
    Regime.PORTFOLIO: types.MARGIN_REGIME_PORTFOLIO,
    Regime.STRATEGY: types.MARGIN_REGIME_STRATEGY,
    Regime.ISOLATED: types.MARGIN_REGIME_ISOLATED,
    Regime.CROSS: types.MARGIN_REGIME_CROSS,
}
BASES = {
    EquityBasis.WITH_OPTION_VALUE: types.EQUITY_BASIS_WITH_OPTION_VALUE,
    EquityBasis.WITHOUT_OPTION_VALUE: types.EQUITY_BASIS_WITHOUT_OPTION_VALUE,
}


def model_message(arrays: RiskArrays, *, is_opening: bool) -> pb.MarginModel:
    """The model that made the arrays; its scenarios while any of its groups has a price."""
    model = arrays.model
    groups = [each for each in arrays.groups if each is not None and not each.is_collateral_only]
    return pb.MarginModel(
        model=model.name,
        parameters_digest=model.parameters_digest,
        parameters=[
            pb.ModelParameter(underlying=underlying, name=name, value=value)
            for underlying, name, value in model.parameter_items()
        ],
        scenario_descriptions=groups[0].descriptions if groups else (),
        regime=REGIMES[model.regime],
        equity_basis=BASES[model.equity_basis],
        worst_fill=exactness(is_exact=model.worst_fill is Exactness.EXACT),
        opening=is_opening,
    )
