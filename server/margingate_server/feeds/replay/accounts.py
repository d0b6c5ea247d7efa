"""Accounts that begin with a replay: collateral and positions, from JSON or CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from margingate_engine.core.amounts import USD
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.symbols import parse_symbol
from margingate_server.feeds.file.source import read_texts
from margingate_server.feeds.replay.chain_rows import csv_rows

_COLUMNS: Final = ("account", "item", "quantity", "price")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPosition:
    """A position at the start. quantity: signed. price: entered at; None for the first mark."""

    instrument: str
    quantity: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAccount:
    """An account at the start. collateral: amounts by asset."""

    account: str
    collateral: Mapping[str, Decimal]
    positions: tuple[StartPosition, ...]


def read_accounts(path: Path) -> tuple[StartAccount, ...]:
    """The accounts of a file, in order; InvalidInput names the field or line that is wrong."""
    text = read_texts(path)[0]
    accounts = _of_json(text) if text.lstrip().startswith("[") else _of_csv(text)
    names = [each.account for each in accounts]
    if len(set(names)) != len(names):
        raise InvalidInput("accounts", "name one account twice")
    return accounts


def decimal_of(raw: object, field: str) -> Decimal:
    """A number, or a text that is one; InvalidInput naming `field` when it is not finite."""
    if isinstance(raw, int | str | Decimal) and not isinstance(raw, bool):
        try:
            number = Decimal(raw)
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite():
            return number
    raise InvalidInput(field, "is not a number")


def _of_json(text: str) -> tuple[StartAccount, ...]:
    try:
        document = json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise InvalidInput("accounts", f"are no JSON: {error}") from None
    return tuple(_json_account(raw, f"accounts[{place}]") for place, raw in enumerate(document))


def _json_account(raw: object, path: str) -> StartAccount:
    table = _object(raw, path, {"account", "collateral", "positions"})
    collateral, positions = table.get("collateral", {}), table.get("positions", [])
    if not isinstance(collateral, dict):
        raise InvalidInput(f"{path}.collateral", "must be an object")
    if not isinstance(positions, list):
        raise InvalidInput(f"{path}.positions", "must be a list")
    return StartAccount(
        account=_text(table, "account", path),
        collateral={
            asset: decimal_of(amount, f"{path}.collateral.{asset}")
            for asset, amount in collateral.items()
        },
        positions=tuple(
            _json_position(each, f"{path}.positions[{place}]")
            for place, each in enumerate(positions)
        ),
    )


def _json_position(raw: object, path: str) -> StartPosition:
    table = _object(raw, path, {"instrument", "quantity", "price"})
    price = table.get("price")
    return StartPosition(
        instrument=_text(table, "instrument", path),
        quantity=decimal_of(table.get("quantity"), f"{path}.quantity"),
        price=None if price is None else decimal_of(price, f"{path}.price"),
    )


def _object(raw: object, path: str, names: set[str]) -> Mapping[str, object]:
    if not isinstance(raw, dict):
        raise InvalidInput(path, "must be an object")
    for name in sorted(raw.keys() - names):
        raise InvalidInput(f"{path}.{name}", "is not known")
    return raw


def _text(table: Mapping[str, object], name: str, path: str) -> str:
    text = table.get(name)
    if not isinstance(text, str) or not text:
        raise InvalidInput(f"{path}.{name}", "must be a name")
    return text


def _of_csv(text: str) -> tuple[StartAccount, ...]:
    """Accounts of rows that each give an account some of an item: a currency or an instrument."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    _refuse_lacking(reader.fieldnames or ())
    collateral: dict[str, dict[str, Decimal]] = {}
    positions: dict[str, list[StartPosition]] = {}
    for line, row in csv_rows(reader):
        account, item = row["account"].strip(), row["item"].strip()
        if not account:
            raise InvalidInput(f"line {line}, account", "must be a name")
        amounts = collateral.setdefault(account, {})
        held = positions.setdefault(account, [])
        quantity = decimal_of(row["quantity"].strip(), f"line {line}, quantity")
        if item == USD or parse_symbol(item).kind is InstrumentKind.SPOT:
            amounts[item] = amounts.get(item, Decimal(0)) + quantity
            continue
        price = row["price"].strip()
        held.append(
            StartPosition(
                instrument=item,
                quantity=quantity,
                price=decimal_of(price, f"line {line}, price") if price else None,
            )
        )
    return tuple(
        StartAccount(account=name, collateral=amounts, positions=tuple(positions[name]))
        for name, amounts in collateral.items()
    )


def _refuse_lacking(columns: Sequence[str]) -> None:
    for column in _COLUMNS:
        if column not in columns:
            raise InvalidInput("line 1", f"has no column {column}")
