"""Every statement of every pack on tables of a million rows: how long, and what it reads."""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from bench.large_tables import NOW, LargeTables, large_tables
from bench.machine import ended_cpu_s, family_cpu_s
from bench.plans import Read, postgres_reads, sqlite_reads
from rules.base import Answers, Context, Entity, Rows, SqlQuestion
from rules.spans import short_span
from watchdog.config.model import Query, Rule
from watchdog.store.embedded import Embedded

STATEMENTS = Path(__file__).with_name("packs.json")
LARGE_ROWS = 10_000
"""A table with fewer rows may be read as a whole."""

_SERVER = {
    "max_parallel_workers_per_gather": "2",
    "jit": "on",
    "shared_buffers": "256MB",
    "autovacuum": "off",
}
"""Planner and memory as most servers of others have them; nothing else works on the tables."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a pack.

    Attributes:
        part: `look`, `look again`, `unless`, `verify NAME` or `evidence NAME`.
        every: How often it is asked; None for what is asked once, when an incident opens.
    """

    rule: Rule
    part: str
    every: timedelta | None
    question: SqlQuestion

    @property
    def name(self) -> str:
        """Return what it is called in the table."""
        return f"{self.rule.name} {self.part}".removesuffix(" look")

    @property
    def is_frequent(self) -> bool:
        """Return whether it is asked every minute."""
        return self.every is not None and self.every <= timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a statement took in the middle of some runs, and what it read.

    Attributes:
        least_ms: The quickest of the runs, which had to wait least for others on the machine.
        cpu_ms: Of the server, or of the thread that reads the file: what a busy machine changes less.
    """

    name: str
    every: str
    ms: float
    least_ms: float
    cpu_ms: float
    reads: list[Read]
    is_frequent: bool

    @property
    def goal_ms(self) -> int:
        """Return how long it may take."""
        return 50 if self.is_frequent else 500

    def row(self) -> str:
        """Return a line of the table."""
        rows = [one.rows for one in self.reads if one.rows is not None]
        how = dict.fromkeys(
            f"{'all of ' if one.is_whole else ''}{one.index or one.table}" for one in self.reads
        )
        cells = (
            self.name,
            self.every,
            f"{self.ms:,.1f}{' !' if self.ms > self.goal_ms else ''}",
            f"{self.least_ms:,.1f}{' !' if self.least_ms > self.goal_ms else ''}",
            f"{self.cpu_ms:,.1f}",
            f"{sum(rows):,}" if rows else "",
            ", ".join(how),
        )
        return f"| {' | '.join(cells)} |"


async def packs(*, quick: bool) -> dict[str, float]:
    """Make the tables, and ask every statement a few times."""
    rows, runs = (100_000, 3) if quick else (1_000_000, 7)
    with tempfile.TemporaryDirectory(prefix="watchdog-bench-") as folder:
        Path(folder).chmod(0o755)
        async with (
            Embedded(Path(folder) / "data", _SERVER) as embedded,
            large_tables(embedded.dsn, Path(folder), rows) as tables,
        ):
            measured = await measure(tables, embedded.pid, runs)
    STATEMENTS.write_text(json.dumps([asdict(one) for one in measured], indent=2), "utf-8")
    return {
        "every_minute_ms": max(one.ms for one in measured if one.is_frequent),
        "other_ms": max(one.ms for one in measured if not one.is_frequent),
        "every_minute_cpu_ms": max(one.cpu_ms for one in measured if one.is_frequent),
        "other_cpu_ms": max(one.cpu_ms for one in measured if not one.is_frequent),
    }


async def measure(tables: LargeTables, server_pid: int, runs: int) -> list[Measured]:
    """Ask every statement; a line of the table is printed for each as soon as it is known."""
    _print("| statement | every | median ms | least ms | cpu ms | rows read | through |")
    _print("| --- | --- | ---: | ---: | ---: | ---: | --- |")
    measured = []
    async for one in statements(tables):
        await _took_ms(tables, one.question)
        began_s = _used_s(server_pid)
        ms = [await _took_ms(tables, one.question) for _ in range(runs)]
        ended_s = _used_s(server_pid)
        place = one.question.source == "web"
        found = Measured(
            one.name,
            short_span(one.every) if one.every else "once",
            statistics.median(ms),
            min(ms),
            1000 * (ended_s[place] - began_s[place]) / runs,
            await reads_of(tables, one.question),
            one.is_frequent,
        )
        _print(found.row())
        measured.append(found)
    return measured


def _used_s(server_pid: int) -> tuple[float, float]:
    """Return the seconds of CPU that the server has used, and we ourselves."""
    return family_cpu_s(server_pid) + ended_cpu_s(server_pid), time.process_time()


def _print(line: str) -> None:
    # The figures go to the standard output, for the process that gathers them.
    print(line, file=sys.stderr, flush=True)


async def _took_ms(tables: LargeTables, question: SqlQuestion) -> float:
    answer = await tables.sources[question.source].answer(question)
    assert isinstance(answer, Rows), f"{answer}: {question.text}"
    return 1000 * answer.took.total_seconds()


async def reads_of(tables: LargeTables, question: SqlQuestion) -> list[Read]:
    """Return what a statement reads of the users' tables."""
    if question.source == "web":
        reads = sqlite_reads(tables.path, question)
    else:
        reads = await postgres_reads(tables.sources[question.source], question)
    return [one for one in reads if one.table in tables.counts]


def whole_reads(tables: LargeTables, reads: Sequence[Read]) -> set[str]:
    """Return the large tables that are read as a whole, though not for their first rows only."""
    return {
        one.table
        for one in reads
        if one.index is None
        and one.is_whole
        and tables.counts[one.table] >= LARGE_ROWS
        and (one.rows is None or one.rows >= LARGE_ROWS)
    }


async def statements(tables: LargeTables) -> AsyncIterator[Statement]:
    """Yield what each rule asks at a look, and what it asks while it is bad."""
    for rule in tables.rules:
        async for one in _looks(rule, tables):
            yield one
        for one in _queries(rule):
            yield one


async def _looks(rule: Rule, tables: LargeTables) -> AsyncIterator[Statement]:
    for watched, part in (((), "look"), ((_entity(rule),), "look while bad")):
        answers: Answers = ()
        context = Context(
            NOW, watched, rule.dialect, rule.severity, rule.classifier, active=rule.active
        )
        while questions := rule.kind.ask(context, answers):
            asked = [one for one in questions if isinstance(one, SqlQuestion)]
            for one in asked:
                yield Statement(rule, part + " again" * len(answers), rule.every, one)
            if len(asked) < len(questions):
                break
            answers = (
                *answers,
                tuple([await tables.sources[one.source].answer(one) for one in asked]),
            )


def _entity(rule: Rule) -> Entity:
    values = {"organization_id": "org-1", "system_type": "zendesk", "tier": "pro"}
    return tuple((column, values.get(column, "w1")) for column in rule.kind.entity)


def _queries(rule: Rule) -> Iterator[Statement]:
    entity = _entity(rule)
    if isinstance(rule.unless, Query):
        yield Statement(rule, "unless", rule.every, rule.unless.question(NOW, entity))
    for name, query in rule.verify.items():
        yield Statement(rule, f"verify {name}", rule.every, query.question(NOW, entity, NOW))
    for name, query in rule.evidence.items():
        yield Statement(rule, f"evidence {name}", None, query.question(NOW, entity, NOW))
