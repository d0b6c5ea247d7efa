"""Terms from the files that a server was started with."""

from margingate_server.config import OPENING_MODEL, ServerConfig
from margingate_server.files.collateral import read_collateral
from margingate_server.files.fees import parse_fees
from margingate_server.files.models import read_models
from margingate_server.files.monitoring import parse_monitoring
from margingate_server.files.policy import parse_liquidation_orders, parse_policy
from margingate_server.files.quality import parse_quality
from margingate_server.files.toml_tables import read_document, read_tables
from margingate_server.ledger.numbers import PolicyNumbers
from margingate_server.service.terms import Terms


def read_terms(config: ServerConfig) -> Terms:
    """Models, fees, policy, bounds of states, collateral and limits of prices, as files have them.

    InvalidInput names what is wrong.
    """
    paths = {OPENING_MODEL: config.parameters_path, **config.model_parameters}
    models = read_models(paths, read_collateral(config.collateral_path))
    policy = read_document(config.policy_path, "policy.toml")
    return Terms(
        model=models.pop(OPENING_MODEL),
        tiers=parse_fees(read_tables(config.fees_path, "fees.toml")),
        policy=PolicyNumbers(
            allowance_ppm=int(config.allowance_ppm),
            qualifications=parse_policy(policy),
            liquidation_orders=parse_liquidation_orders(policy),
            monitoring=parse_monitoring(read_tables(config.monitoring_path, "monitoring.toml")),
        ),
        others=models,
        quality=parse_quality(read_tables(config.quality_path, "quality.toml")),
    )
