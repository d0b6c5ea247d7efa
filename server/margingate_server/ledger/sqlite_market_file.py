"""The database file of the market store: its schema, and a row's seal."""

from hashlib import blake2b
from struct import Struct
from struct import error as StructError  # noqa: N812 - a class, whatever the module calls it

from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.sqlite_file import Layout
from margingate_server.ledger.store import CorruptLedger

# The body stands last: the rest is read without its overflow pages.
_SCHEMA = """CREATE TABLE market(
  version INTEGER PRIMARY KEY,
  previous_version INTEGER,
  recorded_ns INTEGER NOT NULL,
  digest TEXT NOT NULL,
  seal BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT"""
MARKET = Layout(
    application_id=0x4D474D31,  # "MGM1"
    schema_version=1,
    table="market",
    schema=_SCHEMA,
    frees_pages=True,
)
COLUMNS = "version, previous_version, recorded_ns, digest, seal, body"

Row = tuple[int, int | None, int, str, bytes, bytes]

# The name stands for the fields below: other fields need another name.
_SEAL_NAME = b"mg-market-row-1"
_SEAL_BYTES = 16
# version, whether there is a previous one, which, recorded_ns, bytes of the digest.
_FRONT = Struct(">q?qqI")


def row_of(draft: MarketDraft) -> Row:
    """The values of COLUMNS for `draft`."""
    return (
        draft.version,
        draft.previous_version,
        draft.recorded_ns,
        draft.digest,
        _seal(draft),
        draft.body,
    )


def draft_of(row: Row, place: str) -> MarketDraft:
    """The draft whose values of COLUMNS are `row`; CorruptLedger unless its seal is intact."""
    version, previous_version, recorded_ns, digest, seal, body = row
    draft = MarketDraft(
        version=version,
        previous_version=previous_version,
        recorded_ns=recorded_ns,
        digest=digest,
        body=body,
    )
    try:
        is_intact = _seal(draft) == seal
    except (StructError, TypeError, ValueError, AttributeError):
        # A flipped bit can also change a stored value's type.
        is_intact = False
    if not is_intact:
        problem = f"market version {version}: the row is not what was written"
        raise CorruptLedger(version, place, problem)
    return draft


def _seal(draft: MarketDraft) -> bytes:
    """The hash of the whole row: the digest alone would not tell which version has the inputs."""
    previous, digest = draft.previous_version, draft.digest.encode()
    front = _FRONT.pack(
        draft.version, previous is not None, previous or 0, draft.recorded_ns, len(digest)
    )
    seal = blake2b(front, digest_size=_SEAL_BYTES, person=_SEAL_NAME)
    seal.update(digest)
    seal.update(draft.body)
    return seal.digest()
