"""Answers as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message


def to_json(message: Message, extra: Mapping[str, str] | None = None) -> str:
    """The answer as indented JSON: field names of the contract, every plain field present.

    64-bit integers are text, as the JSON form of protobuf has it. extra: fields to put first.
    """
    return json.dumps({**(extra or {}), **_fields(message)}, indent=2, ensure_ascii=False)


def to_json_line(message: Message) -> str:
    """As `to_json`, on one line."""
    return json.dumps(_fields(message), ensure_ascii=False)


def _fields(message: Message) -> dict[str, Any]:
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
