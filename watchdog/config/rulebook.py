"""Rules: what a team wrote to values, every mistake at its place."""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from rules.base import Classifier, Dialect, Kind, Severity
from rules.fields import Limits
from rules.overrides import Override
from rules.values import dataclass
from watchdog.config import misplaced, titles
from watchdog.config.critical import FIND_MORE, check_critical, limits_of
from watchdog.config.endpoints import check_certificate, databases_of
from watchdog.config.gather import Gathered
from watchdog.config.model import BUILT_IN, Rule, Source
from watchdog.config.nodes import Entry, Scalar, Span, Table, find
from watchdog.config.overrides import read_overrides, with_overrides
from watchdog.config.policies import active_of, maintenance_of, policy_of, unless_open_of
from watchdog.config.problems import Problem, did_you_mean, listed, used_at
from watchdog.config.queries import Queries, read_queries
from watchdog.config.secrets import part_span
from watchdog.config.sections import (
    Settings,
    check_name,
    mark,
    opens_twice,
    said,
    writer_read,
    written,
)
from watchdog.config.shapes import RuleShape
from watchdog.config.validate import keys_of, validated
from watchdog.config.windows import RowZone

if TYPE_CHECKING:
    from watchdog.config.recovery import Action
    from watchdog.config.templates import Made

EVERY = timedelta(minutes=1)
_DATABASES = ("postgres", "sqlite")


@dataclass(slots=True)
class Draft:
    """A rule on its way: what is known of it, and what is wrong with it.

    Attributes:
        is_whole: It can be read; a pack that cannot be used stands here as one that cannot.
    """

    name: str
    entry: Entry
    problems: list[Problem] = field(default_factory=list)
    kind_entry: Entry | None = None
    kind: Any = None
    shape: RuleShape | None = None
    rule: Rule | None = None
    overrides: tuple[Override, ...] = ()
    limits: tuple[Limits[Any], ...] = ()
    is_whole: bool = True

    @property
    def kind_name(self) -> str:
        """Return the name of the kind, if there is one."""
        return self.kind_entry.key.text if self.kind_entry else ""

    @property
    def has_only_levels(self) -> bool:
        """Return whether the severity comes from the thresholds alone."""
        return bool(self.limits) and all(limit.has_levels for limit in self.limits)

    def add(self, *args: Any, **more: Any) -> None:
        """Add a problem of this rule."""
        self.problems.append(mark(*args, **more))

    def span(self, *path: int | str) -> Span:
        """Return where something of the rule stands."""
        return find(self.entry.value, path, self.entry.key).span

    def key_span(self, *path: int | str) -> Span:
        """Return where the key of something of the rule stands."""
        return find(self.entry.value, path, self.entry.key).key_span

    @property
    def is_right(self) -> bool:
        """Return whether it has no error."""
        return not any(problem.is_error for problem in self.problems)


