"""XML SPAN files: what is read, what is refused, and how much of it is in memory at a time."""

import os
import sys
import tracemalloc
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.models.span_cc.requirement import initial_and_maintenance, requirements
from margingate_engine.models.span_cc.totals import CommodityTotals, Right
from margingate_server.files.span_file import SpanFile
from margingate_server.files.spn import read_spn
from tests.unit.files import spn_text as spn

MICRO = 10**6
CALL = [f"{-third * 50 + 5}.00" for third in spn.POINTS]
OPTION = spn.option("C", "24000.00", "260.05", CALL, "0.5000")
FUTURES = spn.family("futPf", "NIFTY", 1, spn.future("20260630", 1), spn.future("20260728", 2))
OPTIONS = spn.family("oopPf", "NIFTY", 2, spn.series("20260630", OPTION), style="EQTY")
SPREAD = spn.spread(
    1, "425.000000", spn.leg("NIFTY", "20260630", "A"), spn.leg("NIFTY", "20260728", "B")
)
NIFTY = spn.commodity(
    "NIFTY",
    spn.link(1),
    spn.link(2, "OOP"),
    spn.tag("somTiers", spn.tier(0, rate="12.5")),
    spn.adjustment(1, 0, "1.05000"),
    spn.adjustment(2, 1, "1.10000"),
    SPREAD,
)
RATES = spn.rate_definition(1, is_maintenance=True) + spn.rate_definition(2, is_maintenance=False)
WHOLE = spn.document(RATES, NIFTY, "<interSpreads></interSpreads>", spn.exchange(FUTURES, OPTIONS))


def read(tmp_path: Path, text: str) -> SpanFile:
    path = tmp_path / "made.spn"
    path.write_text(text, encoding="latin-1")
    return read_spn(path, net_is_floored=True)


def test_contracts_are_read_as_they_are_published(tmp_path: Path) -> None:
    """[SCC-18, SCC-19]"""
    found = read(tmp_path, WHOLE)
    assert (found.business_date, found.is_settlement, found.refused) == (20260625, True, {})
    key = "XYZ/NIFTY/OOP/C/20260630/20260630/24000.00"
    assert set(found.contracts.keys) == {
        "XYZ/NIFTY/FUT//20260630//",
        "XYZ/NIFTY/FUT//20260728//",
        key,
    }
    code, risk = found.position_risk(key)
    assert code == "NIFTY"
    assert list(risk.loss_s[:4]) == [5 * MICRO, 5 * MICRO, -45 * MICRO, -45 * MICRO]
    assert (risk.delta_nano, risk.period, risk.right) == (500_000_000, 20260630, Right.CALL)
    assert risk.option_value == 260_050_000
    with pytest.raises(MissingData, match="24001"):
        found.contracts.risk("XYZ/NIFTY/OOP/C/20260630/20260630/24001")


def test_what_is_read_can_be_margined(tmp_path: Path) -> None:
    """[SCC-15, SCC-19] A calendar of futures: 425 a pair; a short call adds its minimum."""
    found = read(tmp_path, WHOLE)
    june, july, call = (found.contracts.risk(key) for key in found.contracts.keys)
    calendar = CommodityTotals.of([(june, 2), (july, -2)])
    assert requirements(found.parameters, {"NIFTY": calendar})["NIFTY"].risk == 850 * MICRO
    (nifty,) = found.parameters.commodities
    assert initial_and_maintenance(nifty, 1_000, "H-customer") == (1_155, 1_050)
    short = requirements(found.parameters, {"NIFTY": CommodityTotals.of([(call, -3)])})["NIFTY"]
    assert (short.scan, short.minimum) == (3 * 145 * MICRO, 37_500_000)


def test_commodities_may_stand_behind_their_contracts(tmp_path: Path) -> None:
    """[SCC-19]"""
    turned = spn.document(spn.exchange(FUTURES, OPTIONS), NIFTY, RATES)
    assert read(tmp_path, turned).parameters == read(tmp_path, WHOLE).parameters


def test_options_on_futures_have_their_deltas_in_the_future_s_period(tmp_path: Path) -> None:
    """[SCC-19]"""
    under = spn.tag("undC", spn.tag("pfId", 1), spn.tag("cId", 2))
    options = spn.family(
        "oofPf", "NIFTY", 2, spn.series("20260630", OPTION, more=under), style="EQTY"
    )
    found = read(tmp_path, spn.document(NIFTY, spn.exchange(options, FUTURES)))
    risk = found.contracts.risk("XYZ/NIFTY/OOF/C/20260728/20260630/24000.00")
    assert (risk.period, risk.minimum_period) == (20260728, 20260630)


