"""A small world for the whole program: one table in SQLite, one rule, one person; no demo."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers

RULE = """
  {name}:
    title: {title}
    team: ops
    every: 5s
    open_after: 1 check
    recover_after: 1 check
    queue: {{ source: things, table: thing, where: broken = 1, max_rows: 0 }}
"""

PLACES = """
version: 1
channels:
  slack: {{ token: "${{SLACK_BOT_TOKEN}}", api: "http://127.0.0.1:{slack}/api/" }}
  email: {{ smtp: "smtp://127.0.0.1:{smtp}", from: watchdog@example.com }}
sources:
  things: {{ sqlite: {database}, team: ops }}
"""

ANA_ALONE = """
people:
  ana: { email: ana@example.com, slack: U01ANA }
teams:
  ops: { lead: ana, slack: ops-alerts }
rules:"""

BROKEN = """
  with-a-slip:
    title: Never seen
    team: ops
    every: 5s
    queue: { source: things, table: thing, max_rowz: 0 }
"""


def rules(receivers: Receivers, folder: Path, **titles: str) -> str:
    """Return a configuration of rules with these names and titles; dashes for underscores."""
    return places(receivers, folder) + ANA_ALONE + rules_named(**titles)


def places(receivers: Receivers, folder: Path) -> str:
    """Return the beginning of a configuration: where messages go to, and where the table is."""
    return PLACES.format(
        slack=receivers.slack_port, smtp=receivers.smtp_port, database=folder / "things.db"
    )


def rules_named(**titles: str) -> str:
    """Return rules with these names and titles, to stand below `rules:`; dashes for underscores."""
    named = {name.replace("_", "-"): title for name, title in titles.items()}
    return "".join(RULE.format(name=name, title=title) for name, title in named.items())


def make_things(folder: Path) -> None:
    """Make the table that is watched; nothing in it is broken."""
    with closing(sqlite3.connect(folder / "things.db", isolation_level=None)) as database:
        database.execute("create table thing (id text primary key, broken integer not null)")
        database.execute("insert into thing values ('one', 0)")


def set_broken(folder: Path, broken: int) -> None:
    """Break the one thing, or mend it."""
    with closing(sqlite3.connect(folder / "things.db", isolation_level=None)) as database:
        database.execute("update thing set broken = ?", (broken,))


def log_lines(program: Program) -> list[dict[str, object]]:
    """Return what the program has logged: every line is one JSON object."""
    return [json.loads(line) for line in program.log.read_text().splitlines()]


@contextmanager
def small_program(folder: Path) -> Iterator[tuple[Program, Receivers]]:
    """Run the program in the small world, with one rule that sees the one thing."""
    make_things(folder)
    with running.receivers(folder) as receivers:
        text = rules(receivers, folder, thing_broken="The thing is broken")
        with running.program(receivers, demo=False, rules=text) as program:
            yield program, receivers
