"""`watchdog act|stop-actions`: what the owner of an incident may run to mend it."""

from typing import TYPE_CHECKING

import click

from notifiers.clean import one_line
from watchdog.cli.ending import BAD_ANSWER
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import (
    NUMBER,
    Place,
    Session,
    acting_person,
    person_option,
    placed,
    run,
    session,
)

if TYPE_CHECKING:
    from watchdog.action_offers import Offer
    from watchdog.domain.acting import Run
    from watchdog.recovery_actions import Hands


@click.command("act")
@click.argument("number", metavar="ID", type=NUMBER)
@click.argument("action", required=False)
@click.option("-m", "hypothesis", default="", help="What you think is wrong, in a sentence.")
@click.option("--mitigation", default="", help="What is different this time, before another run.")
@click.option("--approve", is_flag=True, help="Approve what somebody else has asked for.")
@person_option
@format_option
@placed
def act_command(
    number: int,
    action: str | None,
    hypothesis: str,
    mitigation: str,
    approve: bool,
    person: str,
    form: str | None,
    place: Place,
) -> int:
    """Run a recovery action of incident ID once; without ACTION, list what there is.

    Only the owner who has taken the incident may run one, with a hypothesis; another run of the
    same action needs a new mitigation. Exit 0: done, or waiting for a second person. 1: refused,
    busy, failed, or nobody knows.
    """
    if action is None and (hypothesis or mitigation or approve):
        raise click.UsageError(f"say which action; `watchdog act {number}` lists them")

    async def work() -> int:
        from watchdog import recovery_actions

        async with session(place) as here:
            who = acting_person(here.config, person)
            if action is None:
                print_table(_table(number, await _offers(here, number, who)), chosen(form))
                return 0
            hands = _hands(here)
            if approve:
                ran = await recovery_actions.approve(hands, number, action, who)
            else:
                ran = await recovery_actions.act(hands, number, action, who, hypothesis, mitigation)
        return _say(number, ran)

    return run(work())


def _say(number: int, ran: "Run") -> int:
    from watchdog.domain.acting import Standing

    if ran.standing is Standing.WAITING:
        sentence = (
            f"#{number} {ran.label}: waits until {ran.ends_by:%H:%M} UTC for somebody else: "
            f"watchdog act {number} {ran.action} --approve"
        )
        click.echo(one_line(sentence))
        return 0
    is_done = ran.standing is Standing.DONE
    click.echo(one_line(f"#{number} {ran.label}: {ran.standing}, {ran.words}"), err=not is_done)
    return 0 if is_done else BAD_ANSWER


def _hands(here: Session) -> "Hands":
    from watchdog.clock import going_on_from
    from watchdog.demo.whereabouts import find
    from watchdog.recovery_actions import Hands

    return Hands(here.pool, here.config, find(here.place.data).addresses, going_on_from(here.now))


async def _offers(here: Session, number: int, person: str) -> "list[Offer]":
    from watchdog.action_offers import offers
    from watchdog.store import incidents
    from watchdog.store.pool import transaction
    from watchdog.verbs import UnknownIncident

    async with transaction(here.pool) as conn:
        incident = await incidents.by_id(conn, number)
        if incident is None:
            raise UnknownIncident(number)
        return await offers(conn, here.config, incident, person, here.now)


def _table(number: int, found: "list[Offer]") -> Table:
    rows = [
        {
            "action": one.terms.name,
            "what": one.terms.label,
            "runs": one.tries,
            "now": one.hindrance or ("needs a new mitigation" if one.needs_mitigation else "yes"),
            "at_most": f"{one.terms.at_most} per {'day' if one.terms.is_daily else 'incident'}",
            "two_people": one.terms.two_people,
        }
        for one in found
    ]
    first = next((one.terms.name for one in found if not one.hindrance), None)
    ending = f"Run one: watchdog act {number} {first} -m HYPOTHESIS" if first else ""
    ending = ending or ("None can be run by you now." if rows else "Its rule has no action.")
    return Table(
        ("action", "what", "runs", "now"), rows, hidden=("at_most", "two_people"), ending=ending
    )


@click.command("stop-actions")
@click.option("-m", "words", default="", help="Why; whoever wants to run one reads it.")
@click.option("--lift", is_flag=True, help="Let them run again.")
@person_option
@placed
def stop_actions_command(words: str, lift: bool, person: str, place: Place) -> int:
    """Stop all recovery actions of all incidents, at once.

    What runs already runs to its end; a change of rows that has not been committed is undone. Whoever
    stopped them, or an admin, lets them run again with --lift.
    """

    async def work() -> None:
        from watchdog import recovery_actions

        async with session(place) as here:
            who = acting_person(here.config, person)
            if lift:
                await recovery_actions.lift_stop(here.pool, here.config, who, here.now)
            else:
                await recovery_actions.stop_all(here.pool, here.config, who, words, here.now)
        click.echo("Actions can be run again." if lift else "No action can be run until --lift.")

    return run(work())
