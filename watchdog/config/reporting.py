"""Reports: what a team wrote to values, every mistake at its place."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from notifiers.report import PARTS_MAX
from rules.cron import Cron, parse_cron
from rules.parsing import ParsedBy
from rules.timetable import CronLine
from rules.values import dataclass
from watchdog.config.gather import Gathered
from watchdog.config.model import Query, Report, ReportPart, ReportSample, Source, WeeklyReport
from watchdog.config.nodes import Entry, Scalar, Spot, find
from watchdog.config.problems import Problem, did_you_mean, listed
from watchdog.config.secrets import located
from watchdog.config.sections import (
    SectionReader,
    Settings,
    check_name,
    item_span,
    said,
    writer_read,
    written,
)
from watchdog.config.shapes import Shape
from watchdog.config.types import DAYS, Names, Text, TimeOfDay, one_or_many, refusal
from watchdog.config.weekly import WeeklyReader, is_weekly
from watchdog.config.windows import Days
from watchdog.domain.people import Team
from watchdog.domain.samples import Reading

DATABASES = ("postgres", "sqlite")
WAYS = ("slack", "email")
_EVERY_DAY = frozenset(range(len(DAYS)))

Receivers = Annotated[
    tuple[Literal["slack", "email"], ...],
    Field(min_length=1),
    BeforeValidator(one_or_many),
]


def _quotient(given: object) -> tuple[str, str]:
    if isinstance(given, list) and len(given) == 2 and all(isinstance(one, str) for one in given):
        return given[0], given[1]
    raise refusal("bad_quotient", "is no pair of columns", "write it like `[issues, syncs]`")


Quotient = Annotated[tuple[str, str], ParsedBy(_quotient, {"type": "array"})]


class PartShape(Shape):
    """One part of a report: `figures` or a `table`."""

    title: Text | None = Field(default=None, description="What stands above it.")
    source: Text = Field(description="The database that is asked.")
    figures: Text | None = Field(
        default=None, description="A query for one row; each column is a figure with its label."
    )
    table: Text | None = Field(
        default=None, description="A query for a table; its first 20 rows are shown."
    )

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "PartShape":
        if (self.figures is None) == (self.table is None):
            raise PydanticCustomError("one_of", "needs `figures` or `table`, one of them", {})
        return self


class SampleShape(Shape):
    """Figures that are kept once a day, for summaries of many days."""

    title: Text | None = Field(default=None, description="What they are called there.")
    source: Text = Field(description="The database that is asked.")
    query: Text = Field(description="A query for one row of numbers.")
    rising: Names = Field(
        default=(),
        description="Columns that only ever rise: a day's figure is the difference to the day before.",
    )
    per: dict[Text, Quotient] = Field(
        default={},
        description="Further figures, each one column divided by another: `{ each: [sum, count] }`.",
    )


class ReportShape(Shape):
    """What is asked at a time of the day, and who reads it."""

    title: Text = Field(description="What the report is called in its message.")
    team: Text | None = Field(default=None, description="Whose channel and address it goes to.")
    at: TimeOfDay | None = Field(
        default=None, description="Time of the day in the team's zone, `08:00`."
    )
    days: Days | None = Field(default=None, description="On these days; on all by default.")
    cron: CronLine | None = Field(
        default=None, description="Instead of `at` and `days`; at most once a day."
    )
    send: Receivers | None = Field(
        default=None,
        description="To the team's channel, its address, or both; by default to all that it has, "
        "and to its lead if it has neither.",
    )
    parts: dict[Text, PartShape] = Field(
        description=f"What it says, in this order; at most {PARTS_MAX}."
    )
    samples: dict[Text, SampleShape] = Field(
        default={}, description="Figures that are kept every day at this time, and sent to nobody."
    )

    open_info: Names = Field(
        default=(),
        description="Rules, or patterns such as `orders-*`, whose open incidents of severity `info` are "
        "listed as a last part.",
    )

    @model_validator(mode="after")
    def _says_when(self) -> "ReportShape":
        if (self.at is None) == (self.cron is None):
            raise PydanticCustomError("one_of", "needs `at` or `cron`, one of them", {})
        if self.cron is not None and self.days is not None:
            hint = {"hint": "the line says its days itself"}
            raise PydanticCustomError("one_of", "has `days` beside `cron`", hint)
        most = PARTS_MAX - bool(self.open_info)
        if not 1 <= len(self.parts) <= most:
            beside = " beside `open_info`" if self.open_info else ""
            raise PydanticCustomError("bad_parts", f"needs 1 to {most} `parts`{beside}", {})
        return self


def read_reports(
    gathered: Gathered, settings: Settings
) -> tuple[dict[str, Report | WeeklyReport], list[Problem]]:
    """Return the reports of the files and packs that are right, and what is wrong with the others."""
    own = replace(settings, problems=[])
    reader, weekly = _ReportReader(gathered, own), WeeklyReader(gathered, own)
    found: dict[str, Report | WeeklyReport] = {}
    seen: dict[str, Entry] = {}
    for entry in _entries(gathered, own):
        name = entry.key.text
        first = seen.setdefault(name, entry)
        if first is not entry:
            words = f"report `{said(entry.key)}` is declared twice"
            related = (first.key.span.place, "the first one is here")
            reader.add("duplicate-name", words, entry.key.span, related=related)
        elif report := (weekly if is_weekly(entry) else reader).read(entry):
            found[name] = report
    return found, own.problems


def _entries(gathered: Gathered, settings: Settings) -> Iterator[Entry]:
    yield from gathered.named("reports").values()
    for pack in gathered.named("packs").values():
        from watchdog.config import packs

        for made in packs.expand(pack, gathered, "reports"):
            settings.problems += made.problems
            if made.is_whole:
                yield made.entry


@dataclass(slots=True)
class _ReportReader(SectionReader):
    """Reads one report after the other."""

    def __init__(self, gathered: Gathered, into: Settings) -> None:
        self.gathered = gathered
        self.into = into

    def read(self, entry: Entry) -> Report | None:
        """Return a report, or None after having said what is wrong with it."""
        said_before = len(self.into.problems)
        problem = check_name(entry)
        if problem:
            self.into.problems.append(problem)
        shape = self.shape(ReportShape, entry, "a report")
        if shape is None:
            return None
        team = self.team(shape, entry)
        send = self.send(shape, team, entry) if team else ()
        cron = self.cron(shape, entry)
        parts = [self.part(name, one, entry) for name, one in shape.parts.items()]
        samples = [self.sample(name, one, entry) for name, one in shape.samples.items()]
        if (
            any(one.is_error for one in self.into.problems[said_before:])
            or team is None
            or cron is None
        ):
            return None
        return Report(
            entry.key.text,
            shape.title,
            team.name,
            cron,
            team.zone,
            send,
            tuple(one for one in parts if one),
            tuple(one for one in samples if one),
            shape.open_info,
            entry.key.span.place,
        )

    def team(self, shape: ReportShape, entry: Entry) -> Team | None:
        name = shape.team or self.into.defaults.team
        spot = find(entry.value, ("team",), entry.key)
        if name is None:
            if self.gathered.is_whole:
                label = "write `team:` here or in `defaults:`"
                self.add("missing-key", "a report needs a `team`", entry.key.span, label)
            return None
        if shape.team and not self.known("teams", name, spot):
            return None
        return self.into.teams.get(name)

    def send(self, shape: ReportShape, team: Team, entry: Entry) -> tuple[str, ...]:
        """Return the ways to the team, none where only its lead can be reached; complain about others."""
        there = tuple(way for way in WAYS if getattr(team, way))
        spot = find(entry.value, ("send",), entry.key)
        for way in shape.send or ():
            if way not in there:
                words = f"the team `{team.name}` has no `{way}`, so nobody gets the report there"
                label = f"write `{way}:` under `teams:`"
                self.add("no-receiver", words, item_span(spot, way), label)
        return shape.send or there

    def cron(self, shape: ReportShape, entry: Entry) -> Cron | None:
        """Return the line with the one time of the day at which the report is due."""
        if shape.cron is None:
            return at_on(shape.at, shape.days) if shape.at else None
        cron = parse_cron(shape.cron)
        if len(cron.times) > 1 or cron.keeps_pace:
            words = "a report comes at most once a day"
            span = find(entry.value, ("cron",), entry.key).span
            self.add("bad-cron", words, span, "write one minute and one hour: `0 8 1 * *`")
        return cron

    def part(self, name: str, shape: PartShape, entry: Entry) -> ReportPart | None:
        key = "table" if shape.table else "figures"
        text = shape.table or shape.figures
        if text is None:
            return None
        query = self.query(shape.source, text, ("parts", name), key, entry)
        title = shape.title or _words(name)
        return ReportPart(title, query, is_table=key == "table") if query else None

    def sample(self, name: str, shape: SampleShape, entry: Entry) -> ReportSample | None:
        query = self.query(shape.source, shape.query, ("samples", name), "query", entry)
        if query is None:
            return None
        return ReportSample(
            name, shape.title or _words(name), query, Reading(shape.rising, shape.per)
        )

    def query(
        self, source: str, text: str, path: tuple[str, ...], key: str, entry: Entry
    ) -> Query | None:
        """Return the query at a place, or complain about it or its source."""
        database = self.database(source, find(entry.value, (*path, "source"), entry.key))
        self.check_query(text, find(entry.value, (*path, key), entry.key))
        return Query(database.name, text, database.dialect) if database else None

    def database(self, name: str, spot: Spot) -> Source | None:
        declared = self.into.declared["sources"]
        source = self.into.sources.get(name)
        if name not in declared and self.gathered.is_whole:
            words = f"no source is called `{written(spot, name)}`"
            self.add("unknown-source", words, spot.span, did_you_mean(name, declared))
        elif source and source.type not in DATABASES:
            fitting = [one.name for one in self.into.sources.values() if one.type in DATABASES]
            words = f"`{written(spot, name)}` is a source of the type `{source.type}`"
            what = f"a report asks {' or '.join(DATABASES)}"
            label = f"{what}: {listed(fitting)}" if fitting else what
            self.add("wrong-source-type", words, spot.span, label)
        elif source and source.writes:
            self.into.problems.append(writer_read(spot, name))
        return source

    def check_query(self, text: str, spot: Spot) -> None:
        from rules.placeholders import check

        node = spot.value
        for problem in check(text, opened_at=False):
            span = node.span
            if isinstance(node, Scalar):
                at = problem.at + max(0, node.text.find(text))
                span = located(node, self.gathered.texts, at)
            self.add("bad-sql", problem.text, span, problem.hint)


def at_on(at: time, days: Iterable[int] | None) -> Cron:
    """Return the line for a time of the day on these days; 0 is Monday, None is every day."""
    named = _EVERY_DAY if days is None else frozenset(days)
    on = "*" if named == _EVERY_DAY else ",".join(DAYS[day] for day in sorted(named))
    return parse_cron(f"{at.minute} {at.hour} * * {on}")


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").capitalize()
