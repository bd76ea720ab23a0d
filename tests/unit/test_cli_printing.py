"""How commands print, on terminals and into pipes."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.cli.printing import Format, Table, ago, chosen, print_table

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
HOSTILE = "\x1b[31mred\x1b]0;title\x07 \x9b2J a\tb\nforged\trow\u2028\u202ereversed\r"
CONTROLS = {*map(chr, range(9)), *map(chr, range(11, 32)), *map(chr, range(127, 160)), "\u202e"}


def printed(table: Table, form: Format, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    print_table(table, form)
    out, err = capsys.readouterr()
    return out, err


def test_tsv_has_a_header_iso_times_hidden_columns_and_nothing_cut(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {"id": 7, "what": "x" * 500, "opened_at": NOW, "none": None}
    table = Table(("id", "what", "none"), [row], hidden=("opened at",), ending="Take it.")
    out, err = printed(table, Format.TSV, capsys)
    assert out == f"id\twhat\tnone\topened_at\n7\t{'x' * 500}\t\t2025-06-13T02:15:00+00:00\n"
    assert err == "Take it.\n"


def test_json_has_every_key_and_no_ending(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": 7, "opened_at": NOW, "more": [1, None]}]
    out, err = printed(Table(("id",), rows, ending="Take it."), Format.JSON, capsys)
    assert json.loads(out) == [{"id": 7, "opened_at": NOW.isoformat(), "more": [1, None]}]
    assert err == ""


def test_a_table_has_its_columns_and_its_ending_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {"id": 7, "what": "[bold]Orders[/bold] stopped", "rule": "orders"}
    table = Table(("id", "what"), [row], hidden=("rule",), ending="Take it.")
    out, err = printed(table, Format.TABLE, capsys)
    header, line = out.splitlines()
    assert header.split() == ["ID", "WHAT"]
    assert line.split(maxsplit=1) == ["7", "[bold]Orders[/bold] stopped"]
    assert err == "Take it.\n"


def test_an_empty_table_prints_nothing_but_its_ending(capsys: pytest.CaptureFixture[str]) -> None:
    empty = Table(("id",), [], ending="Nothing is open.")
    assert printed(empty, Format.TABLE, capsys) == ("", "Nothing is open.\n")
    assert printed(empty, Format.TSV, capsys) == ("id\n", "Nothing is open.\n")
    assert printed(empty, Format.JSON, capsys) == ("[]\n", "")


@pytest.mark.parametrize("form", list(Format))
def test_data_has_no_power_over_a_terminal(
    form: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table(("id", "what"), [{"id": 7, "what": HOSTILE}])
    out, _ = printed(table, form, capsys)
    assert not set(out) & CONTROLS
    assert "\u2028" not in out


def test_columns_that_data_names_are_shown_as_they_are_and_harmless(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {"createdAt": "yesterday", "last error": "none", "[red]\x1b[2J": "x"}
    out, _ = printed(Table(list(row), [row]), Format.TABLE, capsys)
    assert "yesterday" in out
    assert "none" in out
    assert "[RED]" in out
    assert not set(out) & CONTROLS


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_whatever_data_holds_tsv_keeps_its_rows_and_columns(pairs: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        print_table(Table(("a", "b"), [{"a": a, "b": b} for a, b in pairs]), Format.TSV)
    rows = list(csv.reader(out.getvalue().splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == 1 + len(pairs)
    assert {len(row) for row in rows} == {2}


def test_without_a_wish_pipes_get_tsv() -> None:
    assert chosen(None) is Format.TSV
    assert chosen("json") is Format.JSON
    assert chosen("table") is Format.TABLE


def test_how_long_ago_is_short_and_never_is_said() -> None:
    assert ago(NOW - timedelta(minutes=8), NOW) == "8m"
    assert ago((NOW - timedelta(hours=2)).astimezone(timezone(timedelta(hours=5))), NOW) == "2h"
    assert ago(None, NOW) == "never"
