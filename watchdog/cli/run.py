"""`watchdog run`: the service."""

import asyncio
import logging
import os

import click

from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended
from watchdog.cli.session import Place, placed


@click.command("run")
@click.option(
    "--listen", default="", help="Address and port of the page.  [default: 127.0.0.1:8711]"
)
@click.option("--demo", is_flag=True, help="Also run the five demo systems.")
@click.option("--verbose", is_flag=True, help="Log every evaluation.")
@placed
def run_command(listen: str, demo: bool, verbose: bool, place: Place) -> int:
    """Run the service until it is stopped.

    Without a configured store it runs a PostgreSQL of its own in the data directory. SIGHUP loads
    the configuration again; so does every change of its files.
    """
    from watchdog.app import CannotStart, serve
    from watchdog.logs import set_up
    from watchdog.service import Options
    from watchdog.web.server import CannotListen

    set_up(verbose=verbose)
    options = Options(place.config, place.data.absolute(), listen, demo)
    try:
        asyncio.run(serve(options, os.environ, click.echo))
    except CannotStart as error:
        raise Ended(WRONG_USE, str(error)) from error
    except ExceptionGroup as group:
        cause = _first_of(group)
        if isinstance(cause, CannotListen):
            raise Ended(UNREACHABLE, str(cause)) from group
        logging.getLogger(__name__).exception("the service ended")
        raise Ended(UNREACHABLE, f"the service ended: {cause}; the log above says more") from group
    return 0


def _first_of(group: BaseException) -> BaseException:
    """Return the first exception that ended a task."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
