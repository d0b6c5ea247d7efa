"""What every event has."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all events. account, request_id: "" where there is none."""

    account: str = ""
    request_id: str = ""
    request_digest: str = ""
