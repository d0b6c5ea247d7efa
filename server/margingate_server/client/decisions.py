"""The one question to ask of a decision."""

from margingate.v1.types_pb2 import VERDICT_ACCEPTED, Decision


def is_accepted(decision: Decision) -> bool:
    """True only on an explicit yes; all else, also what this client does not know, is a no."""
    return decision.verdict == VERDICT_ACCEPTED
