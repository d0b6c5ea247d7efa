"""SPAN by combined commodities, slowly and once more. docs/methodology/span-files.md

Written from the statements alone, on plain tables as a file would give them: amounts in money,
deltas as numbers, everything a Fraction. Shares no code with what it checks.
"""

from fractions import Fraction
from typing import Any

Table = dict[str, Any]
PAIR_OF = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 14, 15]


def account(commodities: list[Table], spreads: list[Table], held: dict[str, list[Table]]) -> Table:
    """Risk and parts of every commodity held. held: per code positions, with what a lot does."""
    parts = {code: one(find(commodities, code), positions) for code, positions in held.items()}
    for part in parts.values():
        part["scanned"] = part["losses"]
    gave: set[str] = set()
    for spread in sorted(spreads, key=lambda each: each["priority"]):
        if spread["method"] == "scanning":
            scan_together(spread, commodities, parts, gave)
    for part in parts.values():
        part["scan"] = max([0, *part["scanned"]])
        part["w"] = price_risk(part["commodity"], part["scanned"], part["net"])
        part["credit"] = Fraction(0)
    for spread in sorted(spreads, key=lambda each: each["priority"]):
        if spread["method"] == "delta":
            credit(spread, parts)
    for part in parts.values():
        charges = up(part["calendar"]) + up(part["spot"])
        part["risk"] = max(up(part["scan"]) + charges - down(part["credit"]), up(part["minimum"]))
    return parts


def find(commodities: list[Table], code: str) -> Table:
    return next(each for each in commodities if each["code"] == code)


