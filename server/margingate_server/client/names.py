"""Enum values of answers as words."""

from google.protobuf.message import Message


def enum_name(message: Message, field: str) -> str:
    """Name of the enum in `field` without its prefix, e.g. "ACCEPTED"; empty for the zero value.

    A number newer than this client is "UNKNOWN_<number>": callers must treat it as a refusal.
    """
    return _name(message, field, getattr(message, field))


def enum_names(message: Message, field: str) -> list[str]:
    """As `enum_name`, for a repeated field."""
    return [_name(message, field, number) for number in getattr(message, field)]


def _name(message: Message, field: str, number: int) -> str:
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    assert enum is not None, f"{field} is no enum"
    if number == 0:
        return ""
    value = enum.values_by_number.get(number)
    if value is None:
        return f"UNKNOWN_{number}"
    return value.name.removeprefix(enum.values_by_number[0].name.removesuffix("UNSPECIFIED"))