def test_scaling_factors_multiply_deltas_and_the_exponent_amounts(tmp_path: Path) -> None:
    """[SCC-19] A mini of a fifth, in hundreds."""
    cc = spn.commodity("NIFTY", spn.link(1, scaling="0.20000"), SPREAD, riskExponent="2")
    found = read(tmp_path, spn.document(cc, spn.exchange(FUTURES)))
    risk = found.contracts.risk("XYZ/NIFTY/FUT//20260630//")
    assert (risk.delta_nano, risk.loss_s[12]) == (200_000_000, 30_000 * MICRO)
    (nifty,) = found.parameters.commodities
    assert (nifty.price_scan_range, nifty.spreads[0].rate) == (150_000, 42_500)


def test_spreads_between_commodities_are_read(tmp_path: Path) -> None:
    """[SCC-19]"""
    spreads = spn.tag(
        "interSpreads",
        spn.spread(1, "0.80", spn.leg("A", "0", "A"), spn.leg("B", "0", "B"), method="W"),
        spn.tag(
            "hSpread",
            spn.tag("spread", 2),
            spn.tag("rate", spn.tag("r", 1), spn.tag("val", "0.70")),
            *(
                spn.tag("sLeg", spn.tag("cc", code), spn.tag("isTarget", target), spn.tag("i", 2))
                for code, target in (("A", 0), ("B", 1))
            ),
        ),
    )  # fmt: skip
    found = read(tmp_path, spn.document(spn.commodity("A"), spn.commodity("B"), spreads))
    first, second = found.parameters.inter_spreads
    assert [str(leg.credit_rate) for leg in first.legs] == ["0.80", "0.80"]
    assert (second.target, second.target_ratio, second.legs_min) == ("B", 2, 2)


@pytest.mark.parametrize(
    ("words", "parts", "reason"),
    [
        ({"procMeth": "OTHER"}, "", "procMeth OTHER"),
        ({"wfprMeth": "NEW"}, "", "wfprMeth NEW"),
        ({"somMeth": "NET"}, "", "somMeth NET"),
        ({"spotMeth": "NEW"}, "", "spotMeth NEW"),
        ({}, spn.tag("scanTiers", spn.tier(1, "202606"), spn.tier(2, "202607")), "tiers"),
        ({}, spn.spread(1, 1, spn.leg("A", "1", "A"), method="X"), "chargeMeth X"),
        ({}, spn.spread(1, 1, spn.leg("A", "1", "A"), method="P"), "between tiers"),
        ({}, spn.spread(1, 1, spn.leg("A", "1", "A"), method="W"), "no bound"),
    ],
)  # fmt: skip
def test_what_the_algorithm_has_not_is_refused_by_name(
    tmp_path: Path, words: dict[str, str], parts: str, reason: str
) -> None:
    """[SCC-18, SCC-19]"""
    text = spn.document(spn.commodity("A", spn.link(1), parts, **words), spn.exchange(FUTURES))
    found = read(tmp_path, text)
    assert reason in found.refused["A"]
    with pytest.raises(InvalidInput, match=reason):
        found.position_risk("XYZ/NIFTY/FUT//20260630//")