def up(money: Fraction) -> int:
    return -int(-money * 10**6 // 1)


def down(money: Fraction) -> int:
    return int(money * 10**6 // 1)


def one(commodity: Table, positions: list[Table]) -> Table:
    """[SCC-03, SCC-06 to SCC-09] What a commodity is charged by itself."""
    losses = [sum(each["lots"] * each["loss"][i] for each in positions) for i in range(16)]
    deltas: dict[int, Fraction] = {}
    for each in positions:
        before = deltas.get(each["period"], Fraction(0))
        deltas[each["period"]] = before + each["lots"] * Fraction(each["delta"])
    net = sum(deltas.values())
    risk = price_risk(commodity, losses, net)
    taken = dict.fromkeys(deltas, Fraction(0))
    calendar = Fraction(0)
    for spread in sorted(commodity["spreads"], key=lambda each: each["priority"]):
        for long_side in "AB":
            calendar += form(commodity, spread, long_side, deltas, taken, risk)
    spot = sum(
        Fraction(each["spread_rate"]) * taken.get(each["period"], 0)
        + Fraction(each["outright_rate"]) * abs(deltas.get(each["period"], 0))
        for each in commodity["spot_rates"]
    )
    return {
        "commodity": commodity,
        "losses": losses,
        "net": net,
        "left": sum(deltas.values()),
        "calendar": calendar,
        "spot": Fraction(spot),
        "minimum": minimum(commodity, positions),
    }


def price_risk(commodity: Table, losses: list[Any], net: Any) -> Fraction:
    """[SCC-05]"""
    if net == 0:
        return Fraction(0)
    scan_range = Fraction(commodity["price_scan_range"])
    if commodity["price_risk_method"] == "scanrange":
        return scan_range
    active = losses.index(max(losses))
    time = Fraction(losses[0] + losses[1]) / 2
    adjusted = Fraction(losses[active] + losses[PAIR_OF[active]]) / 2
    risk = (adjusted - time) / abs(net)
    return min(risk, scan_range) if commodity["price_risk_method"] == "cap" else risk


def form(
    commodity: Table,
    spread: Table,
    long_side: str,
    deltas: dict[int, Fraction],
    taken: dict[int, Fraction],
    risk: Fraction,
) -> Fraction:
    """[SCC-06, SCC-07] Every leg as a list of periods to take from, in order."""
    wanted: dict[tuple[Any, str], Fraction] = {}
    for leg in spread["legs"]:
        place = ("period", leg["period"]) if leg.get("period") else ("tier", leg["tier"])
        wanted[place, leg["side"]] = wanted.get((place, leg["side"]), 0) + Fraction(leg["ratio"])
    sources = {}
    for place, side in wanted:
        sign = 1 if side == long_side else -1
        sources[place, side] = [
            period
            for period in sorted(deltas)
            if deltas[period] * sign > 0 and within(commodity, place, period)
        ]
    count = min(
        sum((abs(deltas[period]) for period in sources[key]), Fraction(0)) / ratio
        for key, ratio in wanted.items()
    )
    for key, ratio in wanted.items():
        owed = count * ratio
        for period in sources[key]:
            part = min(owed, abs(deltas[period]))
            deltas[period] += -part if deltas[period] > 0 else part
            taken[period] += part
            owed -= part
    if spread["method"] == "flat":
        return count * Fraction(spread["rate"])
    if spread["method"] == "per_month":
        months = [
            leg["period"] // 10000 * 12 + leg["period"] // 100 % 100 for leg in spread["legs"]
        ]
        return count * Fraction(spread["rate"]) * (max(months) - min(months))
    return count * Fraction(spread["rate"]) * max(risk, 0) * sum(wanted.values())


def within(commodity: Table, place: tuple[str, int], period: int) -> bool:
    kind, number = place
    if kind == "period":
        return period == number
    tier = next(each for each in commodity["tiers"] if each["number"] == number)
    return bool(tier["first"] <= period <= tier["last"])


def minimum(commodity: Table, positions: list[Table]) -> Fraction:
    """[SCC-09]"""
    total = Fraction(0)
    for rate in commodity["minimum_rates"]:
        counts = [
            sum(
                -each["lots"]
                for each in positions
                if each["lots"] < 0
                and each["right"] == right
                and rate["first"] <= each["period"] <= rate["last"]
            )
            for right in "CP"
        ]
        counted = sum(counts) if commodity["minimum_method"] == "gross" else max(counts)
        total += Fraction(rate["rate"]) * counted
    return total


def scan_together(
    spread: Table, commodities: list[Table], parts: dict[str, Table], gave: set[str]
) -> None:
    """[SCC-12]"""
    legs = [
        leg
        for leg in spread["legs"]
        if leg["commodity"] in parts
        and "positions" not in parts[leg["commodity"]]
        and leg["commodity"] not in gave
    ]
    required = {leg["commodity"] for leg in spread["legs"] if leg["is_required"]}
    if len(legs) < spread["legs_min"] or required - {leg["commodity"] for leg in legs}:
        return
    target, together = spread["target"], [Fraction(0)] * 16
    net = left = Fraction(0)
    for leg in legs:
        part, rate = parts[leg["commodity"]], Fraction(leg["credit_rate"])
        for i, loss in enumerate(part["scanned"]):
            # A gain counts in whole millionths, rounded down.
            counted = loss if loss >= 0 else -Fraction(down(-loss * rate), 10**6)
            together[i] += counted
        size = Fraction(spread["target_ratio"]) / Fraction(leg["ratio"])
        net, left = net + size * part["net"], left + size * part["left"]
        part["scanned"], part["net"], part["left"] = [Fraction(0)] * 16, Fraction(0), Fraction(0)
        gave.add(leg["commodity"])
    if target not in parts:
        parts[target] = one(find(commodities, target), [])
        parts[target]["positions"] = None
    parts[target].update(scanned=together, net=net, left=left)
    gave.discard(target)


def credit(spread: Table, parts: dict[str, Table]) -> None:
    """[SCC-11]"""
    legs = spread["legs"]
    if any(leg["commodity"] not in parts for leg in legs):
        return
    if any(parts[leg["commodity"]]["w"] <= 0 for leg in legs):
        return
    for long_side in "AB":
        signs = [1 if leg["side"] == long_side else -1 for leg in legs]
        counts = [
            max(Fraction(0), sign * parts[leg["commodity"]]["left"]) / Fraction(leg["ratio"])
            for sign, leg in zip(signs, legs, strict=True)
        ]
        for sign, leg in zip(signs, legs, strict=True):
            part, used = parts[leg["commodity"]], min(counts) * Fraction(leg["ratio"])
            part["left"] -= sign * used
            part["credit"] += used * part["w"] * Fraction(leg["credit_rate"])
