"""What the conventions of a document of customer portfolio margin say, read from their words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from margingate_engine.models.tims.points import POINTS_PER_SIDE
from margingate_engine.pricing.binomial import STEPS_MAX, Tree

TREE_STEPS = 400
"""Of a tree whose steps are not told: four digits of an option's value."""

_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_STEP = rf"[+-]?{_NUMBER}\s*%?(?:\s*(?:/|and|or)\s*[+-]?{_NUMBER}\s*%?)?"
_STEPS = (
    re.compile(rf"\b(?:steps?|increments?)\b\s*(?:of|=|:)?\s*{_STEP}"),
    re.compile(rf"{_STEP}\s*(?:steps?|increments?)\b"),
)
_COUNTS = re.compile(
    r"(?<![\d.])\d+\s+(?:(?:equidistant|equal|valuation)\s+)*"
    r"(?:points?|moves?|steps?|each|per side)\b"
)
_ASIDE = re.compile(r"\((?:down|up)(?:wards?)?\)")
_WALK = re.compile(
    rf"\b(\d+)\s+(?:equal\s+|equidistant\s+)?steps?\s+of\s+{_NUMBER}\s*%?\s*(down|up)\b"
)
_DIRECTED = re.compile(rf"\b(down|up)\b|{_NUMBER}")
_SIGNED = re.compile(rf"(\+-|[+-])\s*{_NUMBER}")
_AMOUNT_MAX, _AMOUNT_MIN = Decimal(10) ** 12, Decimal(10) ** -30


class Unreadable(Exception):  # noqa: N818 - named for what it is
    """Something of a document that cannot be represented; `reason` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractMinimum:
    """The least that a contract requires, USD: an amount, or per unit of its multiplier.

    is_of_options: of options alone, not of futures.
    """

    per_contract: Decimal | None
    per_unit: Decimal | None
    is_of_options: bool

    def of(self, multiplier: Decimal) -> Decimal:
        """Of a contract with this multiplier."""
        if self.per_contract is not None:
            return self.per_contract
        assert self.per_unit is not None, "one of both is known"
        return self.per_unit * multiplier


def number(value: object, name: str) -> Decimal:
    """A finite number of a document; Unreadable with its name."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise Unreadable(f"{name} is not a number")
    text = str(value).strip().lstrip("$")
    try:
        found = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except InvalidOperation:
        raise Unreadable(f"{name} is not a number: {value}") from None
    if not found.is_finite() or abs(found) > _AMOUNT_MAX or 0 < abs(found) < _AMOUNT_MIN:
        raise Unreadable(f"{name} is out of range: {value}")
    return found


def first_number(raw: Mapping[str, object], *names: str) -> Decimal | None:
    """The number under the first of these names that is there; None when none is."""
    for name in names:
        if raw.get(name) is not None:
            return number(raw[name], name)
    return None


def tree(raw: Mapping[str, object], symbol: str) -> Tree | None:
    """The tree that `model` names, None for European options in closed form; Unreadable."""
    text = str(raw.get("model", raw.get("exercise", ""))).lower()
    if "american" in text and "european" in text:
        # "European for SPX, American for SPY": the part with the symbol in it is its own.
        parts = [each for each in re.split(r"[;,/]|\band\b", text) if symbol.lower() in each]
        text = parts[0] if symbol and len(parts) == 1 else text
    is_european = bool(re.search(r"european|black|\bbsm?\b|merton", text))
    if ("american" in text) == is_european:
        raise Unreadable(f"model does not say one way of exercise: {text or 'nothing'}")
    if is_european and not re.search(r"\bcrr\b|binomial|\btree\b", text):
        return None
    told = re.search(r"(\d+)[\s-]*steps?", text)
    steps = int(told[1]) if told else TREE_STEPS
    if not 1 <= steps <= STEPS_MAX:
        raise Unreadable(f"model has a tree of {steps} steps")
    return Tree(steps=steps, is_american=not is_european)


def contract_minimum(raw: Mapping[str, object]) -> ContractMinimum:
    """The minimum: `0.375*100 per contract`, `.375 x multiplier`, `$37.50 a contract`, a number."""
    text = str(raw.get("minimum", "")).lower().replace("×", "*")
    told = re.search(
        rf"{_NUMBER}\s*(?:(?:\*|x|times)\s*(?:the\s+)?({_NUMBER}|multiplier|\w*))?", text
    )
    if not told or re.search(r"%|\d,\d", text):
        raise Unreadable(f"minimum has no amount: {text or 'nothing'}")
    # "0.375*100" and "100*0.375" are the same: the smaller one is what a unit requires.
    amount = min(Decimal(each) for each in (told[1], told[3]) if each)
    is_of_options = "option" in text and not re.search(r"future|derivative", text)
    if told[2] or re.search(r"per (?:share|unit)", text) or amount < 1:
        return ContractMinimum(per_contract=None, per_unit=amount, is_of_options=is_of_options)
    return ContractMinimum(per_contract=amount, per_unit=None, is_of_options=is_of_options)


