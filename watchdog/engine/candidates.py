"""What is about to open, with what is known of the same things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.incident import Ended, Incident
from watchdog.domain.life import repeats, within_reopen_window
from watchdog.engine.plan import Opening, Plan
from watchdog.store import incidents, members
from watchdog.store.members import Group


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is about to open.

    Attributes:
        team: Whose it is; of what repeats an earlier incident, maybe another one's.
        before: The recovered incident about the same thing, if this is its coming back; or the one that
            somebody has reopened though it was good.
        repeat_of: The incident, or storm, that it repeats.
        remark: A sentence that must be said besides.
    """

    plan: Plan
    opening: Opening
    fingerprint: bytes
    team: str
    before: Incident | None = None
    repeat_of: int | None = None
    remark: str = ""

    @property
    def group(self) -> Group:
        """Return the team and source whose storm it may be part of."""
        return self.team, self.plan.rule.kind.source


async def candidates(conn: asyncpg.Connection, plans: Sequence[Plan]) -> list[Candidate]:
    """Return what is about to open, with what is known of the same things."""
    opening = [(plan, one) for plan in plans for one in plan.openings]
    if not opening:
        return []
    now = opening[0][0].now
    prints = [fingerprint(plan.rule.name, one.track.entity) for plan, one in opening]
    window = max((plan.rule.policy.reopen_within for plan, _ in opening), default=timedelta())
    before = await incidents.lock_recovered(conn, prints, now - window)
    earlier = await _repeated(conn, opening, prints, now)
    return [
        _candidate(plan, one, print_, before.get(print_), earlier.get(print_))
        for (plan, one), print_ in zip(opening, prints, strict=True)
    ]


def _candidate(
    plan: Plan, one: Opening, print_: bytes, before: Incident | None, earlier: Ended | None
) -> Candidate:
    policy, failure_class = plan.rule.policy, one.finding.failure_class or ""
    team = plan.rule.team_of(one.track.entity)
    if before and before.reopened_at:
        return Candidate(plan, one, print_, before.team, before)
    if before and within_reopen_window(before, plan.now, policy.reopen_within, failure_class):
        return Candidate(plan, one, print_, before.team, before, remark=one.remark)
    repeat = policy.repeat
    how = repeats(earlier, plan.now, repeat.within, failure_class) if earlier and repeat else ""
    if not how or earlier is None or repeat is None:
        return Candidate(plan, one, print_, team, remark=one.remark)
    if repeat.escalate_to:
        team, how = repeat.escalate_to, f"{how} Escalated to {repeat.escalate_to}."
    remark = " ".join(filter(None, (one.remark, how)))
    return Candidate(plan, one, print_, team, None, earlier.id, remark)


async def _repeated(
    conn: asyncpg.Connection,
    opening: Sequence[tuple[Plan, Opening]],
    prints: Sequence[bytes],
    now: datetime,
) -> Mapping[bytes, Ended]:
    """Return the latest end of each thing that may be repeated now: of an incident, or in a storm."""
    wanted = {
        print_: repeat
        for (plan, _), print_ in zip(opening, prints, strict=True)
        if (repeat := plan.rule.policy.repeat)
    }
    if not wanted:
        return {}
    since = now - max(repeat.within for repeat in wanted.values())
    found: dict[bytes, Ended] = {
        print_: Ended(one.id, one.recovered_at, one.failure_class)
        for print_, one in (await incidents.ended(conn, list(wanted), since)).items()
        if one.recovered_at
    }
    for print_, one in (await members.ended(conn, list(wanted), since)).items():
        if print_ not in found or found[print_].recovered_at < one.recovered_at:
            found[print_] = one
    return found
