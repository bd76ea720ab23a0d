"""Who is ill has somebody else answer: arranged on the command line while the service runs."""

import csv
import io
import re

from tests.acceptance.nights import REOPEN_WINDOW, SECONDS_TO_OPEN, SECONDS_TO_RECOVER
from tests.acceptance.running import Program

TEAMS = ("support-ops", "engineering")


def cover(program: Program, team: str) -> str:
    """Let tom answer for a team for an hour; return the number of the cover."""
    words = ("oncall", "cover", team, "--who", "tom", "--until", "1h", "--as", "ana")
    said = program.run(*words)
    return str(re.findall(r"^tom covers .* \(cover (\d+)\)\.$", said, re.MULTILINE)[0])


def owners(program: Program) -> dict[str, str]:
    """Return the owner of each incident that is not resolved, by its number."""
    listed = program.run("incidents", "-o", "tsv").splitlines()
    table = "\n".join(line for line in listed if "\t" in line)
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {row["id"]: row["owner"] for row in rows}


def test_whoever_covers_owns_and_is_told_of_what_opens_then(program: Program) -> None:
    program.jump(REOPEN_WINDOW.total_seconds())
    numbers = [cover(program, team) for team in TEAMS]
    before = owners(program)
    program.say("demo", "break", "S1")
    program.advance(SECONDS_TO_OPEN)
    opened = owners(program).items() - before.items()
    program.say("demo", "mend", "S1")
    program.advance(SECONDS_TO_RECOVER)
    assert {owner for _, owner in opened} == {"tom (not taken)"}
    assert "support-ops tom" in program.run("status", code=None)
    for number in numbers:
        program.run("oncall", "end", number, "--as", "ana")
    assert "tom" not in program.run("oncall", "-o", "tsv")
