"""`watchdog demo scenario`: a story of failures, told as it happens."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from rules.spans import short_span
from watchdog.cli.ending import BAD_ANSWER, UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.printing import Format, Table, print_table

if TYPE_CHECKING:
    from watchdog.demo.scenario import Scenario, Turn

_WIDTH_MAX = 100
_INDENT = " " * 7


async def show_scenarios(dsn: str, form: Format) -> None:
    """Print what can be played, and what is being played now."""
    from watchdog.demo.scenarios import SCENARIOS
    from watchdog.demo.switch import list_broken

    begun = await list_broken(dsn)
    rows = [
        {
            "id": one.id,
            "now": "playing" if one.id in begun else "",
            "takes": short_span(one.lasts),
            "what": one.title,
        }
        for one in SCENARIOS.values()
    ]
    ending = f"Play one: watchdog demo scenario {next(iter(SCENARIOS))}"
    print_table(Table(("id", "now", "takes", "what"), rows, ending=ending), form)


async def play_scenario(dsn: str, name: str) -> None:
    """Begin a scenario and print each turn once it was played; interrupted, end it.

    Raises:
        Ended: There is none of that name, something is broken, or it ends before its time.
    """
    import asyncpg

    from watchdog.demo import playing

    scenario = named(name)
    gone = (
        asyncpg.InterfaceError,
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
    )
    try:
        await _begin(dsn, scenario)
        async with contextlib.aclosing(playing.follow(dsn, scenario)) as turns:
            async for turn in turns:
                click.echo("\n".join(lines_of(turn, shutil.get_terminal_size().columns)) + "\n")
    except asyncio.CancelledError:
        await stop_scenario(dsn, name)
        raise
    except playing.Stopped as error:
        raise Ended(BAD_ANSWER, f"{name} was stopped before its end") from error
    except gone as error:
        again = "when it runs again, so does the story"
        raise Ended(UNREACHABLE, f"the demo has gone; {again}") from error


async def stop_scenario(dsn: str, name: str) -> None:
    """End a scenario, mend what it has broken, and say so."""
    from watchdog.demo.playing import stop

    mended = await stop(dsn, named(name))
    if mended is None:
        click.echo(f"{name} is not being played")
        return
    click.echo(f"{name} is stopped. Mended: {', '.join(mended) or 'nothing was broken'}")


def named(name: str) -> "Scenario":
    """Return the scenario of a name.

    Raises:
        Ended: There is none.
    """
    from watchdog.demo.scenarios import SCENARIOS

    if name not in SCENARIOS:
        sentence = f"there is no scenario {name}; `watchdog demo scenario` lists them all"
        raise Ended(WRONG_USE, sentence)
    return SCENARIOS[name]


async def _begin(dsn: str, scenario: "Scenario") -> None:
    """Begin it, or say that it has begun before.

    Raises:
        Ended: Something is broken.
    """
    from watchdog.demo.playing import begin

    broken = await begin(dsn, scenario)
    if scenario.id in broken:
        click.echo(f"{scenario.id} is being played already. This has happened so far:", err=True)
        return
    if broken:
        verb = "is" if len(broken) == 1 else "are"
        raise Ended(
            BAD_ANSWER,
            f"{', '.join(broken)} {verb} broken, and {scenario.id} begins where nothing is: "
            f"watchdog demo mend {' '.join(broken)}",
        )
    click.echo(
        f"{scenario.title}.\nIt takes {short_span(scenario.lasts)}. "
        "Ctrl-C ends it and mends what is broken; closing the terminal does not.",
        err=True,
    )


def lines_of(turn: "Turn", columns: int) -> Iterator[str]:
    """Yield what is said of a turn: what happens, what is heard of it, and why."""
    why = [*_wrapped(turn.expect, columns), *_wrapped(turn.says, columns)]
    first, *others = [*happens(turn), *why]
    yield f"{clock(turn.after):>5}  {first}"
    for one in others:
        yield f"{_INDENT}{one}"


def happens(turn: "Turn") -> Iterator[str]:
    """Yield a line for each failure that breaks in a turn, and one for all that are mended."""
    from watchdog.demo.failures import FAILURES

    for name in turn.breaks:
        yield f"{name} breaks: {FAILURES[name].title}"
    if turn.mends:
        yield f"{', '.join(turn.mends)} {'is' if len(turn.mends) == 1 else 'are'} mended"


def clock(after: timedelta) -> str:
    """Return how far a scenario is: `4:15`."""
    minutes, seconds = divmod(int(after.total_seconds()), 60)
    return f"{minutes}:{seconds:02}"


def _wrapped(text: str, columns: int) -> list[str]:
    width = max(20, min(columns, _WIDTH_MAX) - len(_INDENT))
    return click.wrap_text(text, width).splitlines()
