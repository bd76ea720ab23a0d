"""The log: one fact, one line."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.logs import JsonLines


def written(message: str, *arguments: object, **fields: Any) -> str:
    """Return the line of a record."""
    record = logging.getLogger("watchdog.engine").makeRecord(
        "watchdog.engine", logging.INFO, "engine.py", 1, message, arguments, None, extra=fields
    )
    return JsonLines().format(record)


def test_a_line_has_time_level_logger_message_and_its_own_fields() -> None:
    line = json.loads(written("opened %d", 7, rule="orders", rows=3))
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "watchdog.engine",
        "message": "opened 7",
        "rule": "orders",
        "rows": 3,
    }


BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(BREAKS + "\x1b\x9b\x7f"))))
def test_whatever_a_field_holds_is_one_line_and_nothing_a_terminal_obeys(text: str) -> None:
    line = written("%s", text, reason=text)
    assert len(line.splitlines()) == 1
    assert not set(line) & {*map(chr, range(32)), *map(chr, range(127, 160))}
    assert json.loads(line)["reason"] == text


def test_a_forged_line_stays_inside_its_field() -> None:
    forged = '"}\n{"level": "INFO", "message": "all is well"}'
    assert json.loads(written("failed", reason=forged))["message"] == "failed"


def test_a_field_cannot_pass_for_what_everybody_has() -> None:
    line = json.loads(written("failed", level="DEBUG", logger="x", timestamp="never"))
    assert (line["level"], line["logger"]) == ("INFO", "watchdog.engine")
    assert line["timestamp"] != "never"


def test_a_value_that_json_does_not_know_becomes_its_text() -> None:
    line = json.loads(written("failed", at=complex(1, 2)))
    assert line["at"] == "(1+2j)"


def test_letters_of_all_scripts_stay_readable() -> None:
    assert "Grüße 東京 🔴" in written("Grüße 東京 🔴")


def test_a_traceback_is_a_field() -> None:
    try:
        int("odd")
    except ValueError:
        record = logging.LogRecord("watchdog", logging.ERROR, "", 1, "failed", (), sys.exc_info())
    line = JsonLines().format(record)
    assert json.loads(line)["traceback"].endswith("with base 10: 'odd'")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("verbose", "levels"), [(False, ["INFO", "WARNING"]), (True, ["DEBUG", "INFO", "WARNING"])]
)
def test_ours_is_logged_from_info_on_and_libraries_from_warning_on(
    verbose: bool, levels: list[str]
) -> None:
    script = f"""
import logging
from watchdog.logs import set_up
set_up(verbose={verbose})
ours, theirs = logging.getLogger("watchdog.engine"), logging.getLogger("aiohttp")
ours.debug("a"), ours.info("b"), theirs.info("c"), theirs.warning("d")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert [json.loads(line)["level"] for line in done.stderr.splitlines()] == levels
    assert done.stdout == ""
