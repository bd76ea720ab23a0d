"""Our own samples of completed buckets, where the table cannot serve as its own history.

For each place in the week (or the day) one text holds the latest values of all entities: an entity
that is missing in it had none, a null was left out. Besides, it is remembered when each entity was
first seen, and what the latest bucket came to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta

from rules.base import ROWS_MAX
from rules.buckets import Bucket, Compared
from rules.memory import compact, parsed, record
from rules.values import dataclass

FIRST_SEEN = "entities"
LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Samples:
    """What is remembered of one place in the week.

    Attributes:
        starts: When each of the sampled buckets began, oldest first; seconds since 1970.
        values: For each entity's key a value for each of them; None where it was left out.
        first_seen: When each entity was first seen at all.
        missing: The value of an entity without rows; None where that is no value.
    """

    starts: tuple[float, ...] = ()
    values: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    first_seen: Mapping[str, float] = field(default_factory=dict)
    missing: float | None = 0.0

    def of(self, key: str) -> list[tuple[float, float]]:
        """Return beginning and value of each bucket in which an entity was known and not left out."""
        first = self.first_seen.get(key)
        if first is None:
            return []
        values = self.values.get(key) or (self.missing,) * len(self.starts)
        return [
            (start, value)
            for start, value in zip(self.starts, values, strict=True)
            if start >= first and value is not None
        ]

    def with_one(
        self, bucket: Bucket, counts: Mapping[str, float], left_out: Iterable[str]
    ) -> "Samples":
        """Return the samples with one bucket more."""
        start, out = bucket.since.timestamp(), set(left_out)
        first_seen = dict.fromkeys(counts, start) | dict(self.first_seen)
        if len(first_seen) > ROWS_MAX:
            latest = sorted(first_seen, key=lambda key: (first_seen[key], key))[-ROWS_MAX:]
            first_seen = {key: first_seen[key] for key in latest}
        before = (self.missing,) * len(self.starts)
        values = {
            key: (
                *self.values.get(key, before),
                None if key in out else counts.get(key, self.missing),
            )
            for key in {*self.values, *counts, *out}
            if key in first_seen
        }
        return Samples((*self.starts, start), values, first_seen, self.missing)

    def text(self) -> str:
        """Return the text of this place in the week; entities without any value are left out."""
        values = {
            key: list(each)
            for key, each in sorted(self.values.items())
            if any(value != self.missing for value in each)
        }
        return compact({"at": list(self.starts), "of": values})

    def entities(self) -> str:
        """Return the text of when each entity was first seen."""
        return compact(dict(sorted(self.first_seen.items())))


def place_of(bucket: Bucket, compared: Compared) -> str:
    """Return the key of a bucket's place in the week, or in the day."""
    return bucket.name if compared.same == "hour" else f"{bucket.weekday} {bucket.name}"


def recalled(
    remembered: Mapping[str, str], bucket: Bucket, compared: Compared, missing: float | None
) -> Samples:
    """Return the samples with which a bucket is compared; what cannot be read is not there."""
    first_seen = parsed(remembered.get(FIRST_SEEN))
    known = record(remembered.get(place_of(bucket, compared)), "at", "of")
    if not isinstance(first_seen, dict) or known is None:
        first_seen = first_seen if isinstance(first_seen, dict) else {}
        return Samples(first_seen=first_seen, missing=missing)
    # A clock that was turned moves the beginning by an hour.
    oldest = (bucket.since - compared.reach - timedelta(hours=2)).timestamp()
    kept = [
        place for place, at in enumerate(known["at"]) if oldest <= at < bucket.since.timestamp()
    ]
    values = {
        key: tuple(each[place] for place in kept)
        for key, each in known["of"].items()
        if len(each) == len(known["at"])
    }
    starts = tuple(known["at"][place] for place in kept)
    return Samples(starts, values, first_seen, missing)


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was found of one entity in the latest bucket, so that later looks need not ask again.

    Attributes:
        past: The values that it was compared with.
        note: What else was seen.
    """

    key: str
    value: float
    past: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest bucket that was sampled, and what is told of it until the next one.

    Attributes:
        has_usual: There were enough samples to compare with.
    """

    since: datetime
    found: tuple[Sampled, ...]
    has_usual: bool

    def text(self) -> str:
        """Return the text that `latest` reads."""
        found = [[one.key, one.value, one.past, one.note] for one in self.found]
        return compact({"at": self.since.timestamp(), "found": found, "usual": self.has_usual})


def latest(remembered: Mapping[str, str], bucket: Bucket) -> Latest | None:
    """Return what was found of a bucket at an earlier look; None when it has not been sampled."""
    known = record(remembered.get(LATEST), "at", "found", "usual")
    if known is None or known["at"] != bucket.since.timestamp():
        return None
    found = tuple(
        Sampled(key, value, tuple(past), note) for key, value, past, note in known["found"]
    )
    return Latest(bucket.since, found, bool(known["usual"]))
