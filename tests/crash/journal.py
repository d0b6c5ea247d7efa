"""What a client asked and what it was told, on its own disk before it goes on."""

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from time import monotonic_ns

import msgspec
from google.protobuf.message import Message

from tests.crash.methods import METHODS


class Step(StrEnum):
    """invoke: about to be sent. ok: answered. fail: refused, nothing happened. info: unknown."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Purpose(StrEnum):
    """Why a request was sent: to do something, once more, or an id used with another body."""

    FIRST = "first"
    AGAIN = "again"
    CONFLICT = "conflict"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line. number: of the call, the same for its two lines. said: status of what failed."""

    client: str
    number: int
    step: Step
    at_ns: int
    method: str
    purpose: Purpose
    request: bytes
    answer: bytes = b""
    said: str = ""

    def asked(self) -> Message:
        """The request."""
        return METHODS[self.method].request_type.FromString(self.request)

    def answered(self) -> Message:
        """The answer of what went well."""
        assert self.step is Step.OK
        return METHODS[self.method].answer_type.FromString(self.answer)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


class Journal:
    """Append-only file of one client."""

    def __init__(self, path: Path, client: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._client = client
        self._number = 0

    def invoke(self, method: str, purpose: Purpose, request: bytes) -> Entry:
        """Note that a request is about to be sent."""
        self._number += 1
        entry = Entry(
            client=self._client,
            number=self._number,
            step=Step.INVOKE,
            at_ns=monotonic_ns(),
            method=method,
            purpose=purpose,
            request=request,
        )
        self._write(entry)
        return entry

    def complete(self, invoked: Entry, step: Step, *, answer: bytes = b"", said: str = "") -> Entry:
        """Note how it went."""
        entry = msgspec.structs.replace(
            invoked, step=step, at_ns=monotonic_ns(), answer=answer, said=said
        )
        self._write(entry)
        return entry

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _write(self, entry: Entry) -> None:
        # One unbuffered write: it is in the file, whole, before the client goes on.
        line = _encoder.encode(entry) + b"\n"
        assert os.write(self._file, line) == len(line)


class JournalReader:
    """Reads on in a client's file from where it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_entries(self) -> Iterator[Entry]:
        """The lines since the last time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                yield _decoder.decode(line)
            self._offset = file.tell()
