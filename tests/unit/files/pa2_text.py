"""Makes lines of expanded positional SPAN files, column by column."""

Cell = tuple[int, object]


def line(kind: str, *cells: Cell) -> str:
    """A record with texts put at columns that count from 1."""
    text = f"{kind:<2}"
    for column, value in sorted(cells, key=lambda cell: cell[0]):
        assert len(text) < column, f"column {column} is taken"
        text = text.ljust(column - 1) + str(value)
    return text


def digits(value: float, width: int, places: int = 0) -> str:
    """A number as digits without a point."""
    return f"{round(abs(value) * 10**places):0{width}d}"


def signed(value: float, width: int, places: int = 0) -> str:
    """The same with its sign behind it."""
    return digits(value, width, places) + ("-" if value < 0 else "+")


HEADER = line("0", (3, "CME"), (9, "20250620"), (17, "SE"), (36, "U2"))


def definition(
    code: str,
    *products: tuple[str, str],
    exponent: str = "0",
    flags: str = "PN",
    locator: str = "  ",
) -> str:
    cells: list[Cell] = [(3, "CBT"), (7, code), (13, exponent), (14, "USD$"), (18, flags)]
    for index, (product, kind) in enumerate(products):
        cells += [(23 + 16 * index, f"{product:<10}{kind}{locator}")]
    return line("2", *cells)


def tiers(code: str, *months: tuple[int, int], method: str = "10") -> str:
    cells: list[Cell] = [(3, code), (9, method)]
    for index, (first, last) in enumerate(months):
        cells += [(11 + 14 * index, f"{index + 1:02d}{first}{last}")]
    return line("3", *cells, (69, "100010001100"))


def scanning(code: str, method: str = "01", risk: str = "2") -> str:
    return line("S", (3, code), (9, method), (83, risk))


def tier_spread(code: str, priority: int, rate: int, legs: str, method: str = "10") -> str:
    """legs: two digits of a tier, two of a ratio and a side each."""
    parts = [f"{n + 1:02d}{legs[5 * n : 5 * n + 5]}" for n in range(len(legs) // 5)]
    count = f"{len(parts):02d}"
    return line(
        "C", (3, code), (9, f"{method}{priority:02d}{count}{rate:07d}"), (22, "".join(parts))
    )


def series_spread(code: str, priority: int, rate: int, *legs: tuple[str, int, str]) -> str:
    """legs: YYMM, ratio and side."""
    parts = "".join(f"{month}   {digits(ratio, 6, 4)}{side}" for month, ratio, side in legs)
    return line("E", (3, code), (9, f"{priority:05d}{rate:07d}{parts}"))


def delivery(
    code: str, *months: tuple[int, int, int], minimum: int = 17, how: str = "1", method: str = "10"
) -> str:
    """months: month, rate of spreads, rate of outrights."""
    cells: list[Cell] = [(3, code), (9, f"{method}{len(months):02d}")]
    for index, (month, spreads, outrights) in enumerate(months):
        cells += [(13 + 22 * index, f"{index + 1:02d}{month}{spreads:07d}{outrights:07d}")]
    return line("4", *cells, (63, f"{minimum:07d}105100100{how}"))


def calculation(
    product: str,
    kind: str,
    future: str,
    option: str = "",
    scan_range: int = 1_700,
    scaling: float = 1,
) -> str:
    return line(
        "B",
        (3, "CBT"),
        (6, product),
        (16, kind),
        (19, future),
        (28, option or " "),
        (37, "0020000000250000"),
        (53, f"{scan_range:05d}0300003300"),
        (68, "000000100000000000"),
        (86, digits(scaling, 6, 4)),
        (92, "20250620"),
    )


def quotation(product: str, kind: str, valuation: str = "EQTY", alignment: str = "  ") -> str:
    return line(
        "P",
        (3, "CBT"),
        (6, product),
        (16, kind),
        (19, "SOYBEAN MEAL"),
        (34, f"003000{alignment}00001000000000"),
        (56, "0000000001USD$STD 00AMER"),
        (117, valuation),
    )


def arrays(
    product: str,
    kind: str,
    future: str,
    losses: list[int],
    delta: float = 1,
    *,
    option: str = "",
    right: str = " ",
    strike: int = 0,
    price: int = 0,
    width: int = 5,
) -> str:
    """The two records of a contract."""
    cells: list[Cell] = [
        (3, "CBT"),
        (6, f"{product:<10}{product:<10}{kind}{right}{future:<9}{option:<9}{strike:07d}"),
    ]
    first, second = ("81", "82") if width == 5 else ("83", "84")
    values = [signed(loss, width) for loss in losses]
    tail = f"{signed(delta, 5, 4)}02500000{price:07d}++"
    return "\n".join(
        (
            line(first, *cells, (55, "".join(values[:9]))),
            line(second, *cells, (55, "".join(values[9:]) + tail)),
        )
    )


def inter(
    priority: int,
    rate: float,
    *legs: tuple[str, float, str],
    method: str = "02",
    target: str = "",
    target_ratio: float = 0,
    rest: tuple[Cell, ...] = (),
) -> str:
    """legs: commodity, ratio and side."""
    cells: list[Cell] = [(3, f"ALL{priority:04d}{digits(rate, 7, 4)}")]
    for index, (code, ratio, side) in enumerate(legs):
        cells += [(17 + 18 * index, f"CBTN{code:<6}{digits(ratio, 7, 4)}{side}")]
    cells += [(89, method)]
    if target:
        cells += [(91, f"CBTN{target:<6}"), (110, f"S{digits(target_ratio, 7, 4)}0002")]
    return line("6", *cells, *rest)
