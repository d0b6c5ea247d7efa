"""Safe, exact reading of the elements of an XML file, mistakes named by their path."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element
from xml.parsers import expat

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.span_file import MICRO_MAX

_CHUNK = 1 << 16
_NUMBERS = re.compile(r"(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+) )+")
_PERIOD = re.compile(r"\d{6}(\d\d)?")
_DIGITS_MAX, _EXPONENT_MAX = 30, 9


Watch = Callable[[int], None]
"""Told how many bytes of a file were read so far, now and then."""


class _RootReached(Exception):  # noqa: N818 - it ends a search
    """The document element has begun."""


class _Watched:
    """A file whose reading is told."""

    def __init__(self, file: BinaryIO, watch: Watch) -> None:
        self._file, self._watch = file, watch

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        chunk = self._file.read(size)
        self._watch(self._file.tell())
        return chunk


def finished_elements(path: Path, watch: Watch | None = None) -> Iterator[Element]:
    """Every element of a file when it ends, children first. InvalidInput for what is no plain XML.

    What has been dealt with must be cleared by the caller, so that memory stays bounded. A document
    type is refused, and with it every entity but the five of XML itself.
    """
    try:
        with path.open("rb") as file:
            _refuse_document_type(file)
            file.seek(0)
            # No document type, no entities: nothing is left that could expand.
            source = file if watch is None else _Watched(file, watch)
            for _, element in ET.iterparse(source, ("end",)):  # noqa: S314
                yield element
    except OSError as error:
        raise InvalidInput("file", f"{path} cannot be read: {error.strerror}") from None
    except (ET.ParseError, expat.ExpatError, LookupError, ValueError) as error:
        raise InvalidInput("file", f"is not XML: {error}") from None


def _refuse_document_type(file: BinaryIO) -> None:
    parser = expat.ParserCreate()

    def doctype(*_: object) -> None:
        raise InvalidInput("file", "has a document type, which is not read")

    def root(*_: object) -> None:
        raise _RootReached

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        while chunk := file.read(_CHUNK):
            parser.Parse(chunk)
    except _RootReached:
        return
    raise InvalidInput("file", "has no document element")


def child_text(element: Element, name: str, path: str) -> str:
    """Text of a child without spaces around; InvalidInput when it is missing or empty."""
    text = (element.findtext(name) or "").strip()
    if not text:
        raise InvalidInput(f"{path}/{name}", "is missing")
    return text


def child_decimal(element: Element, name: str, path: str) -> Decimal:
    """Number in a child; InvalidInput when it is missing or no number."""
    return exact(child_text(element, name, path), f"{path}/{name}")


def child_decimal_or(element: Element, name: str, path: str, absent: Decimal) -> Decimal:
    """Number in a child, `absent` where the child is missing or empty."""
    text = (element.findtext(name) or "").strip()
    return exact(text, f"{path}/{name}") if text else absent


def child_flag(element: Element, name: str, path: str) -> bool:
    """Whether a child is 1; False where it is missing; InvalidInput for anything but 0 and 1."""
    text = (element.findtext(name) or "0").strip()
    if text not in {"0", "1"}:
        raise InvalidInput(f"{path}/{name}", "must be 0 or 1")
    return text == "1"


def child_whole(element: Element, name: str, path: str) -> int:
    """Whole number in a child; InvalidInput when it is missing or something else."""
    text = child_text(element, name, path)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput(f"{path}/{name}", "must be a whole number")
    return int(text)


def child_power_of_ten(element: Element, name: str, path: str) -> Decimal:
    """Ten to the power in a child, 1 where it is missing; InvalidInput beyond nine either way."""
    exponent = child_decimal_or(element, name, path, Decimal(0))
    if exponent != int(exponent) or abs(exponent) > _EXPONENT_MAX:
        raise InvalidInput(f"{path}/{name}", "is no exponent")
    return Decimal(1).scaleb(int(exponent))


def exact(text: str, path: str) -> Decimal:
    """A plain decimal number; InvalidInput otherwise."""
    try:
        if _NUMBERS.fullmatch(f"{text} ") and len(text) <= _DIGITS_MAX:
            return Decimal(text)
    except InvalidOperation:
        pass
    raise InvalidInput(path, "is not a number")


def micro_amounts(texts: Sequence[str], path: str) -> list[int]:
    """Amounts in 1e-6, to the nearest; InvalidInput for what is no number or too large."""
    joined = " ".join(texts) + " "
    if not _NUMBERS.fullmatch(joined) or joined.count(" ") != len(texts):
        raise InvalidInput(path, "holds what is not a number")
    amounts = [round(float(text) * 1e6) for text in texts]
    if any(abs(amount) >= MICRO_MAX for amount in amounts):
        raise InvalidInput(path, "holds a number that is out of range")
    return amounts


def period_text(text: str, path: str, *, last: bool = False) -> int:
    """CCYYMM or CCYYMMDD as CCYYMMDD: a month gets day 00, or 99 as the end of a range."""
    if not _PERIOD.fullmatch(text) or not text.isascii():
        raise InvalidInput(path, "must be CCYYMM or CCYYMMDD")
    if len(text) == 8:
        return int(text)
    return int(text) * 100 + (99 if last else 0)
