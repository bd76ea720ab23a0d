"""An endpoint is down, slow or says something wrong."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import (
    Answer,
    Answers,
    Context,
    Entity,
    FailureClass,
    Finding,
    HttpFailure,
    HttpQuestion,
    HttpReply,
    Judgement,
    Question,
    Reading,
    Rows,
    Severity,
    Unanswered,
)
from rules.cells import text_of
from rules.demands import Demands
from rules.durations import format_duration
from rules.fields import ComparisonLimits, Least, Most, PositiveDuration
from rules.forecast import Forecast
from rules.placeholders import bind
from rules.reply import BodyPath, Expect, snippet
from rules.request import BodyTemplate, Headers, UrlTemplate, fill_body, fill_url, placeholders
from rules.settings import (
    EntityColumns,
    Settings,
    good,
    known_class,
    ordered,
    ordered_readings,
    unanswered,
)
from rules.sql import FixedQuery, SqlQuery

PROBES_MAX = 1000
"""Most requests of one evaluation; entities beyond are left out, and the judgement says so."""


class ForEach(BaseModel):
    """A query that lists what to probe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="A database, by its name under `sources:`.")
    query: SqlQuery = Field(description="Returns a row with the columns of `entity` for each.")
    also: EntityColumns = Field(
        default=(),
        description="Further columns for `url` and `body`, which differ from look to look.",
    )


