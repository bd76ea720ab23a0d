"""Which rule is to be looked at next, and which slots have passed without a look."""

import heapq
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from graphlib import TopologicalSorter

from watchdog.config.model import Rule
from watchdog.engine import slots

logger = logging.getLogger(__name__)

SET_BACK_MIN = timedelta(seconds=5)
"""A clock that is put right by less only makes slots come that much later."""

_SECOND = timedelta(seconds=1)

RARE_MIN = timedelta(minutes=5)
"""When the next slot is as near as this, a rule that has missed one waits for it."""

MADE_UP_WITHIN = timedelta(minutes=1)


class Agenda:
    """The next slot of each rule.

    Attributes:
        lag: By how much the latest look was later than its slot.
    """

    def __init__(self, rules: Mapping[str, Rule], now: datetime) -> None:
        self.lag = timedelta()
        self._rules = rules
        self._depths = depths(rules)
        self._again: dict[str, datetime] = {}
        self._slot_names = {name: _topmost(rule, rules).name for name, rule in rules.items()}
        self._plan(now)

    def _plan(self, now: datetime) -> None:
        self._told_at = now
        self._due = [(self._next(rule, now), name) for name, rule in self._rules.items()]
        heapq.heapify(self._due)

    def _next(self, rule: Rule, after: datetime) -> datetime:
        return slots.next_slot(self._slot_names[rule.name], rule.every, after)

    def depth(self, rule: str) -> int:
        """Return how many rules lie above one."""
        return self._depths[rule]

    def next_at(self) -> datetime | None:
        """Return the instant of the next slot; None without rules."""
        slot_at = self._due[0][0] if self._due else None
        return min([slot_at, *self._again.values()]) if slot_at else None

    @property
    def missing(self) -> Collection[str]:
        """Return the rules that are about to make up for a slot."""
        return self._again.keys()

    def make_up(self, rules: Iterable[str], now: datetime) -> None:
        """Look at rare rules soon that have missed a slot, or whose look is lost: a day may be too late.

        Spread over a minute, by the hash that spreads slots: after an outage it may be all of them.
        """
        for name in rules:
            rule = self._rules.get(name)
            if rule is not None and rule.every > RARE_MIN:
                at = now + slots.offset(self._slot_names[name], MADE_UP_WITHIN) + _SECOND
                if self._next(rule, now) - at > RARE_MIN:
                    self._again.setdefault(name, at)

    def take_due(self, now: datetime, running: Collection[str]) -> Iterator[tuple[Rule, int, bool]]:
        """Yield each rule whose slot has come, how many slots were missed, and whether to look now.

        Args:
            running: Rules that are being looked at already: they miss this slot, too.
        """
        if now < self._told_at - SET_BACK_MIN:  # or nobody would look until it is then again
            logger.warning("the clock was set back", extra={"by": str(self._told_at - now)})
            self._plan(now)
            self._again = dict.fromkeys(self._again, now)
        self._told_at = now
        while self._due and self._due[0][0] <= now:
            due_at, name = self._due[0]
            rule = self._rules[name]
            heapq.heapreplace(self._due, (self._next(rule, now), name))
            self.lag = now - due_at
            is_free = name not in running
            self._again.pop(name, None)
            yield rule, self.missed(rule, due_at, now) + (not is_free), is_free

        for name in [one for one, at in self._again.items() if at <= now]:
            del self._again[name]
            if name not in running:
                yield self._rules[name], 0, True

    def missed(self, rule: Rule, after: datetime, until: datetime) -> int:
        """Return how many slots of a rule lie later than `after` and not later than `until`."""
        return slots.slots_between(self._slot_names[rule.name], rule.every, after, until)


def _topmost(rule: Rule, rules: Mapping[str, Rule]) -> Rule:
    """Return the topmost parent, whose name's hash spreads the rule: parents are seen first."""
    while parents := [name for name in rule.parents if name in rules]:
        rule = rules[parents[0]]
    return rule


def depths(rules: Mapping[str, Rule]) -> dict[str, int]:
    """Return for each rule how many rules lie above it; the configuration has refused circles."""
    parents = {name: [one for one in rule.parents if one in rules] for name, rule in rules.items()}
    known: dict[str, int] = {}
    for name in TopologicalSorter(parents).static_order():
        known[name] = 1 + max((known[one] for one in parents[name]), default=-1)
    return known
