"""Makes small and large SPAN files in XML, of made-up products."""

from collections.abc import Iterable, Iterator

POINTS = (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 3, -3)


def tag(name: str, *parts: object) -> str:
    return f"<{name}>{''.join(map(str, parts))}</{name}>"


def array(losses: Iterable[object], delta: object) -> str:
    return tag("ra", tag("r", 1), *(tag("a", loss) for loss in losses), tag("d", delta))


def scan_rate(price: object) -> str:
    return tag("scanRate", tag("r", 1), tag("priceScan", price), tag("volScan", "0.05"))


def future(period: str, identity: int = 1, scan_range: int = 300, more: str = "") -> str:
    losses = [f"{-third * scan_range / 3:.2f}" for third in POINTS]
    return tag(
        "fut",
        tag("cId", identity),
        tag("pe", period),
        tag("p", "24051.80"),
        tag("sc", "1.00000"),
        scan_rate(f"{scan_range}.00"),
        more,
        array(losses, "1.00000"),
    )


def option(
    right: str, strike: object, price: object, losses: Iterable[object], delta: object
) -> str:
    return tag(
        "opt",
        tag("cId", 1),
        tag("o", right),
        tag("k", strike),
        tag("p", price),
        array(losses, delta),
    )


def series(period: str, *options: str, more: str = "") -> str:
    return tag("series", tag("pe", period), tag("v", "0.2"), tag("sc", "1.00000"), more, *options)


def family(kind: str, code: str, identity: int, *parts: str, style: str = "FUT") -> str:
    return tag(
        kind,
        tag("pfId", identity),
        tag("pfCode", code),
        tag("cvf", "1.00"),
        tag("valueMeth", style),
        tag("undPf", tag("pfId", 1), tag("pfCode", code)),
        *parts,
    )


def link(identity: int, kind: str = "FUT", scaling: str = "1.00000") -> str:
    return tag(
        "pfLink",
        tag("exch", "XYZ"),
        tag("pfId", identity),
        tag("pfCode", "N"),
        tag("pfType", kind),
        tag("sc", scaling),
    )


def tier(number: int, first: str = "", last: str = "", rate: str = "") -> str:
    return tag(
        "tier",
        tag("tn", number),
        tag("sPe", first) if first else "",
        tag("ePe", last) if last else "",
        tag("rate", tag("r", 1), tag("val", rate)) if rate else "",
    )


def leg(code: str, place: str, side: str, ratio: str = "1.000000") -> str:
    is_tier = len(place) < 3
    return tag(
        "tLeg" if is_tier else "pLeg",
        tag("cc", code),
        tag("tn" if is_tier else "pe", place),
        tag("rs", side),
        tag("i", ratio),
    )


def spread(number: int, rate: object, *legs: str, method: str = "F", kind: str = "dSpread") -> str:
    return tag(
        kind,
        tag("spread", number),
        tag("chargeMeth", method) if method else "",
        tag("rate", tag("r", 1), tag("val", rate)),
        *legs,
    )


def commodity(code: str, *parts: str, **words: str) -> str:
    said = {
        "name": code,
        "currency": "INR",
        "riskExponent": "0",
        "capAnov": "0",
        "procMeth": "NORMAL",
        "wfprMeth": "NORMAL",
        "spotMeth": "NORMAL",
        "somMeth": "GROSS",
        "cmbMeth": "NONE",
        **words,
    }
    return tag("ccDef", tag("cc", code), *(tag(name, word) for name, word in said.items()), *parts)


def rate_definition(number: int, *, is_maintenance: bool, account: str = "H") -> str:
    return tag(
        "pbRateDef",
        tag("r", number),
        tag("isCust", 1),
        tag("acctType", account),
        tag("isM", int(is_maintenance)),
        tag("pbc", "CORE"),
    )


def adjustment(number: int, base: int, value: str) -> str:
    return tag("adjRate", tag("r", number), tag("baseR", base), tag("val", value))


HEAD = (
    '<?xml version="1.0"?>\n<spanFile><fileFormat>4.00</fileFormat><created>202606242149</created>'
    "<pointInTime><date>20260625</date><isSetl>1</isSetl><clearingOrg><ec>XYZ</ec>"
    "<oopDeltaMeth>PERIOD</oopDeltaMeth>"
)
TAIL = "</clearingOrg></pointInTime></spanFile>\n"


def exchange(*families: str) -> str:
    return tag("exchange", tag("exch", "XYZ"), *families)


def document(*parts: str) -> str:
    return HEAD + "".join(parts) + TAIL


def many_options(commodities: int, expiries: int, strikes: int) -> Iterator[str]:
    """A file of `commodities * expiries * strikes * 2` options, in pieces."""
    yield HEAD
    for number in range(commodities):
        yield commodity(
            f"N{number}",
            link(2 * number + 1),
            link(2 * number + 2, "OOP"),
            tag("somTiers", tier(0, rate="0")),
        )
    yield "<exchange><exch>XYZ</exch>"
    periods = [f"2026{1 + each // 2:02d}{10 + each % 2:02d}" for each in range(expiries)]
    for number in range(commodities):
        futures = [future(period, each) for each, period in enumerate(periods)]
        yield family("futPf", f"N{number}", 2 * number + 1, *futures)
        losses = [f"{-60.25 * third + 8.72:.2f}" for third in POINTS]
        options = [
            option(right, f"{20_000 + 50 * each}.00", "260.05", losses, "0.8453")
            for each in range(strikes)
            for right in "CP"
        ]
        every = [series(period, *options) for period in periods]
        yield family("oopPf", f"N{number}", 2 * number + 2, *every, style="EQTY")
    yield "</exchange>" + TAIL
