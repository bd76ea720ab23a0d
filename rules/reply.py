"""What is wrong with the answer of an endpoint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from rules import jsonpath
from rules.base import HttpFailure, HttpReply, Severity
from rules.comparison import Comparison, parse_comparison
from rules.fields import (
    Limits,
    PositiveDuration,
    one_or_many,
)
from rules.numbers import as_float
from rules.wording import FACT_MAX, brief_span, clipped, long_span, number

WITHIN = timedelta(seconds=10)
"""Deadline of a request whose rule names none."""
_PREFIX = "body."
_SNIPPET_BYTES = 1000
_NO_ANSWER = {
    "refused": "connection refused",
    "reset": "connection reset",
    "tls": "TLS failed",
    "protocol": "broken answer",
    "too_large": "answer too large",
}


def _body_path(given: str) -> str:
    if not given.startswith(_PREFIX) or jsonpath.steps(given.removeprefix(_PREFIX)) is None:
        hint = "write `status`, `within`, `json` or a path such as `body.items[0].id`"
        raise PydanticCustomError(
            "bad_path", "`{given}` is nothing that an answer has", {"given": given, "hint": hint}
        )
    return given


def _expectation(given: object) -> "Expected":
    return "exists" if given == "exists" else parse_comparison(given)


BodyPath = Annotated[str, AfterValidator(_body_path)]
Expected: TypeAlias = Comparison | Literal["exists"]
Expectation = Annotated[
    Expected,
    PlainValidator(_expectation),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
Status = Annotated[int, Field(ge=100, le=599, strict=True)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(one_or_many), Field(min_length=1)]


class Expect(BaseModel):
    """What an answer must be like; any 2xx by default.

    Beside the fields it takes `body.PATH`: a comparison that must hold, or `exists`.
    """

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)
    __pydantic_extra__: dict[BodyPath, Expectation]

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


@dataclass(frozen=True, slots=True)
class Demands:
    """What a rule demands of an answer.

    Attributes:
        severity: Of everything but `values` with levels.
    """

    expect: Expect
    values: Mapping[str, Limits[Comparison]]
    severity: Severity

    def faults(self, reply: HttpReply) -> list[Fault]:
        """Return everything that is wrong with `reply`, the most telling first."""
        found = [*self._status(reply), *self._took(reply)]
        if not (self.expect.is_json or self.expect.body or self.values):
            return found
        if reply.truncated:
            return [*found, self._fault("answer too large", "The answer is too long to be read.")]
        try:
            document = jsonpath.parse(reply.body)
        except jsonpath.BadJsonError:
            return [*found, self._fault("answer is not JSON", "The answer is not JSON.")]
        return [*found, *self._expected(document), *self._limited(document)]

    def no_answer(self, failure: HttpFailure) -> Fault:
        """Return that there was no answer."""
        within = brief_span(self.expect.within)
        told = _NO_ANSWER.get(failure.reason, f"no answer within {within}")
        took = failure.took.total_seconds()
        return Fault(self.severity, told, failure.detail or f"{told.capitalize()}.", took)

    def _fault(self, fact: str, detail: str) -> Fault:
        return Fault(self.severity, fact, detail)

    def _status(self, reply: HttpReply) -> Iterator[Fault]:
        allowed = self.expect.status
        if reply.status in allowed if allowed else 200 <= reply.status <= 299:
            return
        wanted = " or ".join(str(one) for one in allowed) if allowed else "2xx"
        yield self._fault(
            f"HTTP {reply.status} (expected {wanted})",
            f"It answers {reply.status}, expected {wanted}.",
        )

    def _took(self, reply: HttpReply) -> Iterator[Fault]:
        within = self.expect.within
        if reply.took > within:
            yield Fault(
                self.severity,
                f"took {brief_span(reply.took)} (max {brief_span(within)})",
                f"It answers in {long_span(reply.took)}, limit {long_span(within)}.",
                reply.took.total_seconds(),
                within.total_seconds(),
                speaks=False,
            )

    def _expected(self, document: Any) -> Iterator[Fault]:
        for path, expected in self.expect.body.items():
            value = value_at(document, path)
            name = path.removeprefix(_PREFIX)
            if isinstance(expected, str):
                if value is jsonpath.MISSING or value is None:
                    said = jsonpath.shown(value)
                    yield self._fault(
                        _named(name, f"is {said}"), f"{name} is {said} in the answer."
                    )
            elif value is jsonpath.MISSING or not expected.holds(value):
                said, wanted = jsonpath.shown(value), str(expected).removeprefix("= ")
                yield self._fault(
                    _named(name, f"{said} (expected {wanted})"),
                    f"{name} is {said}, expected {wanted}.",
                )

    def _limited(self, document: Any) -> Iterator[Fault]:
        for path, limits in self.values.items():
            value, name = value_at(document, path), path.removeprefix(_PREFIX)
            for severity, limit in limits.levels(self.severity):
                if limit.bound is not None and as_float(value) is None:
                    said = jsonpath.shown(value)
                    fact = _named(name, f"is {said}, no number")
                    yield self._fault(fact, f"{name} is {said} where a number is expected.")
                    break
                if limit.holds(value):
                    yield _beyond(severity, name, value, limit)
                    break

    def first_value(self, reply: HttpReply) -> tuple[float, str, str]:
        """Return value, fact and detail of an answer in which nothing is wrong."""
        for path, limits in self.values.items():
            document = jsonpath.parse(reply.body)
            value = value_at(document, path)
            told = as_float(value)
            if told is not None:
                limit = limits.levels(self.severity)[-1][1]
                fault = _beyond(self.severity, path.removeprefix(_PREFIX), value, limit)
                return told, fault.fact, fault.detail
        took, within = reply.took, self.expect.within
        fact = f"HTTP {reply.status} in {brief_span(took)}"
        detail = f"It answers {reply.status} in {long_span(took)}, limit {long_span(within)}."
        return took.total_seconds(), fact, detail


def value_at(document: Any, path: str) -> Any:
    """Return what stands at `body.PATH` of a document, or MISSING."""
    return jsonpath.value_at(document, jsonpath.steps(path.removeprefix(_PREFIX)) or ())


def snippet(reply: HttpReply) -> str:
    """Return status and first words of an answer, as it would say what is wrong with it."""
    words = reply.body[:_SNIPPET_BYTES].decode("utf-8", "replace")
    return f"HTTP {reply.status}: {words}".rstrip(": ")


def _beyond(severity: Severity, name: str, value: Any, limit: Comparison) -> Fault:
    told = as_float(value)
    said = jsonpath.shown(value) if told is None else number(told)
    bound = {">": "max ", "<": "min "}.get(limit.operator, f"not {limit.operator} ")
    wanted = f"{bound}{limit.operand if limit.bound is None else number(limit.bound)}"
    return Fault(
        severity,
        _named(name, f"{said} ({wanted})"),
        f"{name} is {said}, limit {wanted.removeprefix('max ').removeprefix('min ')}.",
        told,
        limit.bound,
        speaks=False,
    )


def _named(name: str, rest: str) -> str:
    """Return `name rest` for a phone: the last step of the path, cut so that `rest` stays whole."""
    last = (jsonpath.steps(name) or (name,))[-1]
    return f"{clipped(last, max(8, FACT_MAX - 1 - len(rest)))} {rest}"
