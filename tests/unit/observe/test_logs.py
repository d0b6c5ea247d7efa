"""Every line of the log is a JSON object that machines and people can use."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import structlog

from margingate_server.observe import logs
from margingate_server.observe.logs import Log


@pytest.fixture
def stream() -> io.BytesIO:
    stream = io.BytesIO()
    logs.configure("info", stream)
    yield stream
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, logs._Bridge)]:
        root.removeHandler(handler)


def lines(stream: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failure() -> ValueError:
    """An error as caught, with its traceback."""
    with pytest.raises(ValueError, match="secret") as caught:
        int("secret detail")
    return caught.value


def test_a_change_is_one_line_at_info_with_the_event_first(stream: io.BytesIO) -> None:
    Log().changed("order_accepted", request_id="r-1", account="acme", order_id="o-1")
    (line,) = lines(stream)
    assert list(line)[0] == "event"  # noqa: RUF015
    assert {key: line[key] for key in line if key != "time"} == {
        "event": "order_accepted",
        "level": "info",
        "request_id": "r-1",
        "account": "acme",
        "order_id": "o-1",
    }


def test_times_are_utc(stream: io.BytesIO) -> None:
    Log().changed("order_accepted", request_id="r-1", account="acme")
    text = str(lines(stream)[0]["time"])
    assert text.endswith("Z")
    assert abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_newline_of_a_caller_cannot_forge_a_line(stream: io.BytesIO) -> None:
    Log().changed("order_accepted", request_id='r"\n{"event":"forged"}', account="a\u2028b")
    (line,) = lines(stream)
    assert line["request_id"] == 'r"\n{"event":"forged"}'


def test_what_json_does_not_know_is_written_as_text(stream: io.BytesIO) -> None:
    Log().changed("x", request_id="r", account="a", margin=Decimal("1.50"), where=object)
    assert lines(stream)[0]["margin"] == "1.50"


def test_an_incident_binds_its_id_to_the_traceback(stream: io.BytesIO) -> None:
    incident = Log().incident(failure(), "request_failed", method="CheckOrder")
    (line,) = lines(stream)
    assert line["incident"] == incident
    assert len(incident) == 12
    int(incident, 16)
    assert line["level"] == "error"
    assert "ValueError: invalid literal" in str(line["exception"])
    assert "test_logs.py" in str(line["exception"])


def test_the_server_tells_and_warns_of_what_it_did_by_itself(stream: io.BytesIO) -> None:
    Log().told("ledger_recovered", head_seq=7)
    Log().warned("ledger_down")
    told, warned = lines(stream)
    assert (told["event"], told["level"], told["head_seq"]) == ("ledger_recovered", "info", 7)
    assert (warned["event"], warned["level"]) == ("ledger_down", "warning")


def test_a_logger_of_a_module_keeps_the_traceback_of_an_exception_it_names(
    stream: io.BytesIO,
) -> None:
    structlog.get_logger().exception("incident", incident="ab", exc_info=failure())
    (line,) = lines(stream)
    assert (line["level"], line["incident"]) == ("error", "ab")
    assert "invalid literal" in str(line["exception"])


def test_no_two_incidents_share_an_id(stream: io.BytesIO) -> None:
    ids = {Log().incident(failure(), "request_failed") for _ in range(100)}
    assert len(ids) == len(lines(stream)) == 100


@pytest.mark.parametrize("level", ["info", "warning"])
def test_lines_below_error_show_no_exception_and_no_path(stream: io.BytesIO, level: str) -> None:
    getattr(structlog.get_logger(), level)("odd", exc_info=failure(), stack_info=True)
    assert set(lines(stream)[0]) == {"event", "level", "time"}


def test_lines_below_the_level_are_not_written(stream: io.BytesIO) -> None:
    logs.configure("warning", stream)
    Log().changed("order_accepted", request_id="r", account="a")
    assert lines(stream) == []
    Log().incident(failure(), "request_failed")
    assert len(lines(stream)) == 1


def test_lines_of_other_libraries_take_the_same_form_once(stream: io.BytesIO) -> None:
    logs.configure("info", stream)
    logging.getLogger("grpc._server").error("Exception calling %s", "x", exc_info=failure())
    (line,) = lines(stream)
    assert (line["event"], line["logger"]) == ("library_message", "grpc._server")
    assert line["message"] == "Exception calling x"
    assert "secret detail" in str(line["exception"])


def test_libraries_are_silent_below_warning(stream: io.BytesIO) -> None:
    logging.getLogger("noisy").info("chatter")
    assert lines(stream) == []


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of debug, info, warning, error"):
        logs.configure("loud")


def test_without_a_stream_lines_go_to_stderr(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    logs.configure("info")
    Log().changed("order_accepted", request_id="r", account="a")
    captured = capfdbinary.readouterr()
    assert captured.out == b""
    assert json.loads(captured.err)["event"] == "order_accepted"


class FullDisk(io.RawIOBase):
    """A stream that takes nothing until there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = b""
        self.has_room = False

    def write(self, data: Any) -> int:
        if not self.has_room:
            raise OSError(28, "no space left on device")
        self.taken += data
        return len(data)


def test_a_line_that_cannot_be_written_is_counted_and_ends_nothing(stream: io.BytesIO) -> None:
    del stream  # restores the configuration
    disk = FullDisk()
    logs.configure("info", disk)  # type: ignore[arg-type]
    log = Log()
    log.changed("order_accepted", request_id="r", account="a")
    log.told("serving")
    log.warned("ledger_down")
    assert len(log.incident(failure(), "incident")) == 12
    disk.has_room = True
    log.told("serving")
    log.told("stopped")
    told = [json.loads(line) for line in disk.taken.splitlines()]
    assert [line["event"] for line in told] == ["log_lines_lost", "serving", "stopped"]
    assert told[0]["count"] == 4
