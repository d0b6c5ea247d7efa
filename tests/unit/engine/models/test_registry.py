import pytest

from margingate_engine.core.errors import InvalidInput, ModelFailure
from margingate_engine.models import registry
from margingate_engine.models.cross import CrossModel
from tests.property.model_worlds import CROSS


def test_a_name_that_is_no_model_is_refused() -> None:
    with pytest.raises(InvalidInput) as wrong:
        registry.model("crass", {})
    assert wrong.value.field == "model"


@pytest.mark.parametrize(
    "lacking",
    ["regime", "equity_basis", "worst_fill", "has_wallets", "group_margin", "maintenance"],
)
def test_a_model_that_leaves_out_what_has_no_default_does_not_load(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Incomplete(CrossModel):
        def __getattribute__(self, name: str) -> object:
            if name == lacking:
                raise AttributeError(name)
            return super().__getattribute__(name)

    monkeypatch.setitem(registry.MODELS, "cross", Incomplete.from_mapping)
    with pytest.raises(ModelFailure, match=lacking):
        registry.model("cross", {"BTC": CROSS})
