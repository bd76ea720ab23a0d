"""How commands print: tables on a terminal, TSV when piped, JSON when asked."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import click

from notifiers.clean import one_line
from rules.spans import short_span

CommandFunction = TypeVar("CommandFunction", bound=Callable[..., Any])


# JSON may hold these as they are; terminals obey some, readers of lines or of text stumble over others.
_OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Format(StrEnum):
    """Forms of output."""

    TABLE = "table"
    TSV = "tsv"
    JSON = "json"


_WHOLE = {"id", "rule", "parameter", "pack"}
"""Columns of names that people copy into a command or a file: not folded unless they are very long."""

_WHOLE_CHARS_MAX = 44


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values under named columns.

    Attributes:
        hidden: Columns that only TSV and JSON show.
        ending: The sentence below a table that says what to do; on stderr, so that pipes stay clean.
    """

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    hidden: Sequence[str] = ()
    ending: str = ""


def format_option(command: CommandFunction) -> CommandFunction:
    """Add `-o FORMAT`; the command gets it as `form`."""
    option = click.option(
        "-o",
        "form",
        type=click.Choice([one.value for one in Format]),
        default=None,
        help="Form of the output; default: a table on a terminal, TSV when piped.",
    )
    return option(command)


def chosen(form: str | None) -> Format:
    """Return the form that was asked for, or the one that fits where the output goes."""
    if form:
        return Format(form)
    return Format.TABLE if sys.stdout.isatty() else Format.TSV


def print_table(table: Table, form: Format) -> None:
    """Print rows on stdout and the closing sentence on stderr."""
    if form is Format.JSON:
        click.echo(json_text([dict(row) for row in table.rows]))
    elif form is Format.TSV:
        names = [*table.columns, *table.hidden]
        click.echo("\t".join(name.lower().replace(" ", "_") for name in names))
        for row in table.rows:
            click.echo("\t".join(_cell(_value(row, name)) for name in names))
    else:
        _print_on_terminal(table)
    if table.ending and form is not Format.JSON:
        click.echo(table.ending, err=True)


def json_text(value: object) -> str:
    """Return JSON without anything that a terminal would obey."""
    text = json.dumps(value, default=_json, ensure_ascii=False)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _print_on_terminal(table: Table) -> None:
    if not table.rows:
        return
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, pad_edge=False, header_style="bold")
    for name in table.columns:
        longest = max(len(_short_cell(_value(row, name))) for row in table.rows)
        is_whole = name in _WHOLE and longest <= _WHOLE_CHARS_MAX
        shown.add_column(Text(one_line(name).upper()), overflow="fold", no_wrap=is_whole)
    for row in table.rows:
        shown.add_row(*(Text(_short_cell(_value(row, name))) for name in table.columns))
    Console(highlight=False).print(shown)


def _value(row: Mapping[str, Any], column: str) -> Any:
    """Return a cell: of a column that data has named, or of one of ours."""
    return row[column] if column in row else row.get(_key(column))


def _key(column: str) -> str:
    return column.lower().replace(" ", "_")


def _cell(value: object) -> str:
    """Return a value on one line, without anything that a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return one_line(value)


def _short_cell(value: object) -> str:
    """Return a value for a terminal: instants in the reader's own zone, without the year."""
    if isinstance(value, datetime):
        return f"{value.astimezone():%d %b %H:%M:%S}"
    return _cell(value)


def _json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was: `8m`; `never` if it was not."""
    return short_span(now - at) if at else "never"
