"""The answer of an endpoint: what may be expected of it, and how its faults are said."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic_core import PydanticCustomError

from rules import jsonpath
from rules.base import HttpReply, Severity
from rules.comparison import Comparison, parse_comparison
from rules.durations import shown
from rules.fields import PositiveDuration, one_or_many
from rules.numbers import as_float
from rules.parsing import ParsedBy
from rules.values import dataclass
from rules.wording import FACT_MAX, clipped, number

WITHIN = timedelta(seconds=10)
"""Deadline of a request whose rule names none."""
PREFIX = "body."
_SNIPPET_BYTES = 1000


def _is_body_path(given: str) -> bool:
    return given.startswith(PREFIX) and jsonpath.steps(given.removeprefix(PREFIX)) is not None


def _bad_path(given: str, hint: str) -> PydanticCustomError:
    words = "`{given}` is nothing that an answer has"
    return PydanticCustomError("bad_path", words, {"given": shown(given), "hint": hint})


def body_path(given: str) -> str:
    """Return a path of the body, which begins with `body.`.

    Raises:
        PydanticCustomError: `bad_path`, with a `hint` that shows the right spelling.
    """
    if _is_body_path(given):
        return given
    path = given[len(PREFIX) :] if given.lower().startswith(PREFIX) else given
    is_path = jsonpath.steps(path) is not None and path != PREFIX.rstrip(".")
    raise _bad_path(given, f"write `{PREFIX}{path if is_path else 'items[0].id'}`")


def _demand(given: str) -> str:
    if not _is_body_path(given):
        hint = "write `status`, `within`, `json` or a path such as `body.items[0].id`"
        raise _bad_path(given, hint)
    return given


def _expectation(given: object) -> "Expected":
    return "exists" if given == "exists" else parse_comparison(given)


BodyPath = Annotated[str, AfterValidator(body_path)]
Demand = Annotated[str, AfterValidator(_demand)]
Expected: TypeAlias = Comparison | Literal["exists"]
Expectation = Annotated[
    Expected,
    ParsedBy(_expectation, {"type": ["string", "number", "boolean", "null"]}),
]
Status = Annotated[int, Field(ge=100, le=599, strict=True)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(one_or_many), Field(min_length=1)]


class Expect(BaseModel):
    """What an answer must be like; any 2xx by default.

    Beside the fields it takes `body.PATH`: a comparison that must hold, or `exists`.
    """

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)
    __pydantic_extra__: dict[Demand, Expectation]

    status: Statuses | None = Field(
        default=None, description="One status or several that are right; any 2xx by default."
    )
    within: PositiveDuration = Field(default=WITHIN, description="How long the answer may take.")
    is_json: bool = Field(
        default=False, alias="json", strict=True, description="The body must be JSON."
    )

    @property
    def body(self) -> Mapping[str, Expected]:
        """Return what is expected at each path of the body."""
        return self.__pydantic_extra__


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an answer.

    Attributes:
        speaks: Whether the answer's own words are an error; a number beyond a limit is none.
    """

    severity: Severity
    fact: str
    detail: str
    value: float | None = None
    limit: float | None = None
    speaks: bool = True


def value_at(document: Any, path: str) -> Any:
    """Return what stands at `body.PATH` of a document, or MISSING."""
    return jsonpath.value_at(document, jsonpath.steps(path.removeprefix(PREFIX)) or ())


def snippet(reply: HttpReply) -> str:
    """Return status and first words of an answer, as it would say what is wrong with it."""
    words = reply.body[:_SNIPPET_BYTES].decode("utf-8", "replace")
    return f"HTTP {reply.status}: {words}".rstrip(": ")


def beyond(severity: Severity, name: str, value: Any, limit: Comparison) -> Fault:
    """Return that a value is beyond its limit."""
    told = as_float(value)
    said = jsonpath.shown(value) if told is None else number(told)
    bound = {">": "max ", "<": "min "}.get(limit.operator, f"not {limit.operator} ")
    wanted = f"{bound}{limit.operand if limit.bound is None else number(limit.bound)}"
    return Fault(
        severity,
        named(name, f"{said} ({wanted})"),
        f"{name} is {said}, limit {wanted.removeprefix('max ').removeprefix('min ')}.",
        told,
        limit.bound,
        speaks=False,
    )


def named(name: str, rest: str) -> str:
    """Return `name rest` for a phone: the last step of the path, cut so that `rest` stays whole."""
    last = (jsonpath.steps(name) or (name,))[-1]
    return f"{clipped(last, max(8, FACT_MAX - 1 - len(rest)))} {rest}"