class Same(BaseModel):
    """A value of a database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="A database, by its name under `sources:`.")
    query: FixedQuery = Field(
        description="Returns the value in a row, or one for each; with the columns of `entity`, "
        "it is compared with the row of the same entity."
    )


class Http(Settings):
    """Probes an endpoint, or one for each entity that a query lists.

    An endpoint that refuses, breaks off, does not answer in time or answers something else than it
    should is bad. Redirects are not followed. Broken expectations have the rule's severity.
    Queries are asked first, and nothing is probed while one of them cannot be asked.
    To look at another path of the body is to watch something else.
    """

    LIMITS: ClassVar[frozenset[str]] = Settings.LIMITS | {
        "expect",
        "values",
        "headers",
        "slow",
        "certificate",
        "forecast",
    }

    url: UrlTemplate = Field(
        description="A path below the source's address, or an address; `{{ entity.x }}` is filled."
    )
    method: Literal["GET", "HEAD", "POST", "PUT"] = Field(
        default="GET", description="How it is asked."
    )
    headers: Headers = Field(
        default_factory=dict, repr=False, description="Sent beside the source's own."
    )
    body: BodyTemplate = Field(
        default=None, description="What is sent; a mapping or a list goes as JSON."
    )
    expect: Expect = Field(
        default_factory=lambda: Expect.model_validate({}),
        description="What the answer must be like; any 2xx within 10 s by default.",
    )
    values: dict[BodyPath, ComparisonLimits] = Field(
        default_factory=dict, description="`body.PATH`: what makes the value there bad."
    )
    slow: Most[PositiveDuration] | None = Field(
        default=None, description="How long a good answer may take, less than `expect.within`."
    )
    certificate: Least[PositiveDuration] | None = Field(
        default=None, description="How long the certificate of an https address must still last."
    )
    forecast: Forecast | None = Field(
        default=None, description="A budget in the answer that must last until it is filled again."
    )
    same_as: dict[BodyPath, Same] = Field(
        default_factory=dict,
        description="`body.PATH`: a database, whose value the one there must equal.",
    )
    for_each: ForEach | None = Field(
        default=None, description="A query that lists what to probe; needs `entity`."
    )

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> "Http":
        if bool(self.entity_columns) != (self.for_each is not None):
            hint = "`for_each` lists what to probe, `entity` names its columns"
            raise PydanticCustomError(
                "one_of", "needs both `for_each` and `entity`", {"hint": hint}
            )
        also = self.for_each.also if self.for_each else ()
        for name in placeholders(self.url, self.body):
            if name not in (*self.entity, *also):
                raise PydanticCustomError(
                    "unknown_column", "`entity.{name}` is not in `entity`", {"name": name}
                )
        return self

    @model_validator(mode="after")
    def _slow_comes_before_too_late(self) -> "Http":
        limits = self.slow.levels(Severity.INFO) if self.slow else ()
        if any(limit >= self.expect.within for _, limit in limits):
            within = format_duration(self.expect.within)
            hint = {"within": within, "hint": "an answer that takes longer than that is none"}
            words = "`slow` is not below `expect.within`, {within}"
            raise PydanticCustomError("never", words, hint)
        return self

    @property
    def databases(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Return the names of the databases that are asked, and where in the settings they stand."""
        listing = ((("for_each", "source"), self.for_each.source),) if self.for_each else ()
        same = ((("same_as", path, "source"), one.source) for path, one in self.same_as.items())
        return (*listing, *same)

    def identity(self) -> str:
        """Return a digest of what is probed and of what is looked at in the answer."""
        paths = [*self.expect.body, *self.values, *(self.forecast.paths if self.forecast else ())]
        looked_at = ",".join(sorted([*paths, *(["certificate"] if self.certificate else [])]))
        return f"{super().identity()}:{looked_at}"

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask the databases first, for what to probe and what it must equal; then probe each.

        A database that did not answer while another did is asked once more: when it fails alone,
        the look has failed, and nothing is said about the endpoint.
        """
        lookups = self._lookups(context)
        if lookups and not answers:
            return lookups
        found, rounds = _looked_up(lookups, answers)
        if failed := _failed(lookups, found):
            return failed if len(answers) == 1 and len(failed) < len(lookups) else ()
        if rounds:
            return ()
        probed = islice(self._listed(found).values(), PROBES_MAX)
        return tuple(map(self._probe, probed))

    def _lookups(self, context: Context) -> tuple[Question, ...]:
        queries = [(one.source, one.query) for one in self.same_as.values()]
        if self.for_each is not None:
            queries.insert(0, (self.for_each.source, self.for_each.query))
        return tuple(bind(*query, context.dialect, now=context.now) for query in queries)

    def _listed(self, found: Sequence[Answer]) -> dict[Entity, Entity]:
        """Return what is listed, each with the values that fill its address."""
        if self.for_each is None:
            return {(): ()}
        listed, also = found[0], self.for_each.also
        assert isinstance(listed, Rows)
        rows: dict[Entity, Mapping[str, Any]] = {}
        for row in listed.rows:
            rows.setdefault(self._values(row, self.entity), row)
        return {entity: (*entity, *self._values(row, also)) for entity, row in rows.items()}

    def _held(self, found: Sequence[Answer], entity: Entity) -> dict[str, list[object]]:
        """Return what the databases hold for an entity, by the path that must equal it."""
        held: dict[str, list[object]] = {}
        for path, answer in zip(self.same_as, found[bool(self.for_each) :], strict=True):
            assert isinstance(answer, Rows)
            held[path] = [
                next((cell for name, cell in row.items() if name not in self.entity), None)
                for row in answer.rows
                if all(text_of(row[name]) == value for name, value in entity if name in row)
            ]
        return held

    def _values(self, row: Mapping[str, Any], names: Sequence[str]) -> Entity:
        missing = [name for name in names if name not in row]
        if missing:
            raise ValueError(f"the query of for_each returns no column `{missing[0]}`")
        return tuple((name, text_of(row[name])) for name in names)

    def _probe(self, values: Entity) -> HttpQuestion:
        headers = dict(self.headers)
        if isinstance(self.body, dict | list):
            headers.setdefault("content-type", "application/json")
        return HttpQuestion(
            self.source,
            fill_url(self.url, values),
            self.method,
            tuple(headers.items()),
            fill_body(self.body, values),
            self.expect.within,
            is_alone=self.certificate is not None,
        )

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each answer; an entity that could not be asked for is unknown."""
        lookups = self._lookups(context)
        found, rounds = _looked_up(lookups, answers)
        if _failed(lookups, found) or len(found) < len(lookups):
            return unanswered(context)
        listed = self._listed(found)
        said = rounds[0] if rounds else ()
        probed = dict(zip(islice(listed, PROBES_MAX), said, strict=True))
        asked = {e: a for e, a in probed.items() if isinstance(a, HttpReply | HttpFailure)}
        watched = set(context.watched)
        judged = [
            self._judge_one(context, entity, answer, self._held(found, entity), entity in watched)
            for entity, answer in asked.items()
        ]
        return Judgement(
            findings=ordered(one for one in judged if isinstance(one, Finding)),
            readings=ordered_readings(one for one in judged if isinstance(one, Reading)),
            unknown=tuple(entity for entity in probed if entity not in asked),
            has_data=bool(asked),
            truncated=len(listed) > PROBES_MAX or any(_is_cut(one) for one in found),
        )

    def _judge_one(
        self,
        context: Context,
        entity: Entity,
        answer: HttpReply | HttpFailure,
        held: Mapping[str, Sequence[object]],
        is_watched: bool,
    ) -> Finding | Reading | None:
        """Return what is wrong; of what is right its value, if somebody waits for that."""
        demands = Demands(
            self.expect,
            self.values,
            context.severity,
            context.now,
            self.slow,
            self.certificate,
            self.forecast,
            held,
        )
        if isinstance(answer, HttpFailure):
            faults, said = [demands.no_answer(answer)], f"{answer.reason}: {answer.detail}"
        else:
            faults, said = demands.faults(answer), snippet(answer)
        if not faults:
            assert isinstance(answer, HttpReply)
            return good(entity, *demands.first_value(answer)) if is_watched else None
        # max keeps the first of equals: the status before what the body says.
        worst = max(faults, key=lambda fault: fault.severity.rank)
        speaks = any(fault.speaks for fault in faults)
        return self.finding(
            context,
            worst.severity,
            error=said if speaks else None,
            recognised=self._class_of_status(context, answer) if speaks else None,
            entity=entity,
            value=worst.value,
            limit=worst.limit,
            fact=worst.fact,
            detail=" ".join(fault.detail for fault in faults[:5]),
        )

    def _class_of_status(
        self, context: Context, answer: HttpReply | HttpFailure
    ) -> FailureClass | None:
        """Return the class of the bare status: it says more than the words of an error page."""
        if isinstance(answer, HttpFailure) or answer.status < 400:
            return None
        return known_class(context, self.failure_class, f"HTTP {answer.status}")


def _looked_up(lookups: Sequence[Question], answers: Answers) -> tuple[list[Answer], Answers]:
    """Return what the databases said in the end, and the rounds of answers behind."""
    if not lookups or not answers:
        return [], answers
    found = list(answers[0])
    failed = [place for place, answer in enumerate(found) if isinstance(answer, Unanswered)]
    if not failed or len(failed) == len(found):
        return found, answers[1:]
    for place, answer in zip(failed, answers[1] if len(answers) > 1 else (), strict=False):
        found[place] = answer
    return found, answers[2:]


def _failed(lookups: Sequence[Question], found: Sequence[Answer]) -> tuple[Question, ...]:
    pairs = zip(lookups, found, strict=False)
    return tuple(question for question, answer in pairs if isinstance(answer, Unanswered))


def _is_cut(answer: Answer) -> bool:
    return isinstance(answer, Rows) and answer.truncated