@dataclass(slots=True)
class Rulebook:
    """All rules that are declared."""

    drafts: list[Draft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def rules(self) -> dict[str, Rule]:
        """Return the rules that are right."""
        return {one.name: one.rule for one in self.drafts if one.rule and one.is_right}

    @property
    def is_whole(self) -> bool:
        """Return whether every rule is here, so that a missing name is really missing."""
        return all(draft.is_whole for draft in self.drafts)


def read_rules(
    gathered: Gathered, settings: Settings, kinds: Mapping[str, type[BaseModel]]
) -> Rulebook:
    """Return every rule of the files and their templates."""
    book = Rulebook()
    reader = _RuleReader(gathered, settings, kinds)
    seen: dict[str, Span] = {}
    for draft in _drafts(gathered, book.problems):
        first = seen.setdefault(draft.name, draft.entry.key.span)
        if first is not draft.entry.key.span:
            words = f"rule `{said(draft.entry.key)}` is declared twice"
            related = (first.place, "the first one is here")
            book.problems.append(
                mark("duplicate-name", words, draft.entry.key.span, related=related)
            )
            continue
        if draft.is_whole:
            reader.read(draft)
        draft.problems = used_at(draft.problems, draft.entry.key.span.place)
        book.drafts.append(draft)
    return book


def _drafts(gathered: Gathered, problems: list[Problem]) -> Iterator[Draft]:
    for name, entry in gathered.named("rules").items():
        yield Draft(name, entry)
    for template in gathered.named("templates").values():
        from watchdog.config.templates import expand

        made, wrong = expand(template)
        problems += wrong
        yield from map(_draft, made)
    for pack in gathered.named("packs").values():
        from watchdog.config import packs

        yield from map(_draft, packs.expand(pack, gathered))


def _draft(made: "Made") -> Draft:
    return Draft(made.entry.key.text, made.entry, list(made.problems), is_whole=made.is_whole)


@dataclass(slots=True)
class _RuleReader:
    gathered: Gathered
    settings: Settings
    kinds: Mapping[str, type[BaseModel]]

    def read(self, draft: Draft) -> None:
        """Fill a draft from what its file says."""
        problem = check_name(draft.entry)
        if problem:
            draft.problems.append(problem)
        if not isinstance(draft.entry.value, Table):
            draft.add("wrong-type", "a rule is a mapping", draft.entry.key.span)
            return
        self.split(draft, draft.entry.value)
        source = self.source(draft)
        team = self.team(draft)
        self.check_repeat(draft)
        self.check_zone(draft)
        self.check_title(draft)
        if draft.shape and isinstance(draft.entry.value, Table):
            draft.problems += opens_twice(draft.entry.value)
        for one in draft.shape.maintenance if draft.shape else ():
            self.settings.maintenance.append(maintenance_of(one, rule=draft.name))
        if draft.kind is None or draft.shape is None:
            return
        model = self.kinds[draft.kind_name]
        found = read_overrides(draft, model, self.gathered.texts, self.refuse_team)
        draft.overrides = tuple(found)
        kinds = (draft.kind, *(one.kind for one in draft.overrides))
        draft.limits = tuple(limit for one in kinds for limit in limits_of(one))
        self.check_kind(draft)
        check_certificate(draft, source)
        database = self.database(draft, source)
        queried = self.queried(draft, database)
        queries = read_queries(draft, source, queried, self.gathered.texts)
        actions = self.actions(draft) if draft.shape.actions else {}
        classifier = self.classifier(draft, draft.shape)
        check_critical(draft, draft.shape, self.settings.defaults)
        is_asked = queried is not None or draft.shape.ask is None
        if draft.is_right and source is not None and is_asked and team:
            asked = (database or source).dialect
            rule = self.rule(draft, draft.shape, asked, team, queries, classifier)
            draft.rule = with_overrides(replace(rule, actions=actions), draft.overrides)

    def actions(self, draft: Draft) -> "Mapping[str, Action]":
        from watchdog.config.actions import read_actions  # most rules have none

        return read_actions(draft, self.settings, self.gathered)

    def split(self, draft: Draft, table: Table) -> None:
        """Read the kind, and what stands beside it."""
        beside: dict[str, Entry] = {}
        strays: list[Entry] = []
        known = keys_of(RuleShape, ())
        for key, entry in table.entries.items():
            if key in self.kinds:
                self.take_kind(draft, entry)
            elif key in known:
                beside[key] = entry
            elif not key.startswith("x-"):
                strays.append(entry)
        draft.problems += [
            misplaced.beside(one, known, self.kinds, draft.kind_entry) for one in strays
        ]
        if draft.kind_entry is None:
            self.miss_kind(draft)
        else:
            model = self.kinds[draft.kind_entry.key.text]
            draft.kind, problems = validated(model, draft.kind_entry, self.gathered.texts)
            draft.problems += misplaced.inside(problems, draft.kind_entry, known)
        rest = Entry(draft.entry.key, Table(beside, table.span))
        draft.shape, problems = validated(RuleShape, rest, self.gathered.texts, "a rule")
        draft.problems += problems

    def take_kind(self, draft: Draft, entry: Entry) -> None:
        if draft.kind_entry is None:
            draft.kind_entry = entry
            return
        first = draft.kind_entry.key.text
        words = f"a rule watches one thing: `{first}` or `{entry.key.text}`"
        draft.add("two-kinds", words, entry.key.span, "make it two rules")

    def miss_kind(self, draft: Draft) -> None:
        table = draft.entry.value
        entries = table.entries if isinstance(table, Table) else {}
        known = keys_of(RuleShape, ())
        strange = [entry for key, entry in entries.items() if key not in known]
        if not any(isinstance(entry.value, Table) for entry in strange):
            label = f"write one of: {', '.join(self.kinds)}"
            draft.add("missing-kind", "the rule watches nothing", draft.entry.key.span, label)

    def source(self, draft: Draft) -> Source | None:
        """Return the source that the rule asks first, or complain."""
        if draft.kind_entry is None:
            return None
        built_in = getattr(self.kinds[draft.kind_entry.key.text], "source", "")
        if built_in in BUILT_IN:
            return Source(built_in, BUILT_IN[built_in], SecretStr(""), team="")
        # From the text: the kind may have other mistakes, and all are shown at once.
        node = find(draft.kind_entry.value, ("source",)).value
        if not isinstance(node, Scalar) or node.is_empty or node.is_lost:
            return None
        wanted = ("http",) if draft.kind_entry.key.text == "http" else _DATABASES
        return self.named_source(draft, node.text, (draft.kind_name, "source"), wanted)

    def database(self, draft: Draft, source: Source | None) -> Source | None:
        """Return the database that the rule's queries ask: its source, or the first beside it."""
        beside = [
            self.named_source(draft, name, (draft.kind_name, *path), _DATABASES)
            for path, name in databases_of(draft.kind)
        ]
        if source and source.type in _DATABASES:
            return source
        return beside[0] if beside else None

    def queried(self, draft: Draft, database: Source | None) -> Source | None:
        """Return the database that is asked what stands beside the kind; by default the kind's."""
        name = draft.shape.ask if draft.shape else None
        return database if name is None else self.named_source(draft, name, ("ask",), _DATABASES)

    def named_source(
        self, draft: Draft, name: str, path: tuple[str, ...], wanted: tuple[str, ...]
    ) -> Source | None:
        spot = find(draft.entry.value, path, draft.entry.key)
        source = self.settings.sources.get(name)
        declared = self.settings.declared["sources"]
        if name not in declared and self.gathered.is_whole:
            words = f"no source is called `{written(spot, name)}`"
            draft.add("unknown-source", words, spot.span, did_you_mean(name, declared))
        elif source and source.type not in wanted:
            words = f"`{written(spot, name)}` is a source of the type `{source.type}`"
            fitting = [one.name for one in self.settings.sources.values() if one.type in wanted]
            what = f"`{path[0]}` asks {' or '.join(wanted)}"
            label = f"{what}: {listed(fitting)}" if fitting else what
            draft.add("wrong-source-type", words, spot.span, label)
        elif source and source.writes:
            draft.problems.append(writer_read(spot, name))
        return source

    def check_kind(self, draft: Draft) -> None:
        assert draft.shape is not None
        assert draft.kind_entry is not None
        if draft.shape.severity and draft.has_only_levels and draft.kind_name not in FIND_MORE:
            words = "the severity comes from the thresholds here"
            draft.add("severity-twice", words, draft.span("severity"), "remove this line")

    def check_title(self, draft: Draft) -> None:
        node = find(draft.entry.value, ("title",), draft.entry.key).value
        title = draft.shape.title if draft.shape else None
        if draft.kind is None or title is None or not isinstance(node, Scalar):
            return
        for problem in titles.check(title, draft.kind.entity):
            shift = node.text.find(title)
            span = part_span(node, problem.at + shift, problem.at + shift + problem.length)
            draft.add(problem.code, problem.message, span, problem.hint)

    def classifier(self, draft: Draft, shape: RuleShape) -> Classifier | None:
        from watchdog.config.classes import classifier_of

        kinds = (draft.kind, *(one.kind for one in draft.overrides))
        named = {one.failure_class for one in kinds}
        classifier, problems = classifier_of(shape.classify, draft.entry, named)
        draft.problems += problems
        return classifier

    def team(self, draft: Draft) -> str | None:
        """Return the rule's team, or complain."""
        shape = draft.shape
        if shape is None:
            return None
        name = shape.team or self.settings.defaults.team
        if name is None:
            if self.gathered.is_whole:
                words = "a rule needs a `team`"
                label = "write `team:` here or in `defaults:`"
                draft.add("missing-key", words, draft.entry.key.span, label)
            return None
        if name in self.settings.declared["teams"]:
            return name
        if shape.team:
            self.refuse_team(draft, name, ("team",))
        return None

    def refuse_team(self, draft: Draft, name: str, path: tuple[str | int, ...]) -> None:
        declared = self.settings.declared["teams"]
        if name and self.gathered.is_whole and name not in declared:
            spot = find(draft.entry.value, path, draft.entry.key)
            words = f"no team is called `{written(spot, name)}`"
            draft.add("unknown-team", words, spot.span, did_you_mean(name, declared))

    def check_repeat(self, draft: Draft) -> None:
        if draft.shape and draft.shape.repeat:
            path = ("repeat", "escalate_to")
            self.refuse_team(draft, draft.shape.repeat.escalate_to, path)

    def check_zone(self, draft: Draft) -> None:
        """Refuse the zone of each row where the kind does not read rows of entities."""
        active = draft.shape.active if draft.shape else None
        if draft.kind is None or active is None or not isinstance(active.zone, RowZone):
            return
        span = find(draft.entry.value, ("active", "zone"), draft.entry.key).span
        if not getattr(draft.kind, "COUNTS_ACTIVE_TIME", False):
            words = "only `stale`, `stuck` and `queue` know the zone of each row"
            draft.add("no-row-zone", words, span, "write a zone's name")
        elif not draft.kind.entity:
            words = "a zone of each row needs an `entity`"
            draft.add("no-row-zone", words, span, "name the columns whose things have a zone")

    def rule(
        self,
        draft: Draft,
        shape: RuleShape,
        dialect: Dialect,
        team: str,
        queries: Queries,
        classifier: Classifier | None,
    ) -> Rule:
        assert draft.kind_entry is not None
        defaults = self.settings.defaults
        kind: Kind = draft.kind
        return Rule(
            draft.name,
            draft.kind_entry.key.text,
            kind,
            team,
            shape.title or draft.name.replace("-", " ").replace("_", " ").capitalize(),
            shape.severity or defaults.severity or Severity.WARNING,
            shape.every or defaults.every or EVERY,
            policy_of(shape, defaults),
            dialect=dialect,
            classifier=classifier,
            depends_on=tuple(dict.fromkeys(shape.depends_on)),
            unless=queries.unless,
            unless_open=unless_open_of(shape),
            evidence=queries.evidence,
            verify=queries.verify,
            active=active_of(shape),
            impact=shape.impact or "",
            do_first=shape.do_first or "",
            steps=shape.steps,
            runbook=shape.runbook or defaults.runbook or "",
            labels={**(defaults.labels or {}), **(shape.labels or {})},
            place=draft.entry.key.span.place,
        )
