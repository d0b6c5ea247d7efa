"""The questions to ask of an answer."""

from margingate.v1.margin_service_pb2 import AmendOrderResponse, CheckOrderResponse
from margingate.v1.types_pb2 import VERDICT_ACCEPTED, Decision


def is_accepted(decision: Decision) -> bool:
    """True only on an explicit yes; all else, also what this client does not know, is a no."""
    return decision.verdict == VERDICT_ACCEPTED


def may_send(answer: CheckOrderResponse | AmendOrderResponse) -> bool:
    """True when the order or change may go to the venue: accepted, and its margin is held now.

    The order of an acceptance that a retry got again may have ended since, or is with the venue
    already: some of it was filled, or it was changed.
    """
    return is_accepted(answer.decision) and answer.held
