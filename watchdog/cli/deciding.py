"""`watchdog decline|snooze|reopen|not-actionable`: what people answer to an incident."""

import click

from watchdog.cli.acting import number_argument, say
from watchdog.cli.instants import span_of
from watchdog.cli.session import Place, moved, person_option, placed, run
from watchdog.domain.closing import UNNEEDED
from watchdog.domain.incident import State


@click.command("decline")
@number_argument
@click.option("-m", "words", default="", help="Why not.")
@person_option
@placed
def decline_command(number: int, words: str, person: str, place: Place) -> int:
    """Say that you do not take an incident that is offered to you; its owner keeps it."""

    async def work() -> None:
        from watchdog import verbs

        kept = await moved(place, person, verbs.decline, number, words)
        say(kept, f"declined; {kept.owner} keeps it.")

    return run(work())


@click.command("snooze")
@number_argument
@click.argument("span", metavar="SPAN")
@person_option
@placed
def snooze_command(number: int, span: str, person: str, place: Place) -> int:
    """Let an incident that you have taken rest for SPAN, such as 1h: no reminder, and it does not expire.

    At most 24h. It wakes when it gets worse.
    """
    asked = span_of(span, "SPAN")

    async def work() -> None:
        from watchdog import verbs

        resting = await moved(place, person, verbs.snooze, number, asked)
        assert resting.snoozed_until is not None
        say(
            resting,
            f"rests until {resting.snoozed_until:%Y-%m-%d %H:%M} UTC, or until it is worse.",
        )

    return run(work())


@click.command("reopen")
@number_argument
@click.option("-m", "words", required=True, help="What is not well.")
@person_option
@placed
def reopen_command(number: int, words: str, person: str, place: Place) -> int:
    """Say that an incident which has recovered, or ended within the last hour, is not well: it is yours.

    No check ends it then, for they are good: you resolve it.
    """

    async def work() -> None:
        from watchdog import verbs

        opened = await moved(place, person, verbs.reopen, number, words)
        say(opened, "is open again, and yours. Resolve it when it is well.")

    return run(work())


@click.command("not-actionable")
@number_argument
@click.option("--why", required=True, type=click.Choice(UNNEEDED), help="Why it needed nobody.")
@click.option("-m", "words", default="", help="What whoever mends the rule should know.")
@person_option
@placed
def not_actionable_command(number: int, why: str, words: str, person: str, place: Place) -> int:
    """Say that an incident needed nobody. One that has recovered ends by that, as a false alarm.

    One that is still bad stays open and keeps it in mind: once it has recovered, nobody is asked
    for its cause, and saying it again ends it.
    """

    async def work() -> None:
        from watchdog import verbs

        one = await moved(place, person, verbs.not_actionable, number, why, words)
        if one.state is State.RESOLVED:
            say(one, f"resolved as false alarm: {one.cause}.")
        else:
            say(one, f"noted: {why}. It is still {one.state} until its checks are good.")

    return run(work())
