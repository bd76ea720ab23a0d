"""`watchdog take|give-back|escalate|note|handover|resolve`: what people do to an incident."""

from datetime import datetime

import click

from notifiers.clean import one_line
from watchdog.cli.session import (
    NUMBER,
    Place,
    acting_person,
    moved,
    person_option,
    placed,
    run,
    session,
)
from watchdog.domain.closing import CAUSE_KINDS, Answer, Closing, Prevention, usual_due
from watchdog.domain.incident import Incident

number_argument = click.argument("number", metavar="ID", type=NUMBER)


def say(incident: Incident, sentence: str) -> None:
    """Say what became of an incident, in one line."""
    click.echo(one_line(f"#{incident.id} {sentence}"))


@click.command("take")
@number_argument
@click.option("--over", is_flag=True, help="Take it from whoever has taken it already.")
@person_option
@placed
def take_command(number: int, over: bool, person: str, place: Place) -> int:
    """Take an incident: you become its one, confirmed owner.

    This also accepts an incident that was offered to you.
    """

    async def work() -> None:
        from watchdog import verbs

        taken = await moved(place, person, verbs.take, number, over=over)
        say(taken, f"is yours: {taken.title}. {taken.detail}".strip())
        if taken.do_first:
            click.echo(one_line(f"Do first: {taken.do_first}"))

    return run(work())


@click.command("give-back")
@number_argument
@click.option("-m", "words", default="", help="What whoever takes it next must know.")
@person_option
@placed
def give_back_command(number: int, words: str, person: str, place: Place) -> int:
    """Give back an incident that you took: whoever is on call is paged for it."""

    async def work() -> None:
        from watchdog import verbs

        given = await moved(place, person, verbs.give_back, number, words)
        say(given, f"given back; {given.owner} is to take it.")

    return run(work())


@click.command("escalate")
@number_argument
@person_option
@placed
def escalate_command(number: int, person: str, place: Place) -> int:
    """Pass an incident that nobody has taken on to the next person at once."""

    async def work() -> None:
        from watchdog import verbs

        passed = await moved(place, person, verbs.escalate, number)
        say(passed, f"passed on to {passed.owner}.")

    return run(work())


@click.command("note")
@number_argument
@click.option("-m", "words", required=True, help="What you saw or did.")
@person_option
@placed
def note_command(number: int, words: str, person: str, place: Place) -> int:
    """Write a note on an incident's timeline."""

    async def work() -> None:
        from watchdog import verbs

        noted = await moved(place, person, verbs.note, number, words)
        say(noted, "noted.")

    return run(work())


@click.command("handover")
@number_argument
@click.argument("receiver", metavar="PERSON")
@click.option("-m", "words", default="", help="What the new owner must know.")
@person_option
@placed
def handover_command(number: int, receiver: str, words: str, person: str, place: Place) -> int:
    """Offer an incident to PERSON; you stay its owner until PERSON takes it."""

    async def work() -> None:
        from watchdog import verbs

        offered = await moved(place, person, verbs.hand_over, number, receiver, words)
        say(offered, f"offered to {receiver}. You stay owner until {receiver} takes it.")

    return run(work())


@click.command("resolve")
@number_argument
@click.option("-m", "cause", required=True, help="The cause, in one sentence.")
@click.option(
    "--kind",
    "cause_kind",
    required=True,
    type=click.Choice(CAUSE_KINDS),
    help="What kind of cause it was.",
)
@click.option("--action", default="", help="The one thing that stops it next time.")
@click.option(
    "--action-kind",
    default=Prevention.OTHER.value,
    type=click.Choice([one.value for one in Prevention if one is not Prevention.NOTHING_NEEDED]),
    help="What kind of thing that is; `other` by default.",
)
@click.option("--by", "doer", default="", help="Who does it; you by default.")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="By when; in two weeks by default.")
@click.option(
    "--nothing-needed", "why", default="", help="Instead of an action: why none is needed."
)
@click.option("--risk", default="", help="What may still happen, if anything.")
@click.option(
    "--window", default="", help="When it was bad, if not as its data say: 02:50 to 04:25."
)
@person_option
@placed
def resolve_command(
    number: int,
    cause: str,
    cause_kind: str,
    action: str,
    action_kind: str,
    doer: str,
    due: datetime | None,
    why: str,
    risk: str,
    window: str,
    person: str,
    place: Place,
) -> int:
    """End a recovered incident with its cause, and with what stops it next time.

    That is one preventive action, or the reason why none is needed.
    """
    if bool(action.strip()) == bool(why.strip()):
        raise click.UsageError("say either --action, or --nothing-needed and why")

    async def work() -> None:
        from watchdog import verbs
        from watchdog.moving import Deed

        async with session(place) as here:
            who = acting_person(here.config, person)
            due_on = due.date() if due else usual_due(here.now)
            answer = (
                Answer(Prevention(action_kind), action, doer or who, due_on)
                if action.strip()
                else Answer(Prevention.NOTHING_NEEDED, why)
            )
            closing = Closing(cause, cause_kind, answer, risk, window)
            ended = await verbs.resolve(
                here.pool, here.config.directory, Deed(number, who, here.now), closing
            )
        say(ended, f"resolved: {ended.cause}. Next time: {ended.answer}")

    return run(work())
