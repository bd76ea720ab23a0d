"""An endpoint is down, slow or says something wrong."""

from collections.abc import Mapping
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
)
from rules.fields import ComparisonLimits
from rules.placeholders import bind
from rules.reply import BodyPath, Demands, Expect, snippet
from rules.request import BodyTemplate, Headers, UrlTemplate, fill_body, fill_url, placeholders
from rules.settings import Settings, good, known_class, ordered, ordered_readings, unanswered
from rules.sql import SqlQuery, text_of

PROBES_MAX = 1000
"""Most requests of one evaluation; entities beyond are left out, and the judgement says so."""


class ForEach(BaseModel):
    """A query that lists what to probe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="A database, by its name under `sources:`.")
    query: SqlQuery = Field(description="Returns a row with the columns of `entity` for each.")


class Http(Settings):
    """Probes an endpoint, or one for each entity that a query lists.

    An endpoint that refuses, breaks off, does not answer in time or answers something else than it
    should is bad. Redirects are not followed. Broken expectations have the rule's severity.
    To look at another path of the body is to watch something else.
    """

    LIMITS: ClassVar[frozenset[str]] = Settings.LIMITS | {"expect", "values", "headers"}

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
        for name in placeholders(self.url, self.body):
            if name not in self.entity:
                raise PydanticCustomError(
                    "unknown_column", "`entity.{name}` is not in `entity`", {"name": name}
                )
        return self

    def identity(self) -> str:
        """Return a digest of what is probed and of the paths that are looked at."""
        looked_at = ",".join(sorted([*self.expect.body, *self.values]))
        return f"{super().identity()}:{looked_at}"

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask for the entities first where a query lists them, then probe each."""
        if self.for_each is None:
            return () if answers else (self._probe(()),)
        if not answers:
            listing = self.for_each
            return (bind(listing.source, listing.query, context.dialect, now=context.now),)
        if len(answers) > 1:
            return ()
        return tuple(self._probe(entity) for entity in self._listed(answers)[:PROBES_MAX])

    def _listed(self, answers: Answers) -> list[Entity]:
        listed = answers[0][0]
        if not isinstance(listed, Rows):
            return []
        return list(dict.fromkeys(self._entity_of(row) for row in listed.rows))

    def _entity_of(self, row: Mapping[str, Any]) -> Entity:
        missing = [name for name in self.entity if name not in row]
        if missing:
            raise ValueError(f"the query of for_each returns no column `{missing[0]}`")
        return tuple((name, text_of(row[name])) for name in self.entity)

    def _probe(self, entity: Entity) -> HttpQuestion:
        headers = dict(self.headers)
        if isinstance(self.body, dict | list):
            headers.setdefault("content-type", "application/json")
        return HttpQuestion(
            self.source,
            fill_url(self.url, entity),
            self.method,
            tuple(headers.items()),
            fill_body(self.body, entity),
            self.expect.within,
        )

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each answer; an entity that could not be asked for is unknown."""
        if self.for_each is None:
            probed: list[tuple[Entity, Answer]] = [((), answers[0][0])]
            truncated = False
        else:
            listed = answers[0][0]
            if not isinstance(listed, Rows):
                return unanswered(context)
            replies = answers[1] if len(answers) > 1 else ()
            entities = self._listed(answers)
            probed = list(zip(entities[:PROBES_MAX], replies, strict=True))
            truncated = listed.truncated or len(entities) > PROBES_MAX
        asked = {e: a for e, a in probed if isinstance(a, HttpReply | HttpFailure)}
        found = [self._judge_one(context, entity, answer) for entity, answer in asked.items()]
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            unknown=tuple(entity for entity, _ in probed if entity not in asked),
            has_data=bool(asked),
            truncated=truncated,
        )

    def _judge_one(
        self, context: Context, entity: Entity, answer: HttpReply | HttpFailure
    ) -> Finding | Reading:
        demands = Demands(self.expect, self.values, context.severity)
        if isinstance(answer, HttpFailure):
            faults, said = [demands.no_answer(answer)], f"{answer.reason}: {answer.detail}"
        else:
            faults, said = demands.faults(answer), snippet(answer)
        if not faults:
            assert isinstance(answer, HttpReply)
            return good(entity, *demands.first_value(answer))
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
