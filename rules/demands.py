"""What is wrong with the answer of an endpoint."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from rules import jsonpath
from rules.base import HttpFailure, HttpReply, Severity
from rules.cells import text_of
from rules.comparison import Comparison
from rules.fields import Limits
from rules.forecast import Forecast
from rules.numbers import as_float, from_sql
from rules.reply import PREFIX, Expect, Fault, beyond, named, value_at
from rules.settings import crossed, mildest
from rules.spans import short_span
from rules.values import dataclass
from rules.wording import brief_span, long_span

_NO_ANSWER = {
    "refused": "connection refused",
    "reset": "connection reset",
    "tls": "TLS failed",
    "protocol": "broken answer",
    "too_large": "answer too large",
}


@dataclass(frozen=True, slots=True)
class Demands:
    """What a rule demands of an answer.

    Attributes:
        severity: Of everything but limits with levels.
        equal: What a database holds of each path; the value there must be one of it.
    """

    expect: Expect
    values: Mapping[str, Limits[Comparison]]
    severity: Severity
    now: datetime
    slow: Limits[timedelta] | None = None
    certificate: Limits[timedelta] | None = None
    forecast: Forecast | None = None
    equal: Mapping[str, Sequence[object]] = field(default_factory=dict)

    def faults(self, reply: HttpReply) -> list[Fault]:
        """Return everything that is wrong with `reply`, the most telling first."""
        found = [*self._status(reply), *self._took(reply), *self._certified(reply)]
        of_body = self.expect.body or self.values or self.equal or self.forecast
        if not (self.expect.is_json or of_body):
            return found
        if reply.truncated:
            return [*found, self._fault("answer too large", "The answer is too long to be read.")]
        try:
            document = jsonpath.parse(reply.body)
        except jsonpath.BadJsonError:
            return [*found, self._fault("answer is not JSON", "The answer is not JSON.")]
        return [
            *found,
            *self._expected(document),
            *self._equal(document),
            *self._limited(document),
            *self._foreseen(document),
        ]

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
            yield _answered_in(reply.took, within, self.severity)
        elif over := self.slow and crossed(self.slow, reply.took, self.severity):
            severity, limit = over
            yield _answered_in(reply.took, limit, severity)

    def _certified(self, reply: HttpReply) -> Iterator[Fault]:
        if self.certificate is None:
            return
        if reply.certificate_ends_at is None:
            yield self._fault("no certificate", "It answers without TLS, so without a certificate.")
            return
        left = reply.certificate_ends_at - self.now
        under = crossed(self.certificate, left, self.severity, falling=True)
        if under is not None:
            severity, limit = under
            yield _ends_in(left, limit, severity)

    def _equal(self, document: Any) -> Iterator[Fault]:
        for path, cells in self.equal.items():
            value = value_at(document, path)
            if not any(_is_same(value, cell) for cell in cells):
                name, said = path.removeprefix(PREFIX), jsonpath.shown(value)
                held = " or ".join(jsonpath.shown(text_of(cell)) or "null" for cell in cells[:3])
                held = held or "nothing"
                fact = named(name, f"{said} (database {held})")
                yield self._fault(fact, f"{name} is {said}, the database has {held}.")

    def _foreseen(self, document: Any) -> Iterator[Fault]:
        fault = self.forecast and self.forecast.fault(document, self.now, self.severity)
        if fault:
            yield fault

    def _expected(self, document: Any) -> Iterator[Fault]:
        for path, expected in self.expect.body.items():
            value = value_at(document, path)
            name = path.removeprefix(PREFIX)
            if isinstance(expected, str):
                if value is jsonpath.MISSING or value is None:
                    said = jsonpath.shown(value)
                    yield self._fault(named(name, f"is {said}"), f"{name} is {said} in the answer.")
            elif value is jsonpath.MISSING or not expected.holds(value):
                said, wanted = jsonpath.shown(value), str(expected).removeprefix("= ")
                yield self._fault(
                    named(name, f"{said} (expected {wanted})"),
                    f"{name} is {said}, expected {wanted}.",
                )

    def _limited(self, document: Any) -> Iterator[Fault]:
        for path, limits in self.values.items():
            value, name = value_at(document, path), path.removeprefix(PREFIX)
            for severity, limit in limits.levels(self.severity):
                if limit.bound is not None and as_float(value) is None:
                    said = jsonpath.shown(value)
                    fact = named(name, f"is {said}, no number")
                    yield self._fault(fact, f"{name} is {said} where a number is expected.")
                    break
                if limit.holds(value):
                    yield beyond(severity, name, value, limit)
                    break

    def first_value(self, reply: HttpReply) -> tuple[float, str, str]:
        """Return value, fact and detail of an answer in which nothing is wrong."""
        if self.certificate and reply.certificate_ends_at:
            left = reply.certificate_ends_at - self.now
            fault = _ends_in(left, mildest(self.certificate), self.severity)
            return left.total_seconds(), fault.fact, fault.detail
        if self.forecast:
            return self.forecast.reading(jsonpath.parse(reply.body), self.now)
        for path, limits in self.values.items():
            document = jsonpath.parse(reply.body)
            value = value_at(document, path)
            told = as_float(value)
            if told is not None:
                limit = limits.levels(self.severity)[-1][1]
                fault = beyond(self.severity, path.removeprefix(PREFIX), value, limit)
                return told, fault.fact, fault.detail
        took, within = reply.took, mildest(self.slow) if self.slow else self.expect.within
        fact = f"HTTP {reply.status} in {brief_span(took)}"
        detail = f"It answers {reply.status} in {long_span(took)}, limit {long_span(within)}."
        return took.total_seconds(), fact, detail


def _answered_in(took: timedelta, limit: timedelta, severity: Severity) -> Fault:
    return Fault(
        severity,
        f"took {brief_span(took)} (max {brief_span(limit)})",
        f"It answers in {long_span(took)}, limit {long_span(limit)}.",
        took.total_seconds(),
        limit.total_seconds(),
        speaks=False,
    )


def _ends_in(left: timedelta, limit: timedelta, severity: Severity) -> Fault:
    return Fault(
        severity,
        f"certificate ends in {short_span(left)} (min {short_span(limit)})",
        f"Its certificate ends in {long_span(left)}, limit {long_span(limit)}.",
        left.total_seconds(),
        limit.total_seconds(),
        speaks=False,
    )


def _is_same(value: object, cell: object) -> bool:
    """Return whether a value of the answer is that of a database, as numbers or as texts."""
    if value is None or cell is None or value is jsonpath.MISSING:
        return value is cell
    numbers = as_float(value), from_sql(cell)
    if None not in numbers and numbers[0] == numbers[1]:
        return True
    return text_of(value) == text_of(cell)