def test_families_and_spreads_that_are_not_known_are_named(tmp_path: Path) -> None:
    """[SCC-18] And no other spread of theirs forms."""
    spreads = spn.tag(
        "interSpreads",
        spn.spread(1, "0.8", spn.leg("A", "0", "A"), spn.leg("B", "0", "B"), method="F"),
        spn.spread(2, "0.8", spn.leg("B", "0", "A"), spn.leg("C", "0", "B"), method="W"),
        spn.spread(3, "0.8", spn.leg("D", "0", "A"), spn.leg("E", "0", "B"), method="W"),
    )
    families = spn.exchange(FUTURES, spn.family("cmbPf", "MIX", 9))
    commodities = [spn.commodity(code) for code in "ABCDE"]
    found = read(tmp_path, spn.document(*commodities, spreads, families))
    assert sorted(found.refused) == ["cmbPf[MIX]", "futPf[NIFTY]", "spread 1", "spread 2"]
    assert [each.priority for each in found.parameters.inter_spreads] == [3]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("4.00", "5.00", "spanFile/fileFormat"),
        ("<date>20260625", "<date>2026-06-25", "pointInTime/date"),
        ("<a>-45.00</a>", "<a>many</a>", "series[20260630]/opt[C 24000.00]/ra/a"),
        ("<a>-45.00</a>", "<a>nan</a>", "series[20260630]/opt[C 24000.00]/ra/a"),
        ("<a>-45.00</a>", "<a>1_0</a>", "series[20260630]/opt[C 24000.00]/ra/a"),
        ("<a>-45.00</a>", "<a>9999999999</a>", "series[20260630]/opt[C 24000.00]/ra/a"),
        ("<a>-45.00</a>", "", "series[20260630]/opt[C 24000.00]/ra"),
        ("<d>0.5000</d>", "", "series[20260630]/opt[C 24000.00]/ra/d"),
        ("<d>0.5000</d>", "<d>5e7</d>", "series[20260630]/opt[C 24000.00]/ra/d"),
        ("<o>C</o>", "<o>X</o>", "series[20260630]/opt[X 24000.00]/o"),
        ("<k>24000.00</k>", "<k>high</k>", "series[20260630]/opt[C high]/k"),
        ("<p>260.05</p>", "", "series[20260630]/opt[C 24000.00]/p"),
        ("<pe>20260728</pe><p>", "<pe></pe><p>", "futPf[NIFTY]/fut[?]/pe"),
        ("<pe>20260728</pe><p>", "<pe>2026Q3</pe><p>", "futPf[NIFTY]/fut[2026Q3]/pe"),
        ("<pe>20260728</pe><p>", "<pe>20260630</pe><p>", "futPf[NIFTY]/20260630"),
        ("<cvf>1.00</cvf>", "", "futPf[NIFTY]/cvf"),
        ("<val>425.000000</val>", "", "ccDef[NIFTY]/dSpread[1]/rate/val"),
        ("<val>425.000000</val>", "<val>-1</val>", "ccDef[NIFTY]/dSpread[1]/rate"),
        ("<rs>B</rs>", "<rs>C</rs>", "ccDef[NIFTY]/dSpread[1]/pLeg/rs"),
        ("<rs>B</rs>", "<rs>A</rs>", "ccDef[NIFTY]/dSpread[1]/legs"),
        ("<i>1.000000</i>", "<i>0</i>", "ccDef[NIFTY]/dSpread[1]/ratio"),
        ("<cc>NIFTY</cc><pe>", "<cc>OTHER</cc><pe>", "ccDef[NIFTY]/dSpread[1]/pLeg/cc"),
        ("<currency>INR</currency>", "", "ccDef[NIFTY]/currency"),
        ("<capAnov>0</capAnov>", "<capAnov>x</capAnov>", "ccDef[NIFTY]/capAnov"),
        ("<a>-45.00</a>", "<a>-4 5.00</a>", "series[20260630]/opt[C 24000.00]/ra/a"),
        ("<riskExponent>0<", "<riskExponent>99<", "ccDef[NIFTY]/riskExponent"),
        ("<baseR>0</baseR>", "<baseR>2</baseR>", "ccDef[NIFTY]/adjRate[1]"),
        ("<isM>1</isM>", "<isM>yes</isM>", "pbRateDef/isM"),
        ("<exch>XYZ</exch><futPf>", "<futPf>", "exchange/exch"),
        ("spanFile>", "other>", "spanFile"),
        ("</pointInTime>", "", "file"),
    ],
)
def test_what_is_malformed_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    """[SCC-18]"""
    assert old in WHOLE
    with pytest.raises(InvalidInput) as wrong:
        read(tmp_path, WHOLE.replace(old, new))
    assert wrong.value.field == field


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no XML",
        WHOLE[:1500],
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><spanFile>&b;</spanFile>',
        '<!DOCTYPE spanFile SYSTEM "file:///etc/passwd"><spanFile/>',
        '<?xml version="1.0" encoding="utf-99"?><spanFile/>',
        "<spanFile>&unknown;</spanFile>",
    ],
)  # fmt: skip
def test_what_is_no_plain_xml_is_refused(tmp_path: Path, text: str) -> None:
    """[SCC-19] Document types above all: entities expand without end."""
    with pytest.raises(InvalidInput) as wrong:
        read(tmp_path, text)
    assert wrong.value.field == "file"


def test_a_document_type_in_another_encoding_is_found(tmp_path: Path) -> None:
    """[SCC-19]"""
    path = tmp_path / "made.spn"
    path.write_bytes('<!DOCTYPE a [<!ENTITY b "c">]><spanFile>&b;</spanFile>'.encode("utf-16"))
    with pytest.raises(InvalidInput, match="document type"):
        read_spn(path, net_is_floored=True)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_spn(tmp_path / "none.spn", net_is_floored=True)


def test_a_contract_takes_little_memory(tmp_path: Path) -> None:
    """[SCC-19] Its element alone would take 3 kB, and is dropped."""
    path = tmp_path / "large.spn"
    path.write_text("".join(spn.many_options(20, 5, 10)), encoding="latin-1")
    tracemalloc.start()
    found = read_spn(path, net_is_floored=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.contracts) == 20 * 5 * (20 + 1)
    assert peak / len(found.contracts) < 1_200


@pytest.mark.skipif(not os.environ.get("SPN_FULL_SIZE"), reason="SPN_FULL_SIZE: a minute or two")
def test_a_file_of_full_size(tmp_path: Path) -> None:
    """[SCC-19] 158,400 options; tells time and memory."""
    import resource  # noqa: PLC0415
    import time  # noqa: PLC0415

    path = tmp_path / "full.spn"
    with path.open("w", encoding="latin-1") as file:
        file.writelines(spn.many_options(220, 18, 20))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = read_spn(path, net_is_floored=True)
    peak, taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time() - start
    sys.stdout.write(
        f"{path.stat().st_size / 1e6:.1f} MB, {len(found.contracts)} contracts, {taken:.1f} s of "
        f"processor, memory {before / 1024:.0f} to {peak / 1024:.0f} MB\n"
    )
    assert len(found.contracts) == 220 * 18 * 41
