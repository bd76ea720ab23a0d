"""What `actions:` of a rule may hold, as the file writes it."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.fields import PositiveCount, PositiveDuration
from rules.parsing import ParsedBy
from rules.request import BodyTemplate, Headers, UrlTemplate
from watchdog.config.problems import shown
from watchdog.config.shapes import Shape
from watchdog.config.types import Text, refusal
from watchdog.domain.acting import Guard

WITHIN_MAX = timedelta(seconds=60)
LABEL_MAX = 80
AT_MOST_MAX = 100
_AT_MOST = re.compile(r"([0-9]{1,3}) per (incident|day)")
_AT_MOST_HINT = "write it like `2 per incident` or `5 per day`"


def parse_at_most(given: object) -> tuple[int, bool]:
    """Return the number in `2 per incident` or `5 per day`, and whether it is per day."""
    match = _AT_MOST.fullmatch(given) if isinstance(given, str) else None
    if match is None or not 1 <= int(match[1]) <= AT_MOST_MAX:
        raise refusal(
            "bad_at_most",
            "`{given}` is not a number of runs",
            _AT_MOST_HINT,
            given=shown(str(given)),
        )
    return int(match[1]), match[2] == "day"


def _bounded(within: timedelta) -> timedelta:
    if within > WITHIN_MAX:
        hint = "whatever takes longer should answer `202` at once"
        raise refusal("bad_duration", "is longer than 1m", hint)
    return within


def _statuses(given: object) -> object:
    return [given] if isinstance(given, int) and not isinstance(given, bool) else given


AtMost = Annotated[
    tuple[int, bool],
    ParsedBy(parse_at_most, {"type": "string", "pattern": r"^\d+ per (incident|day)$"}),
]
Label = Annotated[Text, Field(max_length=LABEL_MAX)]
Within = Annotated[PositiveDuration, AfterValidator(_bounded)]
Status = Annotated[int, Field(ge=100, le=599)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(_statuses)]


class HttpCallShape(Shape):
    """A request: `post` or `put` says where to."""

    source: Text | None = Field(
        default=None, description="An `http` source, below whose address the path stands."
    )
    post: UrlTemplate | None = Field(
        default=None,
        description="A path of the source, or a whole address: `https://host/trigger`.",
    )
    put: UrlTemplate | None = Field(default=None, description="The same, by PUT.")
    body: BodyTemplate = Field(
        default=None,
        alias="json",
        description="What is sent, as JSON; `{{ entity.x }}` in it is encoded as its place needs.",
    )
    headers: Headers = Field(default={}, description="Sent with it; secrets by `${NAME}`.")
    ok: Statuses = Field(
        default=(200, 201, 202, 204), description="Statuses that say that it is done."
    )
    busy: Statuses = Field(
        default=(), description="Statuses that say that it is being done already."
    )
    timeout: Within = Field(
        default=timedelta(seconds=10),
        description="Total deadline, at most `1m`; after it nobody knows what came of it.",
    )

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "HttpCallShape":
        if (self.post is None) == (self.put is None):
            raise PydanticCustomError("one_of", "needs one of `post` and `put`", {})
        is_path = (self.post or self.put or "").startswith("/")
        if is_path and self.source is None:
            hint = {"hint": "name an `http` source, or write a whole address"}
            raise PydanticCustomError("needs", "has a path without a `source`", hint)
        if not is_path and self.source is not None:
            hint = {"hint": "begin it with `/`, below the address of the source"}
            raise PydanticCustomError("needs", "has a `source` and a whole address", hint)
        return self


class SqlChangeShape(Shape):
    """A change of rows."""

    source: Text = Field(description="A database that says `writes: true`.")
    statement: Text = Field(
        description="One `update`, `insert` or `delete`; `{{ entity.x }}`, `{{ now }}` and "
        "`{{ opened_at }}` in it become bound parameters."
    )
    max_rows: PositiveCount = Field(
        default=1, description="If it would change more rows than this, it changes none."
    )


class ActionShape(Shape):
    """A recovery action; exactly one of `http` and `sql` says what it does."""

    label: Label = Field(description="What it does, in a few words.")
    http: HttpCallShape | None = Field(default=None, description="A request.")
    sql: SqlChangeShape | None = Field(default=None, description="A change of rows.")
    requires: Literal["hypothesis", "nothing"] = Field(
        default="hypothesis", description="What its owner says before the first run."
    )
    again_requires: Literal["new_mitigation", "nothing"] = Field(
        default="new_mitigation",
        description="What its owner says before another run on the same incident.",
    )
    at_most: AtMost = Field(
        default=(3, False),
        description="Most runs on one incident, or of the rule within a day.",
    )
    guard: Guard = Field(
        default=Guard.STILL_OPEN,
        description="What must hold at the instant it takes effect: the incident is open, "
        "or its latest check was bad.",
    )
    two_people: bool = Field(
        default=False, description="Somebody else must approve each run within 15 minutes."
    )

    @model_validator(mode="after")
    def _does_one_thing(self) -> "ActionShape":
        if (self.http is None) == (self.sql is None):
            raise PydanticCustomError("one_of", "needs one of `http` and `sql`", {})
        return self
