"""Making a member of a storm an incident of its own, with one meaning on every surface."""

from datetime import datetime

import asyncpg

from notifiers.times import time_of_day, zone_word
from rules.base import Entity
from watchdog.config.model import Config
from watchdog.domain import storm_life
from watchdog.domain.incident import Incident, Refused, State
from watchdog.domain.naming import entity_in, named
from watchdog.domain.notices import with_notices
from watchdog.domain.oncall import on_call
from watchdog.domain.silences import as_hidden
from watchdog.domain.storms import Member
from watchdog.moving import UnknownIncident, done, keep_deed, require_responder
from watchdog.store import covers, incidents, members, silences
from watchdog.store.pool import transaction

Which = int | tuple[str, Entity]
"""A member: its place in the storm's list, or its rule and entity."""


def which(words: tuple[str, ...]) -> Which:
    """Return which member words name: `3`, or a rule and its entity, `orders-stale shop=eu`.

    Raises:
        Refused: They name none; the text says how they are written.
    """
    if len(words) == 1 and words[0].isdecimal() and len(words[0]) < 10:
        return int(words[0])
    rule, *pairs = words
    try:
        return rule, entity_in(pairs)
    except ValueError as error:
        raise Refused(
            f"`{error}` names nothing of a member; write its number in the list, "
            "or its rule and entity: orders-stale shop=eu"
        ) from error


def said_of(own: Incident, zone: str, now: datetime) -> str:
    """Return in sentences what has been split out, and who hears of it; its times are of that zone."""
    said = f"#{own.id} is an incident of its own now: {own.title}."
    if own.silenced_until:
        until = f"{time_of_day(own.silenced_until, zone, now)} {zone_word(zone)}"
        return f"{said} Nobody is paged: silence {own.silence} hides it until {until}."
    return f"{said} {own.owner} {'is paged' if own.state is State.OPEN else 'has it'}."


async def split(
    pool: asyncpg.Pool,
    config: Config,
    number: int,
    one: Which,
    person: str,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Make a bad member of a storm an incident of its own, and page for it; return that incident.

    Args:
        action_id: Of what asks for it: sent again, it splits nothing, and returns what it has split out
            as that is now. Empty: an action of its own.

    Raises:
        Refused: It is no storm, or the member is not there, not bad, or the last that is; or the id is
            another action's, or too long.
        UnknownIncident, NotAllowed: See their texts.
    """
    require_responder(config.directory, person)
    async with transaction(pool) as conn:
        await silences.hold_still(conn)
        held = await incidents.lock(conn, [number])
        if number not in held:
            raise UnknownIncident(number)
        storm = held[number]
        if before := await done(conn, action_id):
            return await _split_before(conn, storm, before.incident_id)
        member = await _member(conn, storm, one)
        directory = await covers.with_covers(conn, config.directory, now)
        [own_number] = await incidents.next_numbers(conn, 1)
        storm_life.require_splittable(storm, member)
        await members.split(conn, member, own_number)
        team = storm.team
        zone = directory.zone_of(team)
        owner = on_call(directory, team, now) if team in directory.teams else storm.owner
        tally = await members.tally(conn, number)
        storm_life.require_others(storm, member, tally)
        left = storm_life.split_off(storm, tally, zone, member, own_number, person, now)
        own = _own(own_number, storm, member, owner, config, now)
        opening = storm_life.split_out(own, number, person)
        opening = as_hidden(opening, await silences.in_force(conn, now))
        steps = [with_notices(left, directory), with_notices(opening, directory)]
        await incidents.commit(conn, steps)
        await keep_deed(conn, action_id, opening)
    return opening.after


async def _split_before(conn: asyncpg.Connection, storm: Incident, number: int) -> Incident:
    own = await incidents.by_id(conn, number)
    if own is None or own.storm != storm.id:
        raise Refused(f"this form was used for another incident than storm #{storm.id}")
    return own


async def _member(conn: asyncpg.Connection, storm: Incident, one: Which) -> Member:
    if not storm.is_storm:
        raise Refused(f"#{storm.id} is no storm; there is nothing to split out of it")
    if isinstance(one, int):
        found = await members.by_number(conn, storm.id, one)
    else:
        found = await members.by_name(conn, storm.id, *one)
    if found is None:
        name = f"number {one}" if isinstance(one, int) else named(*one)
        raise Refused(
            f"storm #{storm.id} has no member {name}; `watchdog members {storm.id}` lists them"
        )
    return found


def _own(
    number: int, storm: Incident, member: Member, owner: str, config: Config, now: datetime
) -> Incident:
    """Return the incident that a member becomes; what to do first, its rule says as it is now."""
    rule = config.rules.get(member.rule)
    return Incident(
        id=number,
        fingerprint=member.fingerprint,
        rule=member.rule,
        identity=member.identity,
        source=storm.source,
        kind=rule.kind_name if rule else "",
        team=storm.team,
        entity=member.entity,
        title=member.title,
        severity=member.severity,
        state=State.OPEN,
        owner=owner,
        version=1,
        opened_at=now,
        failure_class=member.failure_class,
        value=member.value,
        limit=member.limit,
        fact=member.fact,
        detail=member.detail,
        impact=rule.impact if rule else storm.impact,
        do_first=rule.do_first if rule else storm.do_first,
        steps=rule.steps if rule else storm.steps,
        runbook=rule.runbook if rule else storm.runbook,
        first_bad_at=member.first_bad_at,
        storm=storm.id,
    )
