from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.backtesting.portfolios import read_portfolios

GOOD = 'underlying = "BTC", notional = 1'
OPTION = f'{GOOD}, right = "put", moneyness = 0.9, tenor_days = 30'


def test_the_built_in_ones_have_futures_options_and_both_underlyings() -> None:
    found = {each.name: each for each in read_portfolios(None)}
    assert found["spread_btc_eth"].underlyings == ("BTC", "ETH")
    assert found["spread_btc_eth"].vol_underlyings == ()
    assert found["short_strangle"].vol_underlyings == ("BTC",)
    assert found["short_straddle_hedged"].is_delta_hedged
    assert [leg.is_call for leg in found["covered_call"].legs] == [None, True]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "portfolios"),
        ("[a]\nlegs = []", "a.legs"),
        ("[a]\n", "a.legs"),
        ("[a]\nlegs = [1]", "a.legs[0]"),
        (f"[a]\ntitle = 1\nlegs = [{{ {GOOD} }}]", "a.title"),
        (f"[a]\nis_delta_hedged = 1\nlegs = [{{ {GOOD} }}]", "a.is_delta_hedged"),
        ('[a]\nlegs = [{ underlying = "BTC" }]', "a.legs[0].notional"),
        ("[a]\nlegs = [{ underlying = 1, notional = 1 }]", "a.legs[0].underlying"),
        ('[a]\nlegs = [{ underlying = "BTC", notional = true }]', "a.legs[0].notional"),
        ('[a]\nlegs = [{ underlying = "BTC", notional = nan }]', "a.legs[0].notional"),
        (f"[a]\nlegs = [{{ {GOOD} }}, {{ {GOOD}, strike = 3 }}]", "a.legs[1].strike"),
        (f'[a]\nlegs = [{{ {GOOD}, right = "put" }}]', "a.legs[0].moneyness"),
        (f"[a]\nlegs = [{{ {OPTION.replace('put', 'both')} }}]", "a.legs[0].right"),
        (f"[a]\nlegs = [{{ {OPTION.replace('0.9', '0')} }}]", "a.legs[0].moneyness"),
        (f"[a]\nlegs = [{{ {OPTION.replace('30', '-1')} }}]", "a.legs[0].tenor_days"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "portfolios.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as wrong:
        read_portfolios(path)
    assert wrong.value.field == field
