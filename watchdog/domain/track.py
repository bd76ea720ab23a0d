"""From findings to incidents: counts bad and good checks, and says when something happened.

A track exists only while an entity is bad, or has an incident that has not recovered. Healthy
entities have none, so healthy evaluations write nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from rules.base import Entity, Finding, Reading, Severity
from rules.spans import short_span
from rules.values import dataclass
from watchdog.domain.people import Policy

GONE_FOR = timedelta(days=1)
"""How long the data may say nothing of something before its incident ends."""


class Move(StrEnum):
    """What a look at one entity led to."""

    NOTHING = "nothing"
    OPEN = "open"
    LEVEL = "level"
    RECOVER = "recover"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Track:
    """What the service remembers of one entity that is, or was just now, bad.

    Attributes:
        bad_checks: Bad checks in a row; good ones reset it.
        good_checks: Good checks in a row since the incident's last bad one.
        bad_since: The slot of the first bad check in the row.
        first_bad_at: Since when it is bad according to the data, or `bad_since`.
        incident_id: Its open or taken incident, if there is one.
        excused_since: Since when an `unless` has held the finding back.
        reason: Why it is bad and yet has no incident: counting, excused, or held under another.
        gone_since: Since when the data has said nothing of it, without the time in which it could not
            be asked.
    """

    rule: str
    entity: Entity
    bad_checks: int
    bad_since: datetime
    first_bad_at: datetime
    severity: Severity
    failure_class: str = ""
    good_checks: int = 0
    incident_id: int | None = None
    excused_since: datetime | None = None
    reason: str = ""
    gone_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The track after a look (None: nothing left to remember) and what happened."""

    track: Track | None
    move: Move


@dataclass(frozen=True, slots=True)
class Held:
    """Why a finding does not count now.

    Attributes:
        under: The rule or source whose trouble explains it; empty for none.
        excused: Its `unless` holds.
        expected: Why it is expected now: the maintenance that it began in.
        outlasted: What must be said when it opens: the maintenance that it has outlasted.
    """

    under: str = ""
    excused: bool = False
    expected: str = ""
    outlasted: str = ""


NOT_HELD = Held()


def look_bad(
    track: Track | None,
    rule: str,
    finding: Finding,
    policy: Policy,
    held: Held,
    now: datetime,
    *,
    is_flapping: bool = False,
) -> Look:
    """Return what a bad check of an entity leads to.

    Args:
        is_flapping: Its incident changes its level only for the worse.
    """
    track = _counted(track, rule, finding, now)
    severity, failure_class = finding.severity, finding.failure_class or ""
    if is_flapping and track.incident_id is not None and severity.rank <= track.severity.rank:
        severity, failure_class = track.severity, track.failure_class
    excused_since = (track.excused_since or now) if held.excused else None
    move, reason = Move.NOTHING, ""
    if track.incident_id is not None:
        excused_since = None
        if (track.severity, track.failure_class) != (severity, failure_class):
            move = Move.LEVEL
    else:
        reason = _why_not(track, finding, policy, held, excused_since, now)
        move = Move.NOTHING if reason else Move.OPEN
    seen = (severity, failure_class, excused_since, reason)
    if seen != (track.severity, track.failure_class, track.excused_since, track.reason):
        track = replace(
            track,
            severity=severity,
            failure_class=failure_class,
            excused_since=excused_since,
            reason=reason,
        )
    return Look(track, move)


def _why_not(
    track: Track,
    finding: Finding,
    policy: Policy,
    held: Held,
    excused_since: datetime | None,
    now: datetime,
) -> str:
    """Return why something bad opens no incident yet; empty when it does."""
    if held.expected:
        return held.expected
    at_most = policy.unless_at_most
    if excused_since is not None and (at_most is None or now - excused_since < at_most):
        return "excused by `unless`"
    if held.under:
        return f"held under {held.under}"
    needed = finding.open_after or policy.open_after
    if track.bad_checks < needed:
        return f"bad {track.bad_checks} of {needed} checks"
    if finding.open_after is None and now - track.bad_since < policy.open_for:
        return f"not bad for {short_span(policy.open_for)} yet"
    return ""


def look_gone(
    track: Track, now: datetime, wait: timedelta = GONE_FOR, unseen: timedelta = timedelta()
) -> Look:
    """Return what it leads to that the data says nothing of something with an incident.

    It is never good by that. After the wait nobody can tell any more, and nobody ever will: its
    incident ends as one whose rule is gone.

    Args:
        unseen: For how long until now nobody could look: that is not waited for.
    """
    assert track.incident_id is not None
    since = track.gone_since + unseen if track.gone_since else now
    if now - since < wait:
        return Look(replace(track, gone_since=since), Move.NOTHING)
    return Look(None, Move.WITHDRAW)


def look_good(track: Track, policy: Policy, *, is_flapping: bool = False) -> Look:
    """Return what a good check of a tracked entity leads to.

    Args:
        is_flapping: Its incident does not recover before it is calm.
    """
    if track.incident_id is None:
        return Look(None, Move.NOTHING)
    good = track.good_checks + 1
    if good >= policy.recover_after and not is_flapping:
        return Look(None, Move.RECOVER)
    counted = min(good, policy.recover_after)  # more of them are not worth a write each
    return Look(replace(track, bad_checks=0, good_checks=counted, gone_since=None), Move.NOTHING)


def _counted(track: Track | None, rule: str, finding: Finding, now: datetime) -> Track:
    if track is None or (track.incident_id is None and track.bad_checks == 0):
        first_bad_at = min(finding.first_bad_at or now, now)
        return Track(
            rule=rule,
            entity=finding.entity,
            bad_checks=1,
            bad_since=now,
            first_bad_at=first_bad_at,
            severity=finding.severity,
            failure_class=finding.failure_class or "",
        )
    if track.incident_id is not None:
        # Its count has done its work; leaving it alone spares a write at every further bad check.
        return replace(track, bad_checks=max(1, track.bad_checks), good_checks=0, gone_since=None)
    return replace(track, bad_checks=track.bad_checks + 1)


def first_good_at(reading: Reading | None, now: datetime) -> datetime:
    """Return since when it is good: from the data if the data knows, never after `now`."""
    return min(reading.first_good_at or now, now) if reading else now
