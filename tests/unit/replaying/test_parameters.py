"""Parameters that were stored make the model again that was loaded."""

import pytest

from margingate_engine.models.registry import MODELS, model
from margingate_server.files.models import has_built_in, read_models
from margingate_server.ledger.collateral import collateral_numbers
from margingate_server.ledger.events import ParametersLoaded
from margingate_server.ledger.numbers import PolicyNumbers
from margingate_server.replaying.parameters import models_of
from margingate_server.service.model_numbers import model_numbers
from tests.property.collateral_worlds import TERMS
from tests.property.model_worlds import PARAMETERS


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_every_model_comes_back_from_what_an_event_carries(name: str) -> None:
    made = model(name.split(maxsplit=1)[0], PARAMETERS[name], TERMS)
    numbers = model_numbers(made)
    event = ParametersLoaded(
        model=numbers.model,
        digest=numbers.digest,
        parameters=numbers.parameters,
        fees=(),
        policy=PolicyNumbers(),
        others=(numbers,),
        collateral=collateral_numbers(TERMS),
    )
    default, others = models_of(event)
    for again in (default, others[made.name]):
        assert again.parameters_digest == made.parameters_digest
        assert again.parameter_items() == made.parameter_items()
        assert again.collateral == TERMS


def test_every_model_has_built_in_parameters_and_they_are_in_order() -> None:
    assert {name for name in MODELS if has_built_in(name)} == set(MODELS)
    assert set(read_models({})) == set(MODELS)
