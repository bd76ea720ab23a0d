"""`watchdog demo break|mend|list|scenario`: the failures of the five systems, on purpose."""

import click

from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.printing import Table, chosen, format_option, print_table
from watchdog.cli.session import Place, placed, run


@click.group("demo")
def demo_command() -> None:
    """Break and mend the demo's systems."""


@demo_command.command("break")
@click.argument("failures", metavar="ID...", nargs=-1, required=True)
@placed
def demo_break(failures: tuple[str, ...], place: Place) -> int:
    """Break the demo in the named ways; `watchdog demo list` has the ids."""
    return run(_switch(failures, place, broken=True))


@demo_command.command("mend")
@click.argument("failures", metavar="ID...", nargs=-1, required=True)
@placed
def demo_mend(failures: tuple[str, ...], place: Place) -> int:
    """Mend what was broken."""
    return run(_switch(failures, place, broken=False))


async def _switch(failures: tuple[str, ...], place: Place, *, broken: bool) -> None:
    from watchdog.demo.failures import FAILURES
    from watchdog.demo.switch import set_broken

    dsn = _dsn(place)
    for name in failures:
        if name not in FAILURES:
            raise Ended(WRONG_USE, f"there is no failure {name}; `watchdog demo list` has them all")
    for name in failures:
        await set_broken(dsn, name, broken)
        click.echo(f"{name} {'is broken' if broken else 'is mended'}: {FAILURES[name].title}")


@demo_command.command("list")
@format_option
@placed
def demo_list(form: str | None, place: Place) -> int:
    """List what can be broken, and what is broken now."""

    async def work() -> None:
        from watchdog.demo.failures import FAILURES
        from watchdog.demo.switch import list_broken

        broken = await list_broken(_dsn(place))
        rows = [
            {
                "id": one.id,
                "now": "broken" if one.id in broken else "",
                "what": one.title,
                "opens": one.expect,
            }
            for one in FAILURES.values()
        ]
        ending = "Break one: watchdog demo break S1"
        print_table(Table(("id", "now", "what", "opens"), rows, ending=ending), chosen(form))

    return run(work())


@demo_command.command("scenario")
@click.argument("name", required=False)
@click.option("--stop", is_flag=True, help="End it before its time, and mend what it has broken.")
@format_option
@placed
def demo_scenario(name: str | None, stop: bool, form: str | None, place: Place) -> int:
    """Play a story of failures and tell it as it happens; without NAME list what there is.

    The service plays it, so that it goes on when the terminal is closed; the same command then tells it
    again from its beginning. Ctrl-C ends it and mends what it has broken.
    """
    from watchdog.cli import scenario

    dsn = _dsn(place)
    if stop:
        if name is None:
            raise Ended(
                WRONG_USE, "say which scenario is to end: watchdog demo scenario NAME --stop"
            )
        return run(scenario.stop_scenario(dsn, name))
    if name is None:
        return run(scenario.show_scenarios(dsn, chosen(form)))
    return run(scenario.play_scenario(dsn, name))


def _dsn(place: Place) -> str:
    """Return where the demo's switches are."""
    from watchdog.demo.whereabouts import find

    dsn = find(place.data).switch_dsn
    if not dsn:
        raise Ended(
            UNREACHABLE, f"no demo runs on {place.data}: start it with `watchdog run --demo`"
        )
    return dsn
