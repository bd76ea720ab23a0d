"""What kinds remember between looks: as the store knows it, and what waits to be written."""

from collections.abc import Mapping
from types import MappingProxyType

from watchdog.config.model import Rule
from watchdog.store.remembered import Changes, Remembered

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Recollection:
    """Text by rule and key. What a rule of the same name watched before is not recalled."""

    def __init__(self, stored: Remembered, identities: Mapping[str, str]) -> None:
        self._values = {rule: dict(values) for rule, values in stored.items()}
        self._identities = {rule: identities[rule] for rule in stored}
        self._unwritten: dict[str, dict[str, str | None]] = {}

    def of(self, rule: Rule) -> Mapping[str, str]:
        """Return what a rule's kind remembers."""
        known = self._values.get(rule.name)
        return known if known and self._identities[rule.name] == rule.identity else _NOTHING

    def take(self, rule: Rule, changes: Mapping[str, str | None]) -> None:
        """Keep what a look wants remembered; what is known already is not written again."""
        if not changes:
            return
        if self._identities.get(rule.name, rule.identity) != rule.identity:
            self.forget(rule.name)
        self._identities[rule.name] = rule.identity
        values = self._values.setdefault(rule.name, {})
        for key, value in changes.items():
            if values.get(key) == value:
                continue
            self._unwritten.setdefault(rule.name, {})[key] = value
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value

    def forget(self, rule: str) -> None:
        """Forget everything of a rule, also what is not written yet."""
        for known in (self._values, self._identities, self._unwritten):
            known.pop(rule, None)

    def keep_only(self, identities: Mapping[str, str]) -> None:
        """Forget rules that are gone or watch something else now."""
        for rule, identity in list(self._identities.items()):
            if identities.get(rule) != identity:
                self.forget(rule)

    @property
    def identities(self) -> Mapping[str, str]:
        """Return what each rule watches of which something is remembered."""
        return self._identities

    def unwritten(self) -> Changes:
        """Return what has come since the last flush."""
        return {rule: dict(changes) for rule, changes in self._unwritten.items()}

    def written(self, changes: Changes) -> None:
        """Mark what `unwritten` returned as written; what came meanwhile waits for the next flush."""
        for rule, done in changes.items():
            waiting = self._unwritten.get(rule, {})
            for key, value in done.items():
                if key in waiting and waiting[key] == value:
                    del waiting[key]
            if not waiting:
                self._unwritten.pop(rule, None)
