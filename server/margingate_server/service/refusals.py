"""Why a call is not carried out. A refused order is not among them: decisions are values."""

from margingate_engine.core.reasons import RejectReason


class ServiceRefusal(Exception):  # noqa: N818 - a refusal, not an error
    """Base of the refusals; never raised itself."""


class UnknownName(ServiceRefusal):
    """`kind` ("account", "instrument", "request") has no `name`."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name)
        self.kind = kind
        self.name = name


class NameTaken(ServiceRefusal):
    """A `kind` of this `name` exists already."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name)
        self.kind = kind
        self.name = name


class RequestConflict(ServiceRefusal):
    """`request_id` was used before with another body."""

    def __init__(self, request_id: str) -> None:
        super().__init__(request_id)
        self.request_id = request_id


class AmendPending(ServiceRefusal):
    """A change of `order_id` waits for the venue's answer; one at a time."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class NotExpired(ServiceRefusal):
    """By the market's own clock `expiry_ns` of `underlying` is still to come."""

    def __init__(self, underlying: str, expiry_ns: int) -> None:
        super().__init__(underlying, expiry_ns)
        self.underlying = underlying
        self.expiry_ns = expiry_ns


class NotNow(ServiceRefusal):
    """The state of account or market forbids it: `reason` is that of an order in the same place."""

    def __init__(self, reason: RejectReason, subject: str) -> None:
        super().__init__(reason, subject)
        self.reason = reason
        self.subject = subject


class BeyondLog(ServiceRefusal):
    """A `cursor` that is no event of this ledger, of which the last one is `last_seq`."""

    def __init__(self, cursor: int, last_seq: int) -> None:
        super().__init__(cursor, last_seq)
        self.cursor = cursor
        self.last_seq = last_seq


class Busy(ServiceRefusal):
    """Too many ask for `what` at once: later."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
