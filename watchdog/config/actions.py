"""`actions:` of a rule: read, with every mistake at its place."""

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from rules.values import dataclass
from watchdog.config.action_shapes import ActionShape, HttpCallShape, SqlChangeShape
from watchdog.config.gather import Gathered
from watchdog.config.model import Source
from watchdog.config.nodes import Entry, Node, Scalar, Table, find
from watchdog.config.problems import did_you_mean, listed
from watchdog.config.recovery import Action, HttpCall, SqlChange
from watchdog.config.secrets import located
from watchdog.config.sections import Settings, check_name, written
from watchdog.config.validate import validated
from watchdog.domain.acting import Terms

if TYPE_CHECKING:
    from watchdog.config.rulebook import Draft

ACTIONS_MAX = 10
DATABASES = ("postgres", "sqlite")


def read_actions(draft: "Draft", settings: Settings, gathered: Gathered) -> dict[str, Action]:
    """Return the actions of a rule by name; what is wrong with them becomes problems of the draft."""
    table = draft.entry.value
    entry = table.entries.get("actions") if isinstance(table, Table) else None
    if entry is None or not isinstance(entry.value, Table):
        return {}
    if len(entry.value.entries) > ACTIONS_MAX:
        words = f"a rule has at most {ACTIONS_MAX} actions"
        draft.add("too-large", words, entry.key.span)
    reader = _ActionReader(draft, settings, gathered)
    return {
        name: action
        for name, one in entry.value.entries.items()
        if not name.startswith("x-") and (action := reader.action(name, one))
    }


@dataclass(slots=True)
class _ActionReader:
    draft: "Draft"
    settings: Settings
    gathered: Gathered

    def action(self, name: str, entry: Entry) -> Action | None:
        if problem := check_name(entry):
            self.draft.problems.append(problem)
        if not isinstance(entry.value, Table):
            self.draft.add("wrong-type", "an action is a mapping", entry.key.span)
            return None
        shape, problems = validated(ActionShape, entry, self.gathered.texts)
        self.draft.problems += problems
        if shape is None:
            return None
        does = (
            self.http(shape.http, find(entry.value, ("http",)).value)
            if shape.http
            else self.sql(shape.sql, find(entry.value, ("sql",)).value)
        )
        return Action(_terms(name, shape, does), does, entry.key.span.place) if does else None

    def http(self, shape: HttpCallShape, node: Node) -> HttpCall | None:
        declared = None
        if shape.source is not None:
            declared = self.source(shape.source, node, ("http",), "an action calls")
        method = "POST" if shape.post is not None else "PUT"
        url = shape.post or shape.put or ""
        call = HttpCall(
            shape.source or "",
            method,
            url,
            tuple((name, SecretStr(value)) for name, value in shape.headers.items()),
            shape.body,
            shape.ok,
            shape.busy,
            shape.timeout,
        )
        for key, template in ((method.lower(), url), ("json", shape.body)):
            self.check_columns(template, find(node, (key,)).span)
        if both := set(shape.ok) & set(shape.busy):
            words = f"`{min(both)}` says that it is done, and that it is being done already"
            self.draft.add("bad-value", words, find(node, ("busy",)).span)
        return call if declared or shape.source is None else None

    def check_columns(self, template: object, span: Any) -> None:
        from rules.request import placeholders

        columns = self.draft.kind.entity
        for column in sorted(placeholders(template) - set(columns)):
            words = f"`{column}` is not a column of the rule's `entity`"
            hint = did_you_mean(column, columns) or (
                f"known: {listed(columns)}" if columns else "the rule has no `entity`"
            )
            self.draft.add("unknown-column", words, span, hint)

    def sql(self, shape: SqlChangeShape | None, node: Node) -> SqlChange | None:
        from rules.changing import check

        if shape is None:
            return None
        spot = find(node, ("statement",))
        for problem in check(shape.statement, self.draft.kind.entity):
            span = spot.span
            if isinstance(spot.value, Scalar):
                at = problem.at + max(0, spot.value.text.find(shape.statement))
                span = located(spot.value, self.gathered.texts, at)
            self.draft.add("bad-sql", problem.text, span, problem.hint)
        source = self.source(shape.source, node, DATABASES, "it changes rows in")
        if source is None:
            return None
        if not source.writes:
            place = find(node, ("source",))
            words = f"`{written(place, shape.source)}` is only read"
            hint = "an action changes a source of its own, which says `writes: true`"
            self.draft.add("not-a-writer", words, place.span, hint)
            return None
        return SqlChange(source.name, shape.statement, source.dialect, shape.max_rows)

    def source(self, name: str, node: Node, wanted: tuple[str, ...], what: str) -> Source | None:
        """Return a declared source of a type that fits, or complain."""
        spot = find(node, ("source",))
        source = self.settings.sources.get(name)
        declared = self.settings.declared["sources"]
        if name not in declared and self.gathered.is_whole:
            words = f"no source is called `{written(spot, name)}`"
            self.draft.add("unknown-source", words, spot.span, did_you_mean(name, declared))
        elif source and source.type not in wanted:
            words = f"`{written(spot, name)}` is a source of the type `{source.type}`"
            self.draft.add("wrong-source-type", words, spot.span, f"{what} {' or '.join(wanted)}")
            return None
        return source


def _terms(name: str, shape: ActionShape, does: HttpCall | SqlChange) -> Terms:
    at_most, is_daily = shape.at_most
    return Terms(
        name,
        shape.label,
        needs_hypothesis=shape.requires == "hypothesis",
        again_needs_mitigation=shape.again_requires == "new_mitigation",
        at_most=at_most,
        is_daily=is_daily,
        guard=shape.guard,
        two_people=shape.two_people,
        what=does.digest,
    )
