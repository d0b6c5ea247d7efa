"""Answers as JSON."""

import json
from collections.abc import Mapping

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message


def to_json(message: Message, extra: Mapping[str, str] | None = None) -> str:
    """The answer as indented JSON: field names of the contract, every plain field present.

    64-bit integers are text, as the JSON form of protobuf has it. extra: fields to put first.
    """
    fields = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return json.dumps({**(extra or {}), **fields}, indent=2, ensure_ascii=False)
