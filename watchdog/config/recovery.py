"""Recovery actions of a rule, once they are known to be right: on which terms, and what they do."""

import hashlib
import json
from dataclasses import field
from datetime import datetime, timedelta

from pydantic import SecretStr

from rules.base import Dialect, Entity, HttpQuestion, SqlQuestion
from rules.values import dataclass
from watchdog.config.model import Place, Source
from watchdog.domain.acting import Terms


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request that mends something.

    Attributes:
        source: The declared endpoint it goes to; empty where `url` is a whole address.
        ok, busy: Statuses that say that it is done, or that it is being done already.
        within: Total deadline, from name look-up to the last byte.
    """

    source: str
    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, SecretStr], ...] = ()
    body: object = None
    ok: tuple[int, ...] = ()
    busy: tuple[int, ...] = ()
    within: timedelta = timedelta(seconds=10)

    @property
    def digest(self) -> str:
        """Return what it does in a few characters, secrets left out."""
        names = sorted(name for name, _ in self.headers)
        return _digest(self.source, self.method, self.url, names, self.body)

    @property
    def columns(self) -> set[str]:
        """Return the columns of the entity that it needs."""
        from rules.request import placeholders

        return placeholders(self.url, self.body)

    def question(self, entity: Entity, key: str) -> HttpQuestion:
        """Return the request about one entity; `key` lets the receiver tell repetitions."""
        from rules.request import fill_body, fill_url

        headers = {name: value.get_secret_value() for name, value in self.headers}
        body = fill_body(self.body, entity)
        is_typed = any(name.lower() == "content-type" for name in headers)
        if isinstance(self.body, dict | list) and not is_typed:
            headers["Content-Type"] = "application/json"
        headers["Idempotency-Key"] = key
        return HttpQuestion(
            self.source,
            fill_url(self.url, entity),
            self.method,
            tuple(headers.items()),
            body,
            self.within,
        )

    def place(self, declared: Source | None) -> Source:
        """Return the endpoint: the declared one, or that of the whole address."""
        if declared is not None:
            return declared
        return Source("", "http", SecretStr(self.url), team="", timeout=self.within)


@dataclass(frozen=True, slots=True)
class SqlChange:
    """A statement that mends something.

    Attributes:
        source: The database it changes, a source that says `writes: true`.
        max_rows: If it changes more rows than this, it changes none.
    """

    source: str
    statement: str
    dialect: Dialect
    max_rows: int = 1

    @property
    def digest(self) -> str:
        """Return what it does in a few characters."""
        return _digest(self.source, self.statement, self.max_rows)

    @property
    def columns(self) -> set[str]:
        """Return the columns of the entity that it needs."""
        from rules.changing import columns_of

        return columns_of(self.statement)

    def question(self, entity: Entity, now: datetime, opened_at: datetime) -> SqlQuestion:
        """Return the statement about one entity, everything bound."""
        from rules.changing import bind

        return bind(
            self.source, self.statement, self.dialect, now=now, entity=entity, opened_at=opened_at
        )


@dataclass(frozen=True, slots=True)
class Action:
    """A recovery action: on which terms it may be run, and what it does."""

    terms: Terms
    does: HttpCall | SqlChange
    place: Place = Place("", 0, 0)
