"""What the engine keeps in memory: tracks and looks, as the store knows them, and what to flush."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from rules.base import Entity, Known, Outcome, Past, Unanswered
from watchdog.config.model import Rule
from watchdog.domain.flapping import Results
from watchdog.domain.incident import Transition
from watchdog.domain.track import Held, Track
from watchdog.engine.known_storms import KnownStorms
from watchdog.engine.look import Looked
from watchdog.engine.plan import NO_RESULTS, Plan, detail_of
from watchdog.engine.recollection import Recollection
from watchdog.store.incidents import Figures
from watchdog.store.looks import RuleLook
from watchdog.store.tracks import StoredTrack

T = TypeVar("T")

_Key = tuple[int, str, Entity]
"""An incident, and of a storm the member: a rule and its entity."""


class Memory:
    """Tracks by rule and entity, looks by rule, and the counts that wait for the next flush.

    Attributes:
        token: The lease under which it was read; true for as long as that one is ours.
        tracks: Only bad or recovering entities have one.
        looks: Totals since the engine started with this store, the latest outcome of each rule.
        recollection: What the rules' kinds remember.
        storms: Those that live, and what has joined or left them.
    """

    def __init__(
        self,
        tracks: Iterable[StoredTrack],
        looks: Iterable[RuleLook],
        token: int = 0,
        recollection: Recollection | None = None,
    ) -> None:
        self.token = token
        self.recollection = recollection or Recollection({}, {})
        self.storms = KnownStorms()
        self.tracks: dict[str, dict[Entity, Track]] = {}
        self.identities: dict[str, str] = {}
        for stored in tracks:
            self.tracks.setdefault(stored.track.rule, {})[stored.track.entity] = stored.track
            self.identities[stored.track.rule] = stored.identity
        self.looks = {one.rule: one for one in looks}
        self._failing = {name for name, one in self.looks.items() if one.errors_in_a_row}
        self._flushed = {name: replace(one) for name, one in self.looks.items()}
        self._unseen_since: dict[str, datetime] = {}
        self._results: dict[str, tuple[str, Mapping[Entity, Results]]] = {}
        self._without_past: set[str] = set()
        self._figures: dict[_Key, Figures] = {}
        self._written_figures: dict[_Key, tuple[str, bool]] = {}

    def known(
        self, rules: Iterable[Rule], past: Mapping[str, tuple[Past, ...]] = MappingProxyType({})
    ) -> dict[str, Known]:
        """Return what the kind of each rule is told of earlier looks.

        Args:
            past: Incidents of the rules that want to know of them.
        """
        return {
            rule.name: Known(
                tuple(self.tracks_of(rule)), self.recollection.of(rule), past.get(rule.name, ())
            )
            for rule in rules
        }

    def tracks_of(self, rule: Rule) -> Mapping[Entity, Track]:
        """Return the tracks of a rule; none of what a rule of this name watched before."""
        known = self.tracks.get(rule.name)
        return known if known and self.identities[rule.name] == rule.identity else {}

    def may_have_past(self, rule: Rule) -> bool:
        """Return whether a rule may have incidents; False when the store had none, and nothing came since."""
        return rule.name not in self._without_past

    def learn_past(self, rules: Iterable[str], past: Mapping[str, tuple[Past, ...]]) -> None:
        """Take over which of the rules the store has no incidents of."""
        self._without_past.update(set(rules) - past.keys() - self.tracks.keys())

    def results_of(self, rule: Rule) -> Mapping[Entity, Results]:
        """Return the latest results of what is, or lately was, bad; none from before a restart."""
        identity, known = self._results.get(rule.name, ("", NO_RESULTS))
        return known if identity == rule.identity else NO_RESULTS

    def unseen_since(self, rule: Rule) -> datetime | None:
        """Return since when no look at a rule was judged and written; None: the last was, or nobody knows."""
        return self._unseen_since.get(rule.name)

    def keep_results(self, plan: Plan) -> None:
        """Remember that a look could be judged, and its results, after what it changed was written."""
        self._unseen_since.pop(plan.rule.name, None)
        if plan.results:
            self._results[plan.rule.name] = plan.rule.identity, plan.results
        else:
            self._results.pop(plan.rule.name, None)

    def look_of(self, rule: str) -> RuleLook:
        """Return the looks at a rule, none yet if it is new."""
        return self.looks.setdefault(rule, RuleLook(rule))

    def count(self, looked: Looked) -> None:
        """Count the outcome of a look."""
        one = self.look_of(looked.rule.name)
        one.looked_at = looked.now
        if looked.error is not None or looked.judgement is None:
            reason = looked.error or Unanswered("no judgement")
            one.outcome, one.reason = Outcome.ERROR, reason.reason
            one.errors_in_a_row += 1
            self._failing.add(one.rule)
            self._unseen_since.setdefault(one.rule, looked.now)
            one.error_of_source = reason.whole_source
            one.error += 1
            return
        one.outcome, one.reason, one.errors_in_a_row = looked.judgement.outcome, "", 0
        one.error_of_source = False
        self._failing.discard(one.rule)
        setattr(one, one.outcome.value, getattr(one, one.outcome.value) + 1)

    def count_missed(self, rule: str, slots: int) -> None:
        """Count slots in which a rule was not looked at."""
        if slots > 0:
            self.look_of(rule).missed += slots

    def held(self, rule: Rule, parents: Mapping[str, tuple[str, ...]], entity: Entity) -> Held:
        """Return what holds back a finding of `rule` about `entity`: trouble of something above it.

        Args:
            parents: Entity columns of each rule that this one depends on, or () for a source.
        """
        for name in rule.depends_on:
            above = self.tracks.get(name) or self.tracks.get(f"source:{name}") or {}
            if any(map(explains, related(above, parents.get(name, ()), entity))):
                return Held(under=name)
        return Held()

    def remember(self, plans: Iterable[Plan], left: Mapping[str, Mapping[Entity, Track]]) -> None:
        """Take over what a commit has written."""
        for plan in plans:
            name = plan.rule.name
            self.identities[name] = plan.rule.identity
            self._without_past.discard(name)
            tracks = self.storms.pointed(dict(left.get(name, plan.tracks)))
            if tracks:
                self.tracks[name] = tracks
            else:
                self.tracks.pop(name, None)
            # A transition writes figures of its own; older ones must not come after them.
            moved = {(one.incident_id, name, one.finding.entity) for one in plan.changes}
            moved |= {(one.incident_id, name, one.entity) for one in plan.recoveries}
            for key in moved | {(one.incident_id, name, one.entity) for one in plan.withdrawals}:
                self._figures.pop(key, None)
                self._written_figures.pop(key, None)

    def learn(self, transitions: Iterable[Transition], joined: Mapping[int, int]) -> None:
        """Take over what has joined storms, and which there are, from any commit of this replica.

        Args:
            joined: Incidents that are part of a storm now, with its number.
        """
        self.storms.learn(transitions, joined, ())
        if joined:
            self.point_anew()

    def point_anew(self) -> None:
        """Let every track point to what it counts for, after something has joined or left a storm."""
        self.tracks = {name: self.storms.pointed(known) for name, known in self.tracks.items()}

    def note_figures(self, plan: Plan) -> None:
        """Keep the latest values of incidents for the next flush."""
        for change in plan.still_bad:
            finding = change.finding
            self._keep(
                Figures(
                    change.incident_id,
                    finding.value,
                    finding.limit,
                    finding.fact,
                    detail_of(finding),
                    True,
                    plan.now,
                    plan.rule.name,
                    finding.entity,
                )
            )
        for number, reading in plan.still_good:
            self._keep(
                Figures(
                    number,
                    reading.value,
                    None,
                    reading.fact,
                    reading.detail,
                    False,
                    plan.now,
                    plan.rule.name,
                    reading.entity,
                )
            )

    def _keep(self, figures: Figures) -> None:
        key = _key(figures)
        if self._written_figures.get(key) == (figures.fact, figures.bad_now):
            self._figures.pop(key, None)
        else:
            self._figures[key] = figures

    def unflushed(self) -> tuple[list[RuleLook], list[Figures]]:
        """Return what has come since the last flush: counts as differences, latest outcomes, figures."""
        fresh = []
        for name, one in self.looks.items():
            before = self._flushed.get(name, RuleLook(name))
            if one != before:
                fresh.append(_difference(one, before))
        return fresh, list(self._figures.values())

    def flushed(self, looks: Iterable[RuleLook], figures: Iterable[Figures]) -> None:
        """Mark what `unflushed` returned as written."""
        for one in looks:
            before = self._flushed.get(one.rule, RuleLook(one.rule))
            self._flushed[one.rule] = _sum(one, before)
        for figure in figures:
            key = _key(figure)
            self._written_figures[key] = (figure.fact, figure.bad_now)
            if self._figures.get(key) is figure:
                del self._figures[key]

    def forget(self, gone: Mapping[str, Iterable[Entity]]) -> None:
        """Forget tracks by rule and entity."""
        for rule, entities in gone.items():
            left = self.tracks[rule]
            for entity in entities:
                del left[entity]
            if not left:
                del self.tracks[rule]

    def keep_only(self, rules: Iterable[str]) -> None:
        """Forget the looks at rules that are no longer declared.

        A rule may want to know of more than before, so that which have no past is asked again.
        """
        names = set(rules)
        self._without_past.clear()
        self.looks = {name: one for name, one in self.looks.items() if name in names}
        self._flushed = {name: one for name, one in self._flushed.items() if name in names}
        self._failing &= names
        self._unseen_since = {
            name: since for name, since in self._unseen_since.items() if name in names
        }
        self._results = {name: one for name, one in self._results.items() if name in names}

    def suspects(self) -> set[str]:
        """Return the rules whose latest look failed, or that count as not watched."""
        told = (name.removeprefix("rule:") for name in self.tracks if name.startswith("rule:"))
        return self._failing.union(told)


def _key(figures: Figures) -> _Key:
    return figures.incident_id, figures.rule, figures.entity


def related(above: Mapping[Entity, T], columns: tuple[str, ...], entity: Entity) -> Collection[T]:
    """Return what may explain an entity: its own where both name the same columns, else all.

    Looked up and never searched: ten thousand may be bad above and ten thousand below.
    """
    named = dict(entity)
    if not columns or not named.keys() >= set(columns):
        return above.values()
    same = tuple((column, named[column]) for column in columns)
    return [above[one] for one in (same, ()) if one in above]


def explains(track: Track) -> bool:
    """Return whether something bad explains what is bad below it: it is not excused itself."""
    return track.incident_id is not None or track.excused_since is None


_COUNTS = ("ok", "bad", "no_data", "error", "missed")


def _difference(one: RuleLook, before: RuleLook) -> RuleLook:
    counts = {name: getattr(one, name) - getattr(before, name) for name in _COUNTS}
    return replace(one, **counts)


def _sum(one: RuleLook, before: RuleLook) -> RuleLook:
    counts = {name: getattr(one, name) + getattr(before, name) for name in _COUNTS}
    return replace(one, **counts)
