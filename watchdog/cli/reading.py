"""`watchdog status|incidents|show`: looking at what the service knows."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from notifiers.clean import one_line
from watchdog.cli.ending import BAD_ANSWER
from watchdog.cli.instants import span_of
from watchdog.cli.printing import Format, Table, ago, chosen, format_option, print_table
from watchdog.cli.session import NUMBER, Place, Session, placed, run, session

if TYPE_CHECKING:
    import asyncpg

    from watchdog.domain.incident import Incident
    from watchdog.domain.people import Directory
    from watchdog.domain.silences import Silence
    from watchdog.store.backlog import Waiting
    from watchdog.store.looks import RuleLook


@click.command("incidents")
@click.option("--all", "with_resolved", is_flag=True, help="Resolved ones, too.")
@click.option("--rule", default=None, help="Only this rule's.")
@click.option("--owner", default=None, help="Only this person's.")
@click.option("--since", default=None, help="Opened within this span: 7d, 12h, 30m.")
@click.option("--fail-if-open", is_flag=True, help="Exit 1 if anything is open or taken.")
@format_option
@placed
def incidents_command(
    with_resolved: bool,
    rule: str | None,
    owner: str | None,
    since: str | None,
    fail_if_open: bool,
    form: str | None,
    place: Place,
) -> int:
    """List incidents, what nobody has taken first."""

    async def work() -> int:
        from watchdog.store import incidents
        from watchdog.store.pool import transaction

        async with session(place) as here, transaction(here.pool) as conn:
            opened_since = here.now - span_of(since, "--since") if since else None
            if with_resolved or rule or owner or since:
                found = await incidents.listed(
                    conn,
                    since=opened_since,
                    rule=rule,
                    owner=owner,
                    with_resolved=with_resolved,
                )
            else:
                found = await incidents.unresolved(conn)
            print_table(_incident_table(found, here.now), chosen(form))
        is_open = any(one.state in {"open", "taken"} for one in found)
        return BAD_ANSWER if fail_if_open and is_open else 0

    return run(work())


def _incident_table(found: "list[Incident]", now: datetime) -> Table:
    rows: list[dict[str, Any]] = []
    for one in found:
        confirmed = one.state != "open"
        rows.append(
            {
                "id": one.id,
                "level": one.severity.value,
                "state": one.state.value,
                "owner": one.owner if confirmed else f"{one.owner} (not taken)",
                "open": ago(one.opened_at, one.resolved_at or now),
                "what": one.title,
                "fact": one.fact,
                "rule": one.rule,
                "team": one.team,
                "opened_at": one.opened_at,
                "silenced_until": one.silenced_until if one.silence and one.is_live else None,
            }
        )
    not_taken = [one for one in found if one.state == "open"]
    ending = "Nothing is open."
    if not_taken:
        first = not_taken[0]
        ending = (
            f"{len(not_taken)} not taken, the first for {ago(first.opened_at, now)}. "
            f"Take it: watchdog take {first.id}"
        )
    elif found:
        ending = f"{len(found)} shown, all taken or over."
    columns = ("id", "level", "state", "owner", "open", "what", "fact")
    return Table(
        columns, rows, hidden=("rule", "team", "opened_at", "silenced_until"), ending=ending
    )


@click.command("show")
@click.argument("number", metavar="ID", type=NUMBER)
@format_option
@placed
def show_command(number: int, form: str | None, place: Place) -> int:
    """Show an incident, its evidence and its timeline."""

    async def work() -> None:
        from watchdog.store import incidents, silences
        from watchdog.store.pool import transaction
        from watchdog.verbs import UnknownIncident

        async with session(place) as here, transaction(here.pool) as conn:
            one = await incidents.by_id(conn, number)
            if one is None:
                raise UnknownIncident(number)
            if chosen(form) is Format.TABLE:
                _print_incident(one, here, await silences.in_force_for(conn, one, here.now))
                if one.is_storm:
                    await _print_members(conn, one)
                for name, rows in (await incidents.evidence(conn, number)).items():
                    _print_evidence(name, rows)
                click.echo("\nTimeline")
            entries = await incidents.timeline(conn, number)
            rows = [
                {
                    "at": entry.at,
                    "what": entry.what.replace("_", " "),
                    "who": entry.receiver or entry.actor,
                    "words": entry.words,
                    "state": entry.state,
                    "owner": entry.owner,
                }
                for entry in entries
            ]
            columns = ("at", "what", "who", "words")
            print_table(Table(columns, rows, hidden=("state", "owner")), chosen(form))

    return run(work())


_MEMBERS_SHOWN = 20


async def _print_members(conn: "asyncpg.Connection", storm: "Incident") -> None:
    from watchdog.cli.storm import member_table

    click.echo("\nMembers")
    print_table(await member_table(conn, storm, _MEMBERS_SHOWN), Format.TABLE)


def _print_incident(one: "Incident", here: Session, silence: "Silence | None") -> None:
    taken = "" if one.state != "open" else ", not taken"
    open_for = ago(one.opened_at, one.resolved_at or here.now)
    lines = {
        "State": f"{one.state}, open for {open_for}",
        "Owner": f"{one.owner}{taken}",
        "Offered": f"to {one.offered_to}" if one.offered_to else "",
        "Waits for": f"#{one.waits_for}, which explains it"
        if one.waits_for and one.is_live
        else "",
        "Silenced": _silenced(one, silence, here) if silence else "",
        "Repeats": f"#{one.repeat_of}" if one.repeat_of else "",
        "Storm": f"#{one.storm}" if one.storm else "",
        "Class": one.failure_class,
        "Impact": one.impact,
        "Do first": one.do_first,
        **{f"Step {number}": step for number, step in enumerate(one.steps, start=1)},
        "Runbook": one.runbook,
        "Cause": f"{one.cause} ({one.cause_kind})" if one.cause else "",
        "Next time": str(one.answer) if one.answer else "",
        "At risk": one.risk,
        "Actions": _actions(one, here),
        "Rule": f"{one.rule}, team {one.team}",
    }
    click.echo(one_line(f"#{one.id} {one.severity.upper()} {one.title}"))
    click.echo(one_line(one.detail))
    for name, value in lines.items():
        if value:
            click.echo(f"{name:9}  {one_line(value)}")


def _silenced(one: "Incident", silence: "Silence", here: Session) -> str:
    from watchdog.domain.silences import said

    return said(silence, here.config.directory.zone_of(one.team), here.now)


def _actions(one: "Incident", here: Session) -> str:
    """Return what its owner may run, while there is something to mend."""
    rule = here.config.rules.get(one.rule)
    names = ", ".join(rule.actions) if rule and one.state in {"open", "taken"} else ""
    return f"{names}: watchdog act {one.id}" if names else ""


_WIDE = 6
"""Rows of more columns than this are shown one below the other: a terminal is not that wide."""


def _print_evidence(name: str, rows: list[dict[str, Any]]) -> None:
    count = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    click.echo(f"\nEvidence {one_line(name)}, {count}")
    if not rows or len(rows[0]) <= _WIDE:
        print_table(Table(list(rows[0]) if rows else [], rows), Format.TABLE)
        return
    width = max(len(column) for column in rows[0])
    for row in rows:
        for column, value in row.items():
            click.echo(f"  {one_line(column):{width}}  {'' if value is None else one_line(value)}")
        click.echo()


@click.command("status")
@format_option
@placed
def status_command(form: str | None, place: Place) -> int:
    """Say whether everything is watched; exit 1 if not."""

    async def work() -> int:
        from watchdog.domain.stopping import stopped
        from watchdog.status import describe
        from watchdog.store import backlog, covers, looks, runs, silences, tracks
        from watchdog.store.pool import transaction

        async with session(place) as here, transaction(here.pool) as conn:
            why = await tracks.reasons(conn)
            directory = await covers.with_covers(conn, here.config.directory, here.now)
            known = {one.rule: one for one in await looks.every(conn)}
            waiting = await backlog.waiting(conn, here.now, here.now - timedelta(days=1))
            silent = await silences.in_force(conn, here.now)
            stop = await runs.stopped(conn)
        status = describe(here.config, known, here.now)
        rows = [
            {
                "rule": name,
                "looked": ago(_look(known, name).looked_at, here.now),
                "outcome": _look(known, name).outcome or "",
                "reason": status.reasons.get(name) or _why(known, name, why),
                "missed": _look(known, name).missed,
            }
            for name in here.config.rules
        ]
        columns = ("rule", "looked", "outcome", "reason")
        print_table(Table(columns, rows, hidden=("missed",)), chosen(form))
        sentences = [*status.sentences, *_delivery_sentences(waiting)]
        sentences += [*_silence_sentences(silent), *_duty_sentences(directory, here.now)]
        if words := stopped(stop, here.now):
            sentences.append(f"{words}.")
        if here.mistakes:
            how_many = "1 mistake" if here.mistakes == 1 else f"{here.mistakes} mistakes"
            sentences.append(f"{place.config} has {how_many} and is not in force: watchdog check")
        click.echo("\n".join(map(one_line, sentences)), err=True)
        good = status.is_all_watched and not waiting.dead and not here.mistakes
        return 0 if good else BAD_ANSWER

    return run(work())


def _look(known: "dict[str, RuleLook]", name: str) -> "RuleLook":
    from watchdog.store.looks import RuleLook

    return known.get(name) or RuleLook(name)


def _why(known: "dict[str, RuleLook]", name: str, why: dict[str, str]) -> str:
    """Return why nothing is open of a rule that is bad now."""
    return why.get(name, "") if _look(known, name).outcome == "bad" else ""


def _silence_sentences(silent: "list[Silence]") -> list[str]:
    said = [f"{one.scope} by {one.made_by} until {one.ends_at:%a %H:%M} UTC" for one in silent]
    return [f"Silenced: {'; '.join(said)}."] if said else []


def _duty_sentences(directory: "Directory", now: datetime) -> list[str]:
    from watchdog.domain.oncall import duties

    said = [f"{one.team} {one.person}" for one in duties(directory, now)]
    return [f"On call: {', '.join(said)}."] if said else []


def _delivery_sentences(waiting: "Waiting") -> list[str]:
    late = waiting.oldest_due_at
    return [
        f"{waiting.due + waiting.sending} messages on their way"
        + (f", the oldest due since {late:%H:%M:%S} UTC" if late else "")
        + f", {waiting.held} held; {waiting.dead} could not be delivered in the last day."
    ]
