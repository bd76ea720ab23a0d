"""Sources: what can be asked, and where it is."""

from datetime import timedelta

from pydantic import SecretStr

from rules.base import Dialect
from watchdog.config.model import Source
from watchdog.config.nodes import (
    Entry,
    Table,
    find,
    is_lost,
)
from watchdog.config.policies import maintenance_of
from watchdog.config.sections import SectionReader
from watchdog.config.shapes import (
    SourceShape,
)
from watchdog.config.validate import keys_of, unknown_key

_TYPES = ("postgres", "sqlite", "http")
_ONLY_FOR = {
    "time": ("postgres", "sqlite"),
    "zone": ("postgres", "sqlite"),
    "writes": ("postgres", "sqlite"),
    "direct": ("postgres",),
    "headers": ("http",),
    "body_max": ("http",),
}
_SCHEMES = {
    "postgres": ("postgres://", "postgresql://", "demo://"),
    "http": ("http://", "https://", "demo://"),
}


class SourceReader(SectionReader):
    """Reads `sources:`."""

    def read_source(self, name: str, entry: Entry) -> None:
        """Read one source; it counts only when everything in it is right."""
        if isinstance(entry.value, Table):
            self.secret(entry.value.get("postgres"))
            self.secret(entry.value.get("http"))
            headers = entry.value.get("headers")
            for header in headers.entries.values() if isinstance(headers, Table) else ():
                self.secret(header.value, always=True)
        before = len(self.into.problems)
        shape = self.shape(SourceShape, entry, "a source")
        if shape is None:
            return
        # A source that is read other than it was meant would judge wrongly: all or nothing.
        whole = not any(problem.is_error for problem in self.into.problems[before:])
        kind = self._source_type(shape, entry)
        right = self._check_fitting(shape, kind, entry) if kind else False
        team = self._source_team(shape, entry)
        if kind and right and team and whole:
            self.into.sources[name] = _source(name, kind, team, shape)
        self.into.maintenance += [maintenance_of(one, source=name) for one in shape.maintenance]

    def _source_type(self, shape: SourceShape, entry: Entry) -> str | None:
        found = [one for one in _TYPES if one in shape.model_fields_set]
        if not found:
            keys = entry.value.entries if isinstance(entry.value, Table) else {}
            if not any(one in keys for one in _TYPES):
                words = "a source says where it is"
                label = "write one of: postgres, sqlite, http"
                self.add("missing-key", words, entry.key.span, label)
            return None
        if len(found) > 1:
            span = find(entry.value, (found[1],)).key_span
            words = f"a source is one thing: `{found[0]}` or `{found[1]}`"
            self.add("two-types", words, span, "make it two sources")
            return None
        return found[0]

    def _check_fitting(self, shape: SourceShape, kind: str, entry: Entry) -> bool:
        right = self._check_address(shape, kind, entry)
        for key, kinds in _ONLY_FOR.items():
            if key in shape.model_fields_set and kind not in kinds:
                span = find(entry.value, (key,)).key_span
                allowed = [
                    one
                    for one in keys_of(SourceShape, ())
                    if one not in _TYPES and kind in _ONLY_FOR.get(one, _TYPES)
                ]
                words = f"a `{kind}` source"
                self.into.problems.append(unknown_key(key, words, span, [kind, *allowed]))
                right = False
        return right

    def _check_address(self, shape: SourceShape, kind: str, entry: Entry) -> bool:
        schemes = _SCHEMES.get(kind)
        value = getattr(shape, kind)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        spot = find(entry.value, (kind,), entry.key)
        if is_lost(spot.value):
            return False
        if not text.strip():
            self.add("empty-value", f"`{kind}` is empty", spot.span, "write its address")
        elif schemes and not text.startswith(schemes):
            words = f"this is no address of a `{kind}` source"
            self.add("bad-url", words, spot.span, f"write it like `{schemes[-2]}host`")
        else:
            return True
        return False

    def _source_team(self, shape: SourceShape, entry: Entry) -> str | None:
        if shape.team:
            spot = find(entry.value, ("team",), entry.key)
            return shape.team if self.known("teams", shape.team, spot) else None
        if not self.into.defaults.team and self.gathered.is_whole:
            words = "a source needs a `team`, which is told when it cannot be asked"
            self.add("missing-key", words, entry.key.span, "write `team:` here or in `defaults:`")
        return self.into.defaults.team


def _source(name: str, kind: str, team: str, shape: SourceShape) -> Source:
    address = getattr(shape, kind)
    time = shape.time or {"sqlite": "iso"}.get(kind, "native")
    return Source(
        name,
        kind,
        address if isinstance(address, SecretStr) else SecretStr(address),
        team,
        timeout=shape.timeout or timedelta(seconds=5),
        connections=shape.connections or 4,
        dialect=Dialect(
            "sqlite" if kind == "sqlite" else "postgres",
            time,
            str(shape.zone) if shape.zone else "UTC",
        ),
        direct=shape.direct,
        body_bytes_max=shape.body_max or 1_000_000,
        headers=tuple((shape.headers or {}).items()),
        writes=shape.writes,
    )
