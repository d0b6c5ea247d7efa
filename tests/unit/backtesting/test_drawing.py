"""Pictures: well-formed, self-contained, every exception marked."""

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import numpy as np

from margingate_server.backtesting.drawing import HEIGHT, WIDTH, drawing, page
from margingate_server.backtesting.portfolios import Leg, SamplePortfolio
from margingate_server.backtesting.running import settings_of
from margingate_server.backtesting.walk import Track
from tests.unit.backtesting.series import FIRST

SVG = "{http://www.w3.org/2000/svg}"
TRACK = Track(
    portfolio=SamplePortfolio(name="a <b>", legs=(Leg(underlying="BTC", notional=1.0),)),
    settings=settings_of({}),
    dates=tuple(FIRST + timedelta(days=day) for day in range(400)),
    margin_t=np.full(400, 10.0),
    shortfall_t=np.full(400, 12.0),
    pnl_t=np.where(np.isin(np.arange(400), [7, 380]), -15.0, 3.0),
)


def test_every_track_has_a_panel_with_its_exceptions() -> None:
    """[VAR-21]"""
    flat = replace(TRACK, pnl_t=np.zeros(400), margin_t=np.zeros(400))
    tree = ET.fromstring(drawing([TRACK, flat]))  # noqa: S314 - our own text
    panels = tree.findall(f"{SVG}g")
    assert [len(each.findall(f"{SVG}circle")) for each in panels] == [2, 0]
    assert (tree.get("width"), tree.get("height")) == (str(WIDTH), str(2 * HEIGHT))
    texts = [each.text for each in panels[0].iter(f"{SVG}text")]
    assert texts[0] == "a <b> · filtered var 99.00 % · 2 exceptions in 400"
    assert "2021" in texts
    x, y = (float(panels[0].find(f"{SVG}circle").get(name)) for name in ("cx", "cy"))  # type: ignore[union-attr, arg-type]
    assert 0 < x < WIDTH
    assert HEIGHT / 2 < y < HEIGHT


def test_a_page_needs_nothing_else_and_shows_words_as_words() -> None:
    text = page([TRACK], "margin & loss", "a < b")
    assert "margin &amp; loss" in text
    assert "a &lt; b" in text
    assert "src=" not in text
    assert text.count("http") == 1  # the name of SVG itself