def ranges(raw: Mapping[str, object]) -> tuple[Decimal, Decimal]:
    """(down, up): the farthest moves as fractions, above zero, of ten equidistant points."""
    points = raw.get("points")
    if isinstance(points, Mapping):
        found = [first_number(points, side, f"{side}_pct") for side in ("down", "up")]
        return _as_fractions(*(abs(each) if each else None for each in found), is_percent=False)
    if isinstance(points, (list, tuple)):
        moves = [number(str(each).replace("%", "").strip(), "points") for each in points]
        return _listed(moves, is_percent=any("%" in str(each) for each in points))
    if not isinstance(points, str):
        raise Unreadable("points are not told")
    return _told(points)


def _told(points: str) -> tuple[Decimal, Decimal]:
    text = re.sub(r"[−–—]", "-", points.lower()).replace("±", "+-").replace("+/-", "+-")
    text = re.sub(r"\.{2,}|…", " to ", text)
    is_percent = bool(re.search(r"%|percent", text))
    walked = {side: int(count) * Decimal(size) for count, size, side in _WALK.findall(text)}
    if walked:
        if {int(count) for count, _, _ in _WALK.findall(text)} != {POINTS_PER_SIDE}:
            raise Unreadable(f"points are not {POINTS_PER_SIDE} to either end: {points}")
        return _as_fractions(walked.get("down"), walked.get("up"), is_percent=is_percent)
    rest = _COUNTS.sub(" ", _ASIDE.sub(" ", text))
    steps: list[Decimal] = []
    for pattern in _STEPS:
        steps += _sizes(pattern, rest)
        rest = pattern.sub(" ", rest)
    signed = [(sign, Decimal(each)) for sign, each in _SIGNED.findall(rest) if Decimal(each)]
    moves = [-size if sign == "-" else size for sign, size in signed]
    if len(moves) >= 2 * POINTS_PER_SIDE:
        return _listed(moves, is_percent=is_percent)
    directed = _directed(rest)
    down = [size for sign, size in signed if "-" in sign] or directed["down"]
    up = [size for sign, size in signed if "+" in sign] or directed["up"]
    if down and not up:
        # "-15% to 15%": the other end may do without its sign.
        up = list(_sizes(re.compile(_NUMBER), _SIGNED.sub(" ", rest)))
    far = (max(down, default=None), max(up, default=None))
    if steps and set(steps) != {each / POINTS_PER_SIDE for each in far if each}:
        raise Unreadable(f"points are not {POINTS_PER_SIDE} equal steps to either end: {points}")
    return _as_fractions(*far, is_percent=is_percent)


def _directed(text: str) -> dict[str, list[Decimal]]:
    """Sizes with `down` and `up` all before them, or all after, as the first one has it."""
    tokens = [word or Decimal(size) for word, size in _DIRECTED.findall(text)]
    found: dict[str, list[Decimal]] = {"down": [], "up": []}
    is_before = bool(tokens) and isinstance(tokens[0], str)
    for one, other in pairwise(tokens):
        word, size = (one, other) if is_before else (other, one)
        if isinstance(word, str) and isinstance(size, Decimal):
            found[word].append(size)
    return found


def _sizes(pattern: re.Pattern[str], text: str) -> Iterator[Decimal]:
    return (Decimal(each) for found in pattern.finditer(text) for each in found.groups() if each)


def _listed(moves: list[Decimal], *, is_percent: bool) -> tuple[Decimal, Decimal]:
    """The ends of a list that is the ten points, zero allowed beside them."""
    found = sorted({each for each in moves if each})
    down, up = -min(found, default=Decimal(0)), max(found, default=Decimal(0))
    sides = range(1, POINTS_PER_SIDE + 1)
    wanted = [
        sign * far * n / POINTS_PER_SIDE for sign, far in ((-1, down), (1, up)) for n in sides
    ]
    if found != sorted(wanted) or not down or not up:
        raise Unreadable(f"points are not {POINTS_PER_SIDE} equal steps to either end")
    return _as_fractions(down, up, is_percent=is_percent)


def _as_fractions(
    down: Decimal | None, up: Decimal | None, *, is_percent: bool
) -> tuple[Decimal, Decimal]:
    if not down or not up:
        raise Unreadable("points have no range down and up")
    scale = 100 if is_percent or max(down, up) >= 1 else 1
    if down / scale >= 1:
        raise Unreadable("points let the price fall to zero")
    return down / scale, up / scale
